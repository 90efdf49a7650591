"""Models that cannot do every run."""

from typing import Any, ClassVar

from rnnbench import register_model
from rnnbench.models.simple_rnn import SimpleRNN


@register_model("short_rnn")
class ShortRNN(SimpleRNN):
    """SimpleRNN for short lags."""

    def unsupported(self, spec: Any) -> str | None:
        return "it takes a lag of 10 at most" if spec.task.lag > 10 else None


@register_model("fussy_rnn")
class FussyRNN(SimpleRNN):
    """SimpleRNN that takes no lags from afar."""

    def unsupported(self, spec: Any) -> str | None:
        return "it takes no far lags" if spec.task.training_lags == "far" else None


@register_model("slow_rnn")
class SlowRNN(SimpleRNN):
    """SimpleRNN that takes no learning rate above 0.005."""

    def unsupported(self, spec: Any) -> str | None:
        return "it takes a learning rate of 0.005 at most" if spec.training.learning_rate > 0.005 else None


@register_model("both_ways")
class BothWays(SimpleRNN):
    """SimpleRNN that says it reads the sequence backwards too."""

    causal: ClassVar[bool] = False


@register_model("picky_rnn")
class PickyRNN(SimpleRNN):
    """SimpleRNN that takes a learning rate above 0.005 at short lags alone."""

    def unsupported(self, spec: Any) -> str | None:
        return "it would diverge" if spec.training.learning_rate > 0.005 and spec.task.lag > 5 else None

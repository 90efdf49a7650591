"""Models that cannot do every run."""

from __future__ import annotations

from typing import Any

from rnnbench import register_model
from rnnbench.models.simple_rnn import SimpleRNN


@register_model("short_rnn")
class ShortRNN(SimpleRNN):
    """SimpleRNN, for short lags only."""

    def unsupported(self, spec: Any) -> str | None:
        return "it takes a lag of 10 at most" if spec.task.lag > 10 else None


@register_model("both_ways")
class BothWays(SimpleRNN):
    """It says of itself that it reads later steps too."""

    causal = False

"""Networks set by hand as models: see `rnnbench.checks.by_hand`."""

from __future__ import annotations

from rnnbench import RNNModel, register_model
from rnnbench.checks.by_hand import DelayLine, Latch


class ByHand(RNNModel):
    alphabet: int = 8

    def layer_parameters(self, inputs):
        return 0


@register_model("latch")
class LatchModel(ByHand):
    def cell(self):
        return Latch(self.alphabet)


@register_model("first_latch")
class FirstLatchModel(ByHand):
    def cell(self):
        return Latch(self.alphabet, first=True)


@register_model("delay_line")
class DelayLineModel(ByHand):
    delay: int = 1

    def cell(self):
        return DelayLine(self.alphabet, self.delay)

"""A plug-in task whose score, a correlation, is undefined at the evaluations that are asked for."""

from typing import ClassVar

import numpy as np

from rnnbench import Features, Layout, RegressionTask, register_task


@register_task("undefined")
class Undefined(RegressionTask):
    """Recall a number; the score is the correlation of the answers with it."""

    score_name: ClassVar[str] = "correlation"
    perfect: ClassVar[float] = 1.0
    solved_score: ClassVar[float | None] = 0.9
    calls: ClassVar[int] = 0

    times: int = 1
    """How many of the first evaluations have no score."""
    broken: str = ""
    """Which split holds a value that is missing."""
    level: float = 0.0
    """What is said to be reached without memory."""

    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    inputs = property(lambda self: Features(width=2))
    outputs = property(lambda self: 1)

    def train_batch(self, seed, step, batch_size):
        return self._draw(np.random.default_rng([0, seed, step]), batch_size, self.broken == "train" and step == 3)

    def split(self, name):
        return self._draw(np.random.default_rng([1, name == "test"]), 50, self.broken == name)

    def memoryless(self):
        return self.level

    def scores(self, targets, outputs):
        Undefined.calls += 1
        found = float(np.corrcoef(targets[:, 0], outputs[:, 0])[0, 1])
        correlation = float("nan") if Undefined.calls <= self.times else found
        return {"correlation": correlation, "loss": super().scores(targets, outputs)["loss"]}

    def _draw(self, rng, n, broken):
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, 0, 0] = rng.normal(size=n)
        inputs[:, -1, 1] = 1
        targets = inputs[:, 0, :1].copy()
        if broken:
            inputs[1, 0, 0] = np.nan
        return inputs, targets

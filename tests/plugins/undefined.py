"""A plug-in task whose score, a correlation, is undefined at the evaluations that are asked for."""

from typing import ClassVar

import numpy as np

from rnnbench import Layout, Ports, RegressionTask, Score, Stream, register_task
from rnnbench.tasks.metric import OfWholeSplit


@register_task("undefined")
class Undefined(RegressionTask):
    """Recall a number; the score is the correlation of the answers with it."""

    score: ClassVar[Score] = Score("correlation", higher_is_better=True, perfect=1.0)
    solved_score: ClassVar[float | None] = 0.9
    calls: ClassVar[int] = 0

    times: int = 1
    """How many of the first evaluations have no score."""
    broken: str = ""
    """Which split holds a value that is missing."""
    level: float = 0.0
    """What is said to be reached without memory."""

    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 1)

    def train_batch(self, seed, step, batch_size):
        return self._draw(np.random.default_rng([0, seed, step]), batch_size, self.broken == "train" and step == 3)

    def split(self, name):
        return [self._draw(np.random.default_rng([1, name == "test"]), 50, self.broken == name)]

    def memoryless(self, split="test"):
        return self.level

    def metric(self):
        return OfWholeSplit(self._of_all)

    def _of_all(self, stream, outputs):
        Undefined.calls += 1
        found = float(np.corrcoef(stream.targets.ravel(), outputs.ravel())[0, 1])
        correlation = float("nan") if Undefined.calls <= self.times else found
        return {"correlation": correlation, "loss": self.scores(stream, outputs)["loss"].mean()}

    def _draw(self, rng, n, broken):
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, 0, 0] = rng.normal(size=n)
        inputs[:, -1, 1] = 1
        targets = inputs[:, :1, :1].copy()
        if broken:
            inputs[1, 0, 0] = np.nan
        return Stream(targets, inputs)

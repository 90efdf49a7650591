"""Tasks of one's own that are sound, of unusual shapes; the broken ones of the tests differ from them by one fault."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from rnnbench import ClassificationTask, Layout, Ports, RegressionTask, Score, Stream, Task
from rnnbench.tasks.dataset import DatasetTask, Examples
from rnnbench.tasks.metric import OfWholeSplit
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.supervised import mean_of_steps, weighted_mean


class Drawn(Task):
    """Draws its examples; the split in two streams."""

    size: ClassVar[int]

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        whole = self.draw(np.random.default_rng([1, name == "test"]), self.size)
        yield whole.rows(slice(self.size // 3))
        yield whole.rows(slice(self.size // 3, None))


class Sign(Drawn, ClassificationTask):
    """Is the sum of three numbers positive? With distractors, and 600 examples a split."""

    size = 600
    fillers = ("zeros", "distractor")
    layout = property(lambda self: Layout(evidence=3, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)

    def fill(self, rng, n, steps):
        filler = np.zeros((n, steps, 2), np.float32)
        if self.filler == "distractor":
            filler[..., 0] = rng.normal(size=(n, steps))
        return filler

    def draw(self, rng, n):
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, :3, 0] = rng.normal(size=(n, 3))
        inputs[:, 3:-1] = self.fill(rng, n, self.lag)
        inputs[:, -1, 1] = 1
        targets = (inputs[:, :3, 0].sum(axis=1) > 0).astype(np.int32)
        return Stream(targets=targets[:, None], features=inputs)


class FirstToken(Drawn, ClassificationTask):
    """Which of six tokens came first? Asked twice. A blank is 6, the marker 7; distractors are 8 to 13."""

    size = 400
    fillers = ("blank", "distractor")
    layout = property(lambda self: Layout(evidence=2, lag=self.lag, readout=2))
    ports = property(lambda self: Ports(vocabulary=14, embedding=4))
    outputs = property(lambda self: 6)

    def fill(self, rng, n, steps):
        if self.filler == "distractor":
            return rng.integers(8, 14, size=(n, steps)).astype(np.int32)
        return np.full((n, steps), 6, np.int32)

    def draw(self, rng, n):
        inputs = np.full((n, self.layout.length), 7, np.int32)
        inputs[:, :2] = rng.integers(0, 6, size=(n, 2))
        inputs[:, 2:-2] = self.fill(rng, n, self.lag)
        return Stream(targets=np.repeat(inputs[:, :1], 2, axis=1), tokens=inputs)


class Moments(Drawn, RegressionTask):
    """Mean, largest and smallest of five values: three outputs, whose best constant is their mean."""

    size = 500
    fillers = ("zeros", "distractor")
    layout = property(lambda self: Layout(evidence=5, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=1))
    outputs = property(lambda self: 3)

    def draw(self, rng, n):
        inputs = np.zeros((n, self.layout.length, 1), np.float32)
        inputs[:, :5, 0] = rng.normal(size=(n, 5))
        if self.filler == "distractor":
            inputs[:, 5:-1, 0] = rng.normal(size=(n, self.lag))
        seen = inputs[:, :5, 0]
        targets = np.stack([seen.mean(axis=1), seen.max(axis=1), seen.min(axis=1)], axis=1)
        return Stream(targets=targets[:, None], features=inputs)

    def memoryless(self, split="test"):
        targets = np.concatenate([stream.targets for stream in self.split(split)])
        return float(targets.var(axis=0).mean())


class Correlated(Moments):
    """Scored by a correlation, which constant answers have none of."""

    score = Score("correlation", higher_is_better=True, perfect=1.0)

    def metric(self):
        return OfWholeSplit(self.of_all)

    def of_all(self, stream, outputs):
        of_each = self.scores(stream, outputs)
        correlation = np.corrcoef(stream.targets[:, 0, 0], outputs[:, 0, 0])[0, 1]
        return {"correlation": float(correlation), "loss": float(of_each["loss"].mean())}

    def memoryless(self, split="test"):
        return 0.0


class Backwards(Drawn, ClassificationTask):
    """Reads every step: at the three readout steps the three bits that were shown, the last one first."""

    size = 500
    fillers = ("zeros", "distractor")
    reads = "every step"
    layout = property(lambda self: Layout(evidence=3, lag=self.lag, readout=3))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)

    def fill(self, rng, n, steps):
        filler = np.zeros((n, steps, 2), np.float32)
        if self.filler == "distractor":
            filler[..., 0] = rng.normal(size=(n, steps))
        return filler

    def draw(self, rng, n):
        bits = rng.integers(0, 2, size=(n, 3))
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, :3, 0] = 2 * bits - 1
        inputs[:, 3:-3] = self.fill(rng, n, self.lag)
        inputs[:, -3, 1] = 1
        targets = np.zeros(inputs.shape[:2], np.int32)
        targets[:, -3:] = bits[:, ::-1]
        asked = np.broadcast_to(np.arange(self.layout.length) >= self.layout.first_readout, targets.shape)
        return Stream(targets=targets, features=inputs, weights=asked.astype(np.float32))


class Held(Backwards):
    """Reads every step, and asks from the end of the evidence on which sign was more frequent; scores the readout."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        most = (stream.features[:, :3, 0].sum(axis=1) > 0).astype(np.int32)
        step = np.arange(self.layout.length)
        targets = np.where(step < 3, 0, most[:, None]).astype(np.int32)
        asked = np.broadcast_to(step >= 3, targets.shape).astype(np.float32)
        scored = np.broadcast_to(step >= self.layout.first_readout, targets.shape)
        return Stream(targets=targets, features=stream.features, weights=asked, scored=scored)


class Listed(Drawn, ClassificationTask):
    """Two to four tokens of six are shown; then as many steps are read, `given` by their index, in reverse order."""

    size = 600
    fillers = ("blank", "distractor")
    reads = "given"
    layout = property(lambda self: Layout(evidence=4, lag=self.lag, readout=4))
    ports = property(lambda self: Ports(vocabulary=10, embedding=3))
    outputs = property(lambda self: 6)

    def fill(self, rng, n, steps):
        if self.filler == "distractor":
            return rng.integers(8, 10, size=(n, steps)).astype(np.int32)
        return np.full((n, steps), 6, np.int32)

    def draw(self, rng, n):
        count = rng.integers(2, 5, size=(n, 1))
        at, first = np.arange(4), self.layout.first_readout
        shown = rng.integers(0, 6, size=(n, 4))
        asked = at < count
        inputs = np.full((n, self.layout.length), 6, np.int32)
        inputs[:, :4] = np.where(asked, shown, 6)
        inputs[:, 4:-4] = self.fill(rng, n, self.lag)
        inputs[:, first:] = np.where(asked, 7, 6)
        order = np.where(asked, count - 1 - at, 0)
        targets = np.where(asked, np.take_along_axis(shown, order, axis=1), 0).astype(np.int32)
        readout = np.where(asked, first + at, 0).astype(np.int32)
        return Stream(targets=targets, tokens=inputs, readout=readout, weights=asked.astype(np.float32))


class Weighed(Drawn, RegressionTask):
    """Features and tokens: the sum of four values, each times the sign that its token stands for."""

    size = 500
    fillers = ("blank", "distractor")
    layout = property(lambda self: Layout(evidence=4, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=1, vocabulary=4, embedding=2))
    outputs = property(lambda self: 1)

    def fill(self, rng, n, steps):
        values = np.zeros((n, steps, 1), np.float32)
        if self.filler == "distractor":
            values[:] = rng.normal(size=values.shape)
        return values, np.full((n, steps), 2, np.int32)

    def draw(self, rng, n):
        values = np.zeros((n, self.layout.length, 1), np.float32)
        tokens = np.full(values.shape[:2], 3, np.int32)
        values[:, :4], tokens[:, :4] = rng.normal(size=(n, 4, 1)), rng.integers(0, 2, size=(n, 4))
        values[:, 4:-1], tokens[:, 4:-1] = self.fill(rng, n, self.lag)
        targets = (values[:, :4, 0] * (2 * tokens[:, :4] - 1)).sum(axis=1)
        return Stream(targets=targets[:, None, None].astype(np.float32), features=values, tokens=tokens)

    def memoryless(self, split="test"):
        return float(np.concatenate([stream.targets for stream in self.split(split)]).var())


class Asked(Drawn, ClassificationTask):
    """A question at the readout shifts the odds of yes, and `memoryless()` says so."""

    size = 1000
    fillers = ("zeros",)
    layout = property(lambda self: Layout(evidence=2, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)

    def draw(self, rng, n):
        question = rng.integers(0, 2, size=n)
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, :2, 0] = rng.normal(size=(n, 2))
        inputs[:, -1, 1] = 2 * question - 1
        seen = inputs[:, :2, 0]
        yes = np.where(question == 1, (seen > 0).any(axis=1), (seen > 0).all(axis=1))
        return Stream(targets=yes.astype(np.int32)[:, None], features=inputs)

    def memoryless(self, split="test"):
        return 0.75


class OwnData(DatasetTask, ClassificationTask):
    """A finite data set with a source of its own and a setting that must be given."""

    source: Literal["mine"] = "mine"
    classes: int

    fillers = ("zeros", "blank", "distractor", "decoy")
    layout = property(lambda self: Layout(evidence=4, lag=self.lag, readout=1))
    ports = property(lambda self: self.feature_ports(1))
    outputs = property(lambda self: self.classes)

    def check_data(self):
        pass

    def examples(self, split):
        rng = np.random.default_rng(["train", "validation", "test"].index(split))
        labels = rng.integers(0, self.classes, size=400).astype(np.int32)
        evidence = rng.normal(size=(400, 4, 1)) + labels[:, None, None]
        return Examples(evidence.astype(np.float32), labels)

    def distractors(self, rng, n, steps):
        return 9 + rng.normal(size=(n, steps, 1))

    def decoys(self, rng, n, steps):
        return rng.normal(size=(n, steps, 1)) + rng.integers(0, self.classes, size=(n, 1, 1))

    def levels(self):
        return super().levels() | {"position-blind": position_blind(self)}


class Angle(Drawn):
    """Two outputs that mean an angle, known to the task alone."""

    size = 300
    fillers = ("zeros", "distractor")
    score = Score("cosine", higher_is_better=True, perfect=1.0)
    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=3))
    outputs = property(lambda self: 2)

    def draw(self, rng, n):
        angle = rng.uniform(0, 2 * np.pi, size=n).astype(np.float32)
        inputs = np.zeros((n, self.layout.length, 3), np.float32)
        inputs[:, 0, 0], inputs[:, 0, 1] = np.cos(angle), np.sin(angle)
        if self.filler == "distractor":
            inputs[:, 1:-1, :2] = rng.normal(size=(n, self.lag, 2))
        inputs[:, -1, 2] = 1
        return Stream(targets=angle[:, None], features=inputs)

    def loss(self, stream, outputs):
        from keras import ops

        at = ops.stack([ops.cos(stream.targets), ops.sin(stream.targets)], axis=-1)
        squares = ops.mean(ops.square(outputs - ops.cast(at, outputs.dtype)), axis=-1)
        return weighted_mean(squares, stream.weights)

    def scores(self, stream, outputs):
        at = np.stack([np.cos(stream.targets), np.sin(stream.targets)], axis=-1)
        size = np.maximum(np.linalg.norm(outputs, axis=-1), 1e-9)
        squares = np.mean((outputs - at) ** 2, axis=-1)
        return {
            "cosine": mean_of_steps((outputs * at).sum(axis=-1) / size, stream.weights),
            "loss": mean_of_steps(squares, stream.weights),
        }

    def memoryless(self, split="test"):
        return 0.0


SOUND = (Sign, FirstToken, Moments, Correlated, Backwards, Held, Listed, Weighed, Asked, Angle)

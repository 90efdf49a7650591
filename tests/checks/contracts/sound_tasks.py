"""Tasks of one's own that are sound, of unusual shapes; the broken ones of the tests differ from them by one fault."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from rnnbench import ClassificationTask, Features, Layout, RegressionTask, Task, Tokens
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples


class Sign(ClassificationTask):
    """Is the sum of three numbers positive? With distractors, and 600 examples a split."""

    layout = property(lambda self: Layout(evidence=3, lag=self.lag, readout=1))
    inputs = property(lambda self: Features(width=2))
    outputs = property(lambda self: 2)

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 600)

    def draw(self, rng, n):
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, :3, 0] = rng.normal(size=(n, 3))
        if self.filler == "distractor":
            inputs[:, 3:-1, 0] = rng.normal(size=(n, self.lag))
        inputs[:, -1, 1] = 1
        return inputs, (inputs[:, :3, 0].sum(axis=1) > 0).astype(np.int32)


class FirstToken(ClassificationTask):
    """Which of six tokens came first? A blank is 6, the marker 7; distractors are 8 to 13."""

    layout = property(lambda self: Layout(evidence=2, lag=self.lag, readout=2))
    inputs = property(lambda self: Tokens(vocabulary=14, width=4))
    outputs = property(lambda self: 6)

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 400)

    def draw(self, rng, n):
        inputs = np.full((n, self.layout.length), 6, np.int32)
        inputs[:, :2] = rng.integers(0, 6, size=(n, 2))
        if self.filler == "distractor":
            inputs[:, 2:-2] = rng.integers(8, 14, size=(n, self.lag))
        inputs[:, -2:] = 7
        return inputs, inputs[:, 0].copy()


class Moments(RegressionTask):
    """Mean, largest and smallest of five values: three outputs, whose best constant is their mean."""

    layout = property(lambda self: Layout(evidence=5, lag=self.lag, readout=1))
    inputs = property(lambda self: Features(width=1))
    outputs = property(lambda self: 3)

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 500)

    def draw(self, rng, n):
        inputs = np.zeros((n, self.layout.length, 1), np.float32)
        inputs[:, :5, 0] = rng.normal(size=(n, 5))
        if self.filler == "distractor":
            inputs[:, 5:-1, 0] = rng.normal(size=(n, self.lag))
        seen = inputs[:, :5, 0]
        return inputs, np.stack([seen.mean(axis=1), seen.max(axis=1), seen.min(axis=1)], axis=1)

    def memoryless(self):
        _, targets = self.split("test")
        return float(targets.var(axis=0).mean())


class Correlated(Moments):
    """Scored by a correlation, which constant answers have none of."""

    score_name: ClassVar[str] = "correlation"
    perfect: ClassVar[float] = 1.0

    def scores(self, targets, outputs):
        mse = super().scores(targets, outputs)["mse"]
        return {"correlation": float(np.corrcoef(targets[:, 0], outputs[:, 0])[0, 1]), "loss": mse}

    def memoryless(self):
        return 0.0


class Backwards(ClassificationTask):
    """Answers at every step: at the three readout steps the three bits that were shown, the last one first."""

    answers_every_step: ClassVar[bool] = True
    layout = property(lambda self: Layout(evidence=3, lag=self.lag, readout=3))
    inputs = property(lambda self: Features(width=2))
    outputs = property(lambda self: 2)

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 500)

    def draw(self, rng, n):
        bits = rng.integers(0, 2, size=(n, 3))
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, :3, 0] = 2 * bits - 1
        if self.filler == "distractor":
            inputs[:, 3:-3, 0] = rng.normal(size=(n, self.lag))
        inputs[:, -3, 1] = 1
        targets = np.zeros(inputs.shape[:2], np.int32)
        targets[:, -3:] = bits[:, ::-1]
        return inputs, targets

    def loss(self, targets, outputs):
        import keras

        return keras.ops.mean(super().loss(targets[:, -3:], outputs[:, -3:]), axis=-1)

    def scores(self, targets, outputs):
        return super().scores(targets[:, -3:], outputs[:, -3:])

    def memoryless(self):
        return 0.5


class Asked(ClassificationTask):
    """A question at the readout shifts the odds of yes, and `memoryless()` says so."""

    layout = property(lambda self: Layout(evidence=2, lag=self.lag, readout=1))
    inputs = property(lambda self: Features(width=2))
    outputs = property(lambda self: 2)

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 1000)

    def draw(self, rng, n):
        question = rng.integers(0, 2, size=n)
        inputs = np.zeros((n, self.layout.length, 2), np.float32)
        inputs[:, :2, 0] = rng.normal(size=(n, 2))
        inputs[:, -1, 1] = 2 * question - 1
        seen = inputs[:, :2, 0]
        yes = np.where(question == 1, (seen > 0).any(axis=1), (seen > 0).all(axis=1))
        return inputs, yes.astype(np.int32)

    def memoryless(self):
        return 0.75


class OwnData(DatasetClassificationTask):
    """A finite data set with a source of its own and a setting that must be given."""

    source: Literal["mine"] = "mine"
    classes: int

    layout = property(lambda self: Layout(evidence=4, lag=self.lag, readout=1))
    inputs = property(lambda self: Features(width=2))
    outputs = property(lambda self: self.classes)

    def check_data(self):
        pass

    def examples(self, split):
        rng = np.random.default_rng(["train", "validation", "test"].index(split))
        labels = rng.integers(0, self.classes, size=400).astype(np.int32)
        evidence = rng.normal(size=(400, 4, 1)) + labels[:, None, None]
        return Examples(evidence.astype(np.float32), labels)

    def distractors(self, rng, n):
        return rng.normal(size=(n, self.lag, 1))


class Angle(Task):
    """Two outputs that mean an angle, known to the task alone."""

    score_name: ClassVar[str] = "cosine"
    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    inputs = property(lambda self: Features(width=3))
    outputs = property(lambda self: 2)

    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 300)

    def draw(self, rng, n):
        angle = rng.uniform(0, 2 * np.pi, size=n).astype(np.float32)
        inputs = np.zeros((n, self.layout.length, 3), np.float32)
        inputs[:, 0, 0], inputs[:, 0, 1] = np.cos(angle), np.sin(angle)
        if self.filler == "distractor":
            inputs[:, 1:-1, :2] = rng.normal(size=(n, self.lag, 2))
        inputs[:, -1, 2] = 1
        return inputs, angle

    def loss(self, targets, outputs):
        from keras import ops

        at = ops.stack([ops.cos(targets), ops.sin(targets)], axis=-1)
        return ops.mean(ops.square(outputs - ops.cast(at, outputs.dtype)), axis=-1)

    def scores(self, targets, outputs):
        at = np.stack([np.cos(targets), np.sin(targets)], axis=-1)
        size = np.maximum(np.linalg.norm(outputs, axis=-1), 1e-9)
        cosine = float(np.mean((outputs * at).sum(axis=-1) / size))
        return {"cosine": cosine, "loss": float(np.mean((outputs - at) ** 2))}

    def memoryless(self):
        return 0.0


SOUND = (Sign, FirstToken, Moments, Correlated, Backwards, Asked, Angle)

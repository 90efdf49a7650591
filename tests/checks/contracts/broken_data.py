"""Tasks whose data have one fault, beside the check that finds it and words of what it says."""

from __future__ import annotations

import numpy as np

from rnnbench import Ports
from rnnbench.tasks.stream import joined
from tests.checks.contracts.sound_tasks import Angle, Asked, Backwards, FirstToken, Listed, Moments, Sign, Weighed

# The answer where it must not be.


class AtTheMarker(Sign):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.features[:, -1, 0] = stream.targets[:, 0]
        return stream


class FaintAtTheMarker(Sign):
    """One example in four."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.features[:, -1, 0] = (2 * stream.targets[:, 0] - 1) * (rng.random(n) < 0.25)
        return stream


class InTheFiller(Sign):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        if self.filler == "distractor" and self.lag > 1:
            stream.features[:, 4, 0] += 2 * stream.targets[:, 0] - 1
        return stream


class ParityOfTwoChannels(Sign):
    ports = property(lambda self: Ports(features=3))

    def fill(self, rng, n, steps):
        return np.pad(super().fill(rng, n, steps), [(0, 0), (0, 0), (0, 1)])

    def draw(self, rng, n):
        narrow = Sign(lag=self.lag, filler=self.filler).draw(rng, n)
        wide = np.pad(narrow.features, [(0, 0), (0, 0), (0, 1)])
        bit = rng.integers(0, 2, size=n)
        wide[:, -1, 0], wide[:, -1, 2] = bit, bit ^ narrow.targets[:, 0]
        return narrow._replace(features=wide)


class ParityOverTime(Sign):
    """One bit in the filler, the other at the readout."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        if self.filler == "distractor" and self.lag > 1:
            bit = rng.integers(0, 2, size=n)
            stream.features[:, 4, 0], stream.features[:, -1, 0] = bit, bit ^ stream.targets[:, 0]
        return stream


class ValueTimesSign(Moments):
    ports = property(lambda self: Ports(features=3))

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        wide = np.pad(stream.features, [(0, 0), (0, 0), (0, 2)])
        sign = rng.choice([-1, 1], size=n)
        wide[:, -1, 1], wide[:, -1, 2] = sign, sign * stream.targets[:, 0, 0]
        return stream._replace(features=wide)


class AsAnotherMarker(FirstToken):
    """The marker is a token of the distractors, by a permutation of the answer."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.tokens[:, -1] = np.array([11, 8, 13, 9, 12, 10])[stream.targets[:, 1]]
        return stream


class BeforeItIsAsked(Backwards):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.features[:, -2, 0] = stream.targets[:, -1]
        return stream


class AtTheGivenStep(Listed):
    """The marker of the second step that is read; the others say nothing."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.tokens[np.arange(n), stream.readout[:, 1]] = stream.targets[:, 1]
        return stream


class InTheTokensBesideTheFeatures(Weighed):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.tokens[:, -1] = 2 + (stream.targets[:, 0, 0] > 0)
        return stream


class AngleAtTheMarker(Angle):
    """What its outputs mean is known to the task alone; the answer can be found all the same."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.features[:, -1, 0] = np.sin(stream.targets[:, 0])
        return stream


class MoreThanGranted(Asked):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.features[:, -1, 0] = stream.targets[:, 0] * (rng.random(n) < 0.8)
        return stream


# Data that are not what they should be.


class HalfPrecision(Sign):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        return stream._replace(features=stream.features.astype(np.float64))


class Holes(Moments):
    def split(self, name):
        for stream in super().split(name):
            stream.features[7, 1] = np.nan if name == "test" else 0
            yield stream


class BeyondTheVocabulary(FirstToken):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.tokens[:, -1] = 14
        return stream


class OneForBoth(Weighed):
    """Leaves out its tokens."""

    def draw(self, rng, n):
        return super().draw(rng, n)._replace(tokens=None)


class CountedFromOne(Sign):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        return stream._replace(targets=stream.targets + 1)


class FlatTargets(Moments):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        return stream._replace(targets=stream.targets[:, 0])


class OneStreamAlone(Sign):
    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 600)


class WithoutReadout(Listed):
    def draw(self, rng, n):
        return super().draw(rng, n)._replace(readout=None)


class ReadAfterTheEnd(Listed):
    def draw(self, rng, n):
        stream = super().draw(rng, n)
        return stream._replace(readout=stream.readout + np.int32(1))


class WeightsOfTraining(Listed):
    """Its splits have none."""

    def split(self, name):
        for stream in super().split(name):
            full = (stream.weights > 0).all(axis=1)
            yield stream.rows(full)._replace(weights=None)


class NoSeed(Sign):
    def train_batch(self, seed, step, batch_size):
        return super().train_batch(0, step, batch_size)


class NoStep(Sign):
    """The evidence alone: fresh distractors hide it from who compares whole inputs."""

    def train_batch(self, seed, step, batch_size):
        stream = super().train_batch(seed, 0, batch_size)
        stream.features[:, 3:-1] = self.fill(np.random.default_rng([step, seed]), batch_size, self.lag)
        return stream


class NoFunction(Sign):
    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng(), batch_size)


class TestInTraining(Sign):
    """Each batch begins with an example of the test split."""

    __test__ = False

    def train_batch(self, seed, step, batch_size):
        stream, test = super().train_batch(seed, step, batch_size), joined(self.split("test"))
        stream.features[0], stream.targets[0] = test.features[step % 600], test.targets[step % 600]
        return stream


class ValidationInTest(Sign):
    def split(self, name):
        stream = joined(super().split(name))
        if name == "test":
            chosen = np.random.default_rng(5).permutation(stream.examples)[:100]
            stream = joined([joined(super().split("validation")).rows(chosen), stream.rows(slice(100, None))])
        return [stream]


class OnePool(Sign):
    """A pool of 200 sequences, of which both training and test take some."""

    def draw(self, rng, n):
        pool = super().draw(np.random.default_rng(7), 200)
        return pool.rows(rng.permutation(200)[:n] if n <= 200 else rng.integers(0, 200, size=n))

    def split(self, name):
        return [self.draw(np.random.default_rng([1, name == "test"]), 150)]


BROKEN = {
    AtTheMarker: ("answer", "at the readout"),
    FaintAtTheMarker: ("answer", "at the readout"),
    InTheFiller: ("answer", "in step 2 of the lag"),
    ParityOfTwoChannels: ("answer", "at the readout"),
    ParityOverTime: ("answer", "in the lag and at the readout"),
    ValueTimesSign: ("answer", "at the readout"),
    AsAnotherMarker: ("answer", "at the readout"),
    BeforeItIsAsked: ("answer", "at the readout"),
    AtTheGivenStep: ("answer", "at the readout"),
    InTheTokensBesideTheFeatures: ("answer", "at the readout"),
    AngleAtTheMarker: ("answer", "at the readout: better than by any constant"),
    MoreThanGranted: ("answer", "memoryless() says 0.75"),
    HalfPrecision: ("inputs", "features are float64; float32 is wanted"),
    Holes: ("inputs", "the test split holds 1 features that are not finite"),
    BeyondTheVocabulary: ("inputs", "has token 14, outside 0 to 13"),
    OneForBoth: ("inputs", "the training batch has no tokens, but `ports` declares"),
    OneStreamAlone: ("inputs", "split must give an iterable of streams, such as a list: it gave one"),
    CountedFromOne: ("targets", "has target 2, outside 0 to 1"),
    FlatTargets: ("targets", "has targets of shape (32, 3), expected (32, 1, ...)"),
    WithoutReadout: ("targets", "has no readout, but the task must give the steps that are read"),
    ReadAfterTheEnd: ("targets", "has readout 11, outside 0 to 10"),
    WeightsOfTraining: ("targets", "every stream must have the same parts: the training batch has targets, tokens"),
    NoSeed: ("batches and splits", "two seeds must not get the same batch"),
    NoStep: ("batches and splits", "two steps must not get the same batch"),
    NoFunction: ("batches and splits", "two calls differ"),
    TestInTraining: ("examples apart", "test examples are also in training"),
    ValidationInTest: ("examples apart", "100 of 600 validation examples are also in test"),
    OnePool: ("examples apart", "validation examples are also in test"),
}

"""A sound task passes every check, and each fault is found by the check that is for it and by no other."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from rnnbench.checks.contracts.check import NotCheckedError, verdicts
from rnnbench.checks.contracts.points import points_of_class, points_of_tasks
from rnnbench.checks.contracts.tasks import TASK_CHECKS
from tests.checks.contracts.sound_tasks import (
    SOUND,
    Angle,
    Asked,
    Backwards,
    Correlated,
    FirstToken,
    Moments,
    OwnData,
    Sign,
)


def judged(points):
    return list(verdicts(TASK_CHECKS, points))


def faults(points):
    """What failed, by check."""
    return {verdict.check: verdict.found for verdict in judged(points) if verdict.kept is False}


@pytest.mark.parametrize("task_class", SOUND)
def test_sound_tasks_of_unusual_shapes_pass(task_class):
    assert faults(points_of_class(task_class)) == {}


def test_a_task_with_settings_that_must_be_given_is_judged_by_an_experiment():
    with pytest.raises(NotCheckedError, match=r"needs settings \(classes\); name it in an experiment file"):
        points_of_class(OwnData)
    tasks = [OwnData(lag=lag, classes=3, filler=filler) for lag in (0, 7) for filler in ("blank", "distractor")]
    assert faults(points_of_tasks(tasks, 16)) == {}
    assert all(verdict.kept for verdict in judged(points_of_tasks(tasks, 16)))


def test_one_lag_is_compared_with_a_longer_one():
    class Growing(Sign):
        def train_batch(self, seed, step, batch_size):
            return super().train_batch(seed + self.lag, step, batch_size)

    assert set(faults(points_of_tasks([Growing(lag=5)], 8))) == {"lag"}


# The answer where it must not be.


class AtTheMarker(Sign):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -1, 0] = targets
        return inputs, targets


class FaintAtTheMarker(Sign):
    """One example in four."""

    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -1, 0] = (2 * targets - 1) * (rng.random(n) < 0.25)
        return inputs, targets


class InTheFiller(Sign):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        if self.filler == "distractor":
            inputs[:, 4, 0] += 2 * targets - 1
        return inputs, targets


class ParityOfTwoChannels(Sign):
    inputs = property(lambda self: Features3)

    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        wide = np.concatenate([inputs, np.zeros_like(inputs[..., :1])], axis=-1)
        bit = rng.integers(0, 2, size=n)
        wide[:, -1, 0], wide[:, -1, 2] = bit, bit ^ targets
        return wide, targets


class ParityOverTime(Sign):
    """One bit in the filler, the other at the readout."""

    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        if self.filler == "distractor":
            bit = rng.integers(0, 2, size=n)
            inputs[:, 4, 0], inputs[:, -1, 0] = bit, bit ^ targets
        return inputs, targets


class ValueTimesSign(Moments):
    inputs = property(lambda self: Features3)

    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        wide = np.concatenate([inputs, np.zeros((*inputs.shape[:2], 2), np.float32)], axis=-1)
        sign = rng.choice([-1, 1], size=n)
        wide[:, -1, 1], wide[:, -1, 2] = sign, sign * targets[:, 0]
        return wide, targets


class AsAnotherMarker(FirstToken):
    """The marker is a token of the distractors, by a permutation of the answer."""

    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -1] = np.array([11, 8, 13, 9, 12, 10])[targets]
        return inputs, targets


class BeforeItIsAsked(Backwards):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -2, 0] = targets[:, -1]
        return inputs, targets


class AngleAtTheMarker(Angle):
    """What its outputs mean is known to the task alone; the answer can be found all the same."""

    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -1, 0] = np.sin(targets)
        return inputs, targets


class MoreThanGranted(Asked):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -1, 0] = targets * (rng.random(n) < 0.8)
        return inputs, targets


# Data that are not what they should be.


class HalfPrecision(Sign):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        return inputs.astype(np.float64), targets


class Holes(Moments):
    def split(self, name):
        inputs, targets = super().split(name)
        inputs[7, 1] = np.nan if name == "test" else 0
        return inputs, targets


class BeyondTheVocabulary(FirstToken):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        inputs[:, -1] = 14
        return inputs, targets


class CountedFromOne(Sign):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        return inputs, targets + 1


class FlatTargets(Moments):
    def draw(self, rng, n):
        inputs, targets = super().draw(rng, n)
        return inputs, targets[:, 0]


class NoSeed(Sign):
    def train_batch(self, seed, step, batch_size):
        return super().train_batch(0, step, batch_size)


class NoStep(Sign):
    """The evidence alone: fresh distractors hide it from who compares whole inputs."""

    def train_batch(self, seed, step, batch_size):
        inputs, targets = super().train_batch(seed, 0, batch_size)
        if self.filler == "distractor":
            inputs[:, 3:-1, 0] = np.random.default_rng([step, seed]).normal(size=(batch_size, self.lag))
        return inputs, targets


class NoFunction(Sign):
    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng(), batch_size)


class TestInTraining(Sign):
    """Each batch begins with an example of the test split."""

    __test__ = False

    def train_batch(self, seed, step, batch_size):
        inputs, targets = super().train_batch(seed, step, batch_size)
        test = self.split("test")
        inputs[0], targets[0] = test[0][step % 600], test[1][step % 600]
        return inputs, targets


class ValidationInTest(Sign):
    def split(self, name):
        inputs, targets = super().split(name)
        if name == "test":
            order = np.random.default_rng(5).permutation(len(inputs))[:100]
            inputs[:100], targets[:100] = (part[order] for part in super().split("validation"))
        return inputs, targets


class OnePool(Sign):
    """A pool of 200 sequences, of which both training and test take some."""

    def draw(self, rng, n):
        pool = super().draw(np.random.default_rng(7), 200)
        chosen = rng.permutation(200)[:n] if n <= 200 else rng.integers(0, 200, size=n)
        return pool[0][chosen], pool[1][chosen]

    def split(self, name):
        return self.draw(np.random.default_rng([1, name == "test"]), 150)


# Loss and scores.


class LossByTheLag(Sign):
    def loss(self, targets, outputs):
        return super().loss(targets, outputs) * (1 + self.lag)


class LossOfTheBatch(Moments):
    def loss(self, targets, outputs):
        from keras import ops

        found = super().loss(targets, outputs)
        return found / ops.max(found)


class ScoresByTheLag(Sign):
    def scores(self, targets, outputs):
        found = super().scores(targets, outputs)
        return {**found, "accuracy": found["accuracy"] ** (1 + self.lag / 10)}


class InPercent(Sign):
    def scores(self, targets, outputs):
        found = super().scores(targets, outputs)
        return {**found, "accuracy": 100 * found["accuracy"]}

    def memoryless(self):
        return 100 * super().memoryless()


class ErrorThatShouldRise(Moments):
    perfect: ClassVar[float] = 1.0


class FirstHalf(Sign):
    def scores(self, targets, outputs):
        half = len(targets) // 2
        return super().scores(targets[:half], outputs[:half])


class NoScore(Sign):
    def scores(self, targets, outputs):
        found = super().scores(targets, outputs)
        return {**found, "accuracy": float("nan")}


class FirstCall(Correlated):
    calls: ClassVar[list] = [0]

    def scores(self, targets, outputs):
        self.calls[0] += 1
        found = super().scores(targets, outputs)
        return found if self.calls[0] > 1 else {**found, "correlation": float("nan")}


class TooLow(Sign):
    def memoryless(self):
        return 0.25


class TooHigh(Sign):
    def memoryless(self):
        return 0.8


class WrongMean(Moments):
    def memoryless(self):
        return 3 * super().memoryless()


class NoRoom(Sign):
    def memoryless(self):
        return 1.0


Features3 = type(Sign(lag=1).inputs)(3)

BROKEN = {
    AtTheMarker: ("answer", "at the readout"),
    FaintAtTheMarker: ("answer", "at the readout"),
    InTheFiller: ("answer", "in step 2 of the lag"),
    ParityOfTwoChannels: ("answer", "at the readout"),
    ParityOverTime: ("answer", "in the lag and at the readout"),
    ValueTimesSign: ("answer", "at the readout"),
    AsAnotherMarker: ("answer", "at the readout"),
    BeforeItIsAsked: ("answer", "at the readout"),
    AngleAtTheMarker: ("answer", "at the readout: better than by any constant"),
    MoreThanGranted: ("answer", "memoryless() says 0.75"),
    HalfPrecision: ("inputs", "inputs are float64; float32 is wanted"),
    Holes: ("inputs", "test split hold 1 values that are NaN or infinite"),
    BeyondTheVocabulary: ("inputs", "go from 0 to 14; vocabulary: 14"),
    CountedFromOne: ("targets", "go from 1 to 2; there are 2 outputs"),
    FlatTargets: ("targets", "have shape (32,); (batch, 3) is wanted"),
    NoSeed: ("batches and splits", "two seeds must not get the same batch"),
    NoStep: ("batches and splits", "two steps must not get the same batch"),
    NoFunction: ("batches and splits", "two calls differ"),
    TestInTraining: ("examples apart", "test examples are also in training"),
    ValidationInTest: ("examples apart", "100 of 600 validation examples are also in test"),
    OnePool: ("examples apart", "validation examples are also in test"),
    LossByTheLag: ("loss", "must not look at the lag"),
    LossOfTheBatch: ("loss", "must not depend on the others"),
    ScoresByTheLag: ("scores", "must not look at the lag"),
    InPercent: ("scores", "`perfect` says 1"),
    ErrorThatShouldRise: ("scores", "right answers must score better in the declared direction"),
    FirstHalf: ("scores", "order of the examples"),
    NoScore: ("scores", "must be finite; accuracy is nan"),
    FirstCall: ("scores", "must be a function of targets and outputs"),
    TooLow: ("memoryless level", "memoryless() is 0.25; a memoryless answer scores accuracy 0.5"),
    TooHigh: ("memoryless level", "memoryless() is 0.8; the best memoryless answer scores accuracy only 0.5"),
    WrongMean: ("memoryless level", "a memoryless answer scores mse"),
    NoRoom: ("memoryless level", "memoryless() is the perfect score"),
}


@pytest.mark.parametrize("task_class", BROKEN)
def test_a_fault_is_found_by_the_right_check_alone(task_class):
    check, words = BROKEN[task_class]
    found = faults(points_of_class(task_class))
    # A readout that a filler changes breaks that promise too.
    assert set(found) - {"filler"} == {check}
    assert words in found[check]


def test_what_rests_on_a_broken_check_is_not_checked():
    found = {verdict.check: verdict for verdict in judged(points_of_class(HalfPrecision))}
    assert found["targets"].found == "not checked: fix 'inputs' first"
    assert [verdict.kept for verdict in found.values()] == [False] + [None] * (len(TASK_CHECKS) - 1)


def test_few_sequences_may_stand_in_every_split():
    from rnnbench.tasks.copy_memory import CopyMemory

    for symbols in (1, 2, 4, 6):
        points = points_of_tasks([CopyMemory(lag=2, symbols=symbols)], 50)
        assert "examples apart" not in faults(points)


def test_a_naive_forecast_may_be_better_than_a_constant():
    class Naive(Moments):
        def memoryless(self):
            return 0.25 * super().memoryless()

        def levels(self):
            return {"last_value": self.memoryless()}

    assert faults(points_of_class(Naive)) == {}


def test_a_distractor_that_fills_nothing_in_is_a_fault_only_where_it_is_asked_for():
    class Quiet(Sign):
        def draw(self, rng, n):
            return Sign(lag=self.lag).draw(rng, n)

    assert faults(points_of_class(Quiet)) == {}
    assert faults(points_of_tasks([Quiet(lag=4)], 8)) == {}
    assert set(faults(points_of_tasks([Quiet(lag=4, filler="distractor")], 8))) == {"filler"}


def test_evidence_that_has_no_end_is_not_judged_by_what_follows_it():
    from rnnbench.tasks.adding import Adding

    found = judged(points_of_tasks([Adding.literature(20), Adding.literature(60)], 50))
    assert {verdict.check: verdict.kept for verdict in found if not verdict.kept} == {"answer": None}

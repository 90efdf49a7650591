"""Tasks whose lags, leads or scoring have one fault, beside the check that finds it and words of what it says."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from rnnbench import Ports, Score, Stream
from rnnbench.tasks.metric import Estimate, Metric
from tests.checks.contracts.sound_tasks import Backwards, Correlated, Held, Listed, Moments, Sign, Weighed

# Other lags, and leads.


class NotSoShort(Sign):
    """Does not say so in `least_lag`."""

    lag: int = Field(ge=2)


class WiderByTheLag(Sign):
    ports = property(lambda self: Ports(features=2 if self.lag > 2 else 3))

    def draw(self, rng, n):
        stream = Sign(lag=self.lag, filler=self.filler).draw(rng, n)
        width = self.ports.features - 2
        return stream._replace(features=np.pad(stream.features, [(0, 0), (0, 0), (0, width)]))


class AtItsOwnLag(Sign):
    """Draws a lag by itself in training."""

    def training_stream(self, seed, step, batch_size):
        if self.training_lags == "fixed":
            return super().training_stream(seed, step, batch_size)
        shorter = {"lag": self.lag - 1, "training_lags": "fixed"}
        return self.model_copy(update=shorter).training_stream(seed, step, batch_size)


class NarrowFiller(Sign):
    def fill(self, rng, n, steps):
        return super().fill(rng, n, steps)[..., :1]


class FillerOfItsOwn(Sign):
    def fill(self, rng, n, steps):
        return np.random.default_rng().normal(size=(n, steps, 2)).astype(np.float32)

    def draw(self, rng, n):
        return Sign(lag=self.lag, filler=self.filler).draw(rng, n)


class HalfAFiller(Weighed):
    """The features alone."""

    def fill(self, rng, n, steps):
        return super().fill(rng, n, steps)[0]

    def draw(self, rng, n):
        return Weighed(lag=self.lag, filler=self.filler).draw(rng, n)


class ReadsWhereItDidWithoutALead(Listed):
    def training_stream(self, seed, step, batch_size):
        stream = super().training_stream(seed, step, batch_size)
        lead = 0 if self.lead == "none" else stream.steps - self.layout.length
        return stream._replace(readout=stream.readout - np.int32(lead))


class AsksInTheLead(Backwards):
    def streams(self, name):
        for stream in super().streams(name):
            weights = stream.weights.copy()
            weights[:, : stream.steps - self.layout.length] = 1
            yield stream._replace(weights=weights)


class AlwaysAtItsLag(Sign):
    def tested(self, name, lag=None, leads=None):
        return super().tested(name, None, leads)


class LeadsOfTheTestedLag(Sign):
    """Other leads than those that it is validated with."""

    def tested(self, name, lag=None, leads=None):
        if lag in (None, self.lag) or leads is not None:
            return super().tested(name, lag, leads)
        return super().tested(name, lag, [3 * lag + 50])


class MarkerAndEvidence(Sign):
    def without_marker(self, stream):
        return stream._replace(features=np.zeros_like(stream.features))


class MarkerThatStays(Sign):
    def without_marker(self, stream):
        return stream


class OtherAnswersWithoutAMarker(Backwards):
    def without_marker(self, stream):
        features = stream.features.copy()
        features[:, -3, 1] = 0
        return stream._replace(features=features, targets=1 - stream.targets)


# Fillers.


class WiderByItsFiller(Sign):
    ports = property(lambda self: Ports(features=2 if self.filler == "zeros" else 3))

    def fill(self, rng, n, steps):
        return np.pad(super().fill(rng, n, steps), [(0, 0), (0, 0), (0, self.ports.features - 2)])

    def draw(self, rng, n):
        stream = Sign(lag=self.lag, filler=self.filler).draw(rng, n)
        return stream._replace(features=np.pad(stream.features, [(0, 0), (0, 0), (0, self.ports.features - 2)]))


class ZerosThatAreOnes(Sign):
    def fill(self, rng, n, steps):
        return super().fill(rng, n, steps) + np.float32(self.filler == "zeros")


class BlankOfZeros(Sign):
    fillers = ("blank",)


class BlankOfNoise(Listed):
    def fill(self, rng, n, steps):
        return rng.integers(6, 8, size=(n, steps)).astype(np.int32)


class DistractorOfNothing(Sign):
    def draw(self, rng, n):
        return Sign(lag=self.lag).draw(rng, n)

    def fill(self, rng, n, steps):
        return Sign(lag=self.lag).fill(rng, n, steps)


class TakesAnyFiller(Sign):
    def __init__(self, **settings):
        known = settings.get("filler", "zeros") in Sign.fillers
        super().__init__(**settings if known else settings | {"filler": "zeros"})


# Loss and scores.


class LossByTheLag(Sign):
    def loss(self, stream, outputs):
        return super().loss(stream, outputs) * (1 + self.lag)


class LossOfTheBatch(Moments):
    def loss(self, stream, outputs):
        from keras import ops

        found = super().loss(stream, outputs)
        return found / ops.max(found)


class LossOfPadding(Listed):
    def loss(self, stream, outputs):
        return super().loss(stream._replace(weights=None), outputs)


class LossOfWhatIsNotScored(Held):
    """Passes over the weights that it does not give itself."""

    def loss(self, stream, outputs):
        after = self.layout.evidence
        return super().loss(Stream(targets=stream.targets[:, after:]), outputs[:, after:])


class ScoresByTheLag(Sign):
    def scores(self, stream, outputs):
        found = super().scores(stream, outputs)
        return {**found, "accuracy": found["accuracy"] * (1 + self.lag / 10)}


class ScoresOfPadding(Listed):
    def scores(self, stream, outputs):
        return super().scores(stream._replace(weights=None), outputs)


class ScoresWhatIsNotScored(Held):
    def scores(self, stream, outputs):
        return super().scores(stream._replace(scored=None), outputs)


class InPercent(Sign):
    def scores(self, stream, outputs):
        found = super().scores(stream, outputs)
        return {**found, "accuracy": 100 * found["accuracy"]}

    def memoryless(self, split="test"):
        return 100 * super().memoryless(split)


class ErrorThatShouldRise(Moments):
    score = Score("mse", higher_is_better=True, perfect=5.0)


class MeanOfAll(Sign):
    def scores(self, stream, outputs):
        return {name: values.mean() for name, values in super().scores(stream, outputs).items()}


class RankInTheBatch(Sign):
    def scores(self, stream, outputs):
        found = super().scores(stream, outputs)
        return {**found, "rank": found["loss"] / found["loss"].max()}


class ByPlace(Sign):
    def scores(self, stream, outputs):
        found = super().scores(stream, outputs)
        return {**found, "weighted": found["loss"] * np.arange(stream.examples)}


class NoScore(Sign):
    def scores(self, stream, outputs):
        found = super().scores(stream, outputs)
        return {**found, "accuracy": np.full(stream.examples, np.nan)}


class FirstCall(Sign):
    calls: ClassVar[list] = [0]

    def scores(self, stream, outputs):
        self.calls[0] += 1
        found = super().scores(stream, outputs)
        return found if self.calls[0] > 1 else {**found, "accuracy": np.full(stream.examples, np.nan)}


class MeanOfBatches(Metric):
    def __init__(self, of_all):
        self.of_all, self.found = of_all, []

    def update(self, stream, outputs):
        self.found.append(self.of_all(stream, outputs))

    def result(self):
        return {name: Estimate(float(np.mean([one[name] for one in self.found]))) for name in self.found[0]}


class CorrelatedByBatch(Correlated):
    def metric(self):
        return MeanOfBatches(self.of_all)


class OneMetric(Sign):
    """Goes on with what it has taken in."""

    kept: ClassVar[dict] = {}

    def metric(self):
        return self.kept.setdefault((self.lag, self.filler), super().metric())


class TooLow(Sign):
    def memoryless(self, split="test"):
        return 0.25


class TooHigh(Sign):
    def memoryless(self, split="test"):
        return 0.8


class OfPadding(Listed):
    """Counts the blanks of padding among the answers, of which they are 1 in 4."""

    def memoryless(self, split="test"):
        return float(np.mean([(stream.targets == 0).mean() for stream in self.split(split)]))


class WrongMean(Moments):
    def memoryless(self, split="test"):
        return 3 * super().memoryless(split)


class NoRoom(Sign):
    def memoryless(self, split="test"):
        return 1.0


class DecoysWithoutACue(Sign):
    fillers = ("zeros", "decoy")

    def fill(self, rng, n, steps):
        filler = np.zeros((n, steps, 2), np.float32)
        if self.filler == "decoy":
            filler[..., 0] = rng.normal(size=(n, steps))
        return filler

    def levels(self):
        return super().levels() | {"position-blind": self.memoryless()}


class DecoysThatNobodyCounts(DecoysWithoutACue):
    """The second channel marks the evidence."""

    def draw(self, rng, n):
        stream = super().draw(rng, n)
        stream.features[:, :3, 1] = -1
        return stream

    def levels(self):
        return {"memoryless": self.memoryless(), "reference": 1.0}


class NoReference(Sign):
    def levels(self):
        return {"memoryless": self.memoryless()}


class AnotherReference(Sign):
    def levels(self):
        return super().levels() | {"reference": 0.9}


class WorseReference(Sign):
    def reference(self, split="test"):
        return 0.3


class SolvedByAConstant(Sign):
    def solves(self, score, standard_error=0.0, split="test"):
        return score >= 0.4


BROKEN = {
    NotSoShort: ("training lags", "at_lag(0): Input should be greater than or equal to 2; least_lag is 0"),
    WiderByTheLag: ("training lags", "ports must be the same at every lag"),
    AtItsOwnLag: ("training lags", "training_stream must give the batch of the drawn lag"),
    NarrowFiller: ("lead", "features (3, 0, 1) float32; (3, 0, 2) float32 is wanted"),
    FillerOfItsOwn: ("lead", "fill must draw from its generator alone"),
    HalfAFiller: ("lead", "of features and tokens a pair of them"),
    ReadsWhereItDidWithoutALead: ("lead", "must shift the readout"),
    AsksInTheLead: ("lead", "nothing may be asked in the lead"),
    AlwaysAtItsLag: ("tested", "the leads are"),
    LeadsOfTheTestedLag: ("tested", "the leads are"),
    MarkerAndEvidence: ("marker", "must leave the evidence"),
    MarkerThatStays: ("marker", "nothing differs"),
    OtherAnswersWithoutAMarker: ("marker", "must leave the targets"),
    WiderByItsFiller: ("filler", "ports must not depend on the filler"),
    ZerosThatAreOnes: ("filler", "'zeros' must be an input vector of zeros"),
    BlankOfZeros: ("filler", "'blank' must be of unit norm, it has 0; a vector of zeros is 'zeros'"),
    BlankOfNoise: ("filler", "'blank' must be one constant symbol"),
    DistractorOfNothing: ("filler", "'distractor' must differ by example"),
    TakesAnyFiller: ("filler", "'filler: blank' must be refused: `fillers` does not name it"),
    LossByTheLag: ("loss", "must not look at the lag"),
    LossOfTheBatch: ("loss", "must not depend on the others"),
    LossOfPadding: ("loss", "read steps of weight 0"),
    LossOfWhatIsNotScored: ("loss", "read steps of weight 0"),
    ScoresByTheLag: ("scores", "must not look at the lag"),
    ScoresOfPadding: ("scores", "read steps of weight 0"),
    ScoresWhatIsNotScored: ("scores", "read steps that are not `scored`"),
    InPercent: ("scores", "`perfect` says 1"),
    ErrorThatShouldRise: ("scores", "right answers must score better in the declared direction"),
    MeanOfAll: ("scores", "scores must be one number per example, (B,): accuracy"),
    RankInTheBatch: ("scores", "must not depend on the others in its batch: rank does"),
    ByPlace: ("scores", "order of the examples"),
    NoScore: ("scores", "must be finite; accuracy is nan"),
    FirstCall: ("scores", "must be a function of targets and outputs"),
    CorrelatedByBatch: ("metric", "correlation is"),
    OneMetric: ("scores", "must give a new Metric at each call"),
    TooLow: ("memoryless level", "memoryless() is 0.25; a memoryless answer scores accuracy 0.5"),
    TooHigh: ("memoryless level", "memoryless() is 0.8; the best memoryless answer scores accuracy only 0.5"),
    OfPadding: ("memoryless level", "the best memoryless answer scores accuracy only"),
    WrongMean: ("memoryless level", "a memoryless answer scores mse"),
    DecoysWithoutACue: ("filler", "decoys need a cue"),
    DecoysThatNobodyCounts: ("levels", "levels() must hold 'position-blind' where decoys fill the lag"),
    NoReference: ("levels", "levels() must hold 'reference': it has memoryless"),
    AnotherReference: ("levels", "levels() says reference 0.9, reference() 1"),
    WorseReference: ("levels", "reference() (0.3) must not be worse than memoryless()"),
    SolvedByAConstant: ("solved", "the memoryless level must not be solved"),
    NoRoom: ("memoryless level", "memoryless() is the perfect score"),
}

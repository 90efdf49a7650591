"""Checks 14 to 17, 19 and 20: clocks, latches, the marker, the frozen level and the known order of learning.

All on copy-memory of one symbol, 64 units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from rnnbench.checks.by_hand import DelayLine, Latch
from rnnbench.checks.finding import Finding, at_least, at_most, equal, near
from rnnbench.events import Diverged, Event, Finished, Measured, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.metric import Estimate
from rnnbench.tasks.stream import Stream

_LAG = 50
_HELD = {"lag": _LAG, "symbols": 1}
_FIXED = _HELD | {"training_lags": "fixed"}
_MEASURED = "docs/science.md, section 2"
_BY_HAND_LAG = 12


class Whole(NamedTuple):
    """The events of a run, looked up."""

    events: list[Event]

    @property
    def outcome(self) -> dict[str, float]:
        return next(event for event in self.events if isinstance(event, Finished | Diverged)).metrics

    @property
    def levels(self) -> dict[str, float]:
        return next(event for event in self.events if isinstance(event, Started)).levels

    def curve(self, metric: str) -> dict[int, float]:
        """A metric by its step."""
        measured = [event for event in self.events if isinstance(event, Measured) and metric in event.metrics]
        return {event.step: event.metrics[metric] for event in measured}


def a_clock_is_called_one() -> Iterator[Finding]:
    """Check 14: SimpleRNN at one fixed lag, through blanks, without a lead."""
    found = _run(_FIXED, "simple_rnn", learning_rate=1e-3, steps=1000)
    yield equal("14 simple_rnn, fixed lag 50, blanks: solved", 1.0, found.outcome["solved"], _MEASURED)
    yield at_least("14 simple_rnn, fixed lag 50, blanks: clock", 0.5, found.outcome.get("clock", math.nan), _MEASURED)


def a_memory_is_none() -> Iterator[Finding]:
    """Check 15: a GRU with chrono initialisation, uniform lags behind leads."""
    found = _run(_HELD, "gru", {"initialization": "chrono", "chrono_max": _LAG}, steps=3000)
    curve, shift = found.curve("lag_curve/accuracy"), found.curve("start_shift/accuracy")
    for lag in (_LAG - 1, _LAG, _LAG + 1):
        yield at_least(f"15 gru chrono, uniform to 50: accuracy at lag {lag}", 0.98, curve[lag], _MEASURED)
    for lead in (0, 1, 5, max(20, _LAG // 2)):
        yield at_least(f"15 gru chrono, uniform to 50: accuracy behind a lead of {lead}", 0.98, shift[lead], _MEASURED)


def the_marker_binds() -> Iterator[Finding]:
    """Check 16: asked at every step, a network recalls at the marker, and not without it."""
    found = _run(_HELD | {"objective": "all"}, "gru", {"initialization": "chrono", "chrono_max": _LAG}, steps=3000)
    yield at_least("16 gru chrono, all steps asked: accuracy", 0.98, found.outcome["score"], _MEASURED)
    without = found.outcome["no_marker/accuracy"]
    yield at_most("16 gru chrono, all steps asked: accuracy without the marker", 0.2, without, _MEASURED)


def the_frozen_level() -> Iterator[Finding]:
    """Check 17: a SimpleRNN that learnt nothing passes blanks at lag 50, and no distractors."""
    for filler, check in (("blank", at_least), ("distractor", at_most)):
        found = _run(_FIXED | {"filler": filler}, "simple_rnn", {"trainable": "readout"}, steps=1)
        name = f"17 simple_rnn, frozen, lag 50, {filler}: accuracy of a ridge readout"
        yield check(name, 0.95 if filler == "blank" else 0.3, found.levels["frozen"], "measured")


def verdicts_by_hand() -> Iterator[Finding]:
    """Check 19: cells set by hand get the verdicts that they deserve."""
    task = CopyMemory(lag=_BY_HAND_LAG, symbols=1, examples=200, training_lags="fixed", lead="none")
    latch, first, line = (
        _verdict(task, cell) for cell in (Latch(8), Latch(8, first=True), DelayLine(8, _BY_HAND_LAG + 1))
    )
    source = "by hand"
    yield equal("19 a latch: skills at all lags", {1.0}, set(latch.skills.values()), source)
    yield equal("19 a latch: scores behind all leads", {1.0}, set(latch.shift.values()), source)
    yield near("19 a latch: clock", 0.0, latch.outcome["clock"], 1e-12, source)
    yield equal("19 a delay line: solves its own lag", 1.0, line.skills[_BY_HAND_LAG], source)
    yield at_least("19 a delay line: clock", 0.75, line.outcome["clock"], "but for chance, 1")
    yield equal("19 a latch on the first step: skills at all lags", {1.0}, set(first.skills.values()), source)
    yield at_most("19 a latch on the first step: start shift", 0.35, first.outcome["start_shift"], "chance")


def order_of_learning() -> Iterator[Finding]:
    """Check 20: LSTM learns sooner with forget bias 1 than with 0, and soonest with chrono; from afar chrono alone."""
    variants: dict[str, dict[str, Any]] = {
        "forget bias 0": {"forget_bias": 0.0},
        "forget bias 1": {},
        "chrono": {"initialization": "chrono", "chrono_max": 2 * _LAG},
    }
    task, within = {"lag": 2 * _LAG, "symbols": 1, "filler": "distractor"}, 3000
    for lags in ("uniform", "far"):
        reached = {
            name: _run(task | {"training_lags": lags}, "lstm", settings, steps=within).outcome.get(
                "steps_to_solve", math.inf
            )
            for name, settings in variants.items()
        }
        told = ", ".join(f"{name} {steps:g}" for name, steps in reached.items())
        zero, one, chrono = reached.values()
        right = zero >= one >= chrono and chrono < math.inf if lags == "uniform" else chrono <= min(zero, one)
        order = "0, 1, chrono: ever sooner" if lags == "uniform" else "chrono never after the others"
        yield Finding(
            f"20 lstm, {lags} to {2 * _LAG}, distractors: steps to solve", order, told, "order", _MEASURED, right
        )


def _run(task: Mapping[str, Any], model: str, settings: Mapping[str, Any] = {}, **training: Any) -> Whole:
    from rnnbench.training.run import run

    (spec,) = Experiment(
        name="check",
        tasks={"copy_memory": dict(task)},
        models={model: {"units": 64, **settings}},
        training={"learning_rate": 3e-3, "batch_size": 64, "evaluate_every": 100, **training},
        gradients={"examples": 8},  # type: ignore[arg-type]
    ).runs
    return Whole(list(run(spec)))


class _Verdict(NamedTuple):
    skills: dict[int, float]
    shift: dict[int, float]
    outcome: dict[str, float]


def _verdict(task: CopyMemory, cell: keras.Layer) -> _Verdict:
    """What the suite says of a cell whose output, the symbols in its first units, is the answer."""
    from rnnbench.tasks.lag_curve import default_test_lags
    from rnnbench.training import lag_curve

    layer = keras.layers.RNN(cell, return_sequences=True)

    def evaluate(streams: Iterable[Stream]) -> Mapping[str, Estimate]:
        metric = task.metric()
        for stream in streams:
            symbols = keras.ops.convert_to_numpy(layer(stream.features))[:, -1:, : cell.alphabet]
            # The blank is the first class.
            after = task.outputs - 1 - cell.alphabet
            metric.update(stream, np.pad(symbols, [(0, 0), (0, 0), (1, after)]))
        return metric.result()

    own = evaluate(task.tested("test"))
    lags = default_test_lags(task.least_lag, task.lag)
    curve = dict(lag_curve.lag_curve(task, lags, own, evaluate, task.examples))
    shift = dict(lag_curve.start_shift(task, evaluate))
    solved = bool(curve[task.lag]["solved"])
    skills = {lag: metrics["skill"] for lag, metrics in curve.items()}
    return _Verdict(skills, shift, lag_curve.outcome(task, solved, curve, shift))

"""A store with made-up runs of an experiment, as the driver would have written them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnnbench.events import Diverged, Event, Finished, Measured, Profiled
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tasks.protocol import longest_lead
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from tests.event_streams import started
from tests.report.fake_results import REACH

LEVELS = {"memoryless": 0.125, "reference": 1.0, "frozen": 0.3}


def fill(location: Location, grid: Experiment) -> None:
    """Write every run of a grid of copy-memory; one in a hundred diverged."""
    with Tracker(location, grid) as tracker:
        for position, spec in enumerate(grid.runs):
            for event in _events(spec, np.random.default_rng([5, position]), position % 100 == 99):
                tracker.write(event)


def _events(spec: RunSpec, rng: np.random.Generator, diverged: bool) -> Iterator[Event]:
    lag, reach, name = spec.task.lag, REACH.get(spec.model_label, 50), spec.signature
    skill = float(rng.random() < 1 / (1 + (lag / reach) ** 4)) or float(rng.normal(0, 0.01))
    solved, last = skill == 1, 700 if diverged else 2000
    yield replace(started(spec), levels=LEVELS)
    for step in range(0, last + 1, 100):
        score = _score(skill / (1 + math.exp((700 - step) / 120)))
        yield Measured(name, step, {"validation/accuracy": score, "train/loss": 2.1 - score})
    for phase, step in (("initial", 0), ("during", 100), ("during", 400), ("final", last)):
        yield _profile(spec, phase, step, 0.1 * math.exp(rng.normal(0, 0.2)), reach)
        yield Measured(name, step, {"gradient_profile/survival": math.exp(-6 * lag / reach)})
    metrics = {"score": _score(skill), "skill": skill, "steps": last, "best_step": last, "seconds": 20.0}
    metrics |= {"seconds/training": 0.01 * last, "solved": float(solved), "score_standard_error": 0.004}
    metrics |= {"survival": math.exp(-6 * lag / reach), "decay_per_step": 0.9}
    if diverged:
        yield Diverged(name, last, metrics | {"solved": 0.0})
        return
    timed = spec.task.training_lags == "fixed" and spec.model_label == "simple_rnn"
    yield from _tested(spec, skill, timed)
    metrics |= {"start_shift": _score(skill), "seconds/lag_curve": 0.5}
    reached = lag if timed else 2 * lag
    of_solved = {"steps_to_solve": 800.0, "clock": float(timed), "generalises_to": float(reached)}
    yield Finished(name, last, metrics | (of_solved if solved else {}))


def _tested(spec: RunSpec, skill: float, timed: bool) -> Iterator[Event]:
    """At other lags and leads, and what can be read: the step is the lag, the lead, the distance."""
    name, lag = spec.signature, spec.task.lag
    for at in sorted({0, lag // 2, lag - 1, lag, lag + 1, 2 * lag}):
        kept = 0.0 if timed and at != lag else skill
        found = {"accuracy": _score(kept), "skill": kept, "solved": float(kept == 1), "standard_error": 0.004}
        yield Measured(name, at, {f"lag_curve/{metric}": value for metric, value in found.items()})
    for lead in (0, 1, 5, longest_lead(lag), 2 * longest_lead(lag)):
        yield Measured(name, lead, {"start_shift/accuracy": _score(skill)})
    for distance in sorted({0, 1, lag}):
        read = {"readable_initial/accuracy": _score(0.9**distance), "readable_final/accuracy": _score(skill)}
        yield Measured(name, distance, read)


def _score(skill: float) -> float:
    return LEVELS["memoryless"] + skill * (LEVELS["reference"] - LEVELS["memoryless"])


def _profile(spec: RunSpec, phase: str, step: int, scale: float, reach: float) -> Profiled:
    distance = np.arange(spec.task.lag + 4)
    median = scale * np.exp(-6 * distance / reach)
    rows = {"distance": distance.tolist(), "state": ["joint"] * len(distance), "median": median.tolist()}
    return Profiled(spec.signature, step, phase, rows | {"low": (median / 2).tolist(), "high": (2 * median).tolist()})

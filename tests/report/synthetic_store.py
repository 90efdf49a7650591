"""A store with made-up runs of an experiment, as the driver would have written them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rnnbench.events import Diverged, Event, Finished, Measured, Profiled
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from tests.event_streams import started
from tests.report.fake_results import REACH


def fill(location: Location, grid: Experiment) -> None:
    """Write every run of a grid of copy-memory; one in a hundred diverged."""
    with Tracker(location, grid) as tracker:
        for position, spec in enumerate(grid.runs):
            for event in _events(spec, np.random.default_rng([5, position]), position % 100 == 99):
                tracker.write(event)


def _events(spec: RunSpec, rng: np.random.Generator, diverged: bool) -> Iterator[Event]:
    lag, reach, name = spec.task.lag, REACH.get(spec.model_label, 50), spec.signature
    skill = float(rng.random() < 1 / (1 + (lag / reach) ** 4)) or float(rng.normal(0, 0.01))
    last = 700 if diverged else 2000
    yield started(spec)
    for step in range(0, last + 1, 100):
        score = 0.125 + 0.875 * skill / (1 + math.exp((700 - step) / 120))
        yield Measured(name, step, {"validation/accuracy": score, "train/loss": 2.1 - score})
    for phase, step in (("initial", 0), ("during", 1000), ("final", last)):
        yield _profile(spec, phase, step, 0.1 * math.exp(rng.normal(0, 0.2)), reach)
        yield Measured(name, step, {"gradient_profile/survival": math.exp(-6 * lag / reach)})
    score = 0.125 + 0.875 * skill
    metrics = {"score": score, "skill": skill, "steps": last, "seconds": 20.0, "seconds/training": 0.01 * last}
    metrics |= {"solved": float(skill == 1), "survival": math.exp(-6 * lag / reach), "decay_per_step": 0.9}
    if diverged:
        yield Diverged(name, last, metrics | {"solved": 0.0})
    else:
        yield Finished(name, last, metrics | ({"steps_to_solve": 800.0} if skill == 1 else {}))


def _profile(spec: RunSpec, phase: str, step: int, scale: float, reach: float) -> Profiled:
    distance = np.arange(spec.task.lag + 4)
    median = scale * np.exp(-6 * distance / reach)
    rows = {"distance": distance.tolist(), "state": ["h"] * len(distance), "median": median.tolist()}
    return Profiled(spec.signature, step, phase, rows | {"low": (median / 2).tolist(), "high": (2 * median).tolist()})

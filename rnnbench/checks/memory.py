"""Checks 13 and 18: what has learnt nothing gets no memory horizon, and degenerate data true verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np

from rnnbench.analysis.horizon import memory_horizon
from rnnbench.analysis.intervals import clopper_pearson
from rnnbench.checks.finding import Checks, Finding, equal, near
from rnnbench.events import Diverged, Finished
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask, RegressionTask

LAGS = [1, 4]
SMALL: dict[str, dict[str, Any]] = {
    "copy_memory": {"symbols": 1, "examples": 200},
    "reversal": {"symbols": 3, "examples": 200},
    "adding": {"evidence": 4, "examples": 200},
    "sentiment": {"source": "synthetic", "evidence": 6, "vocabulary": 100, "embedding": 4},
    "speech_commands": {"source": "synthetic"},
    "captioning": {"source": "synthetic", "image": "rows"},
    "translation": {"source": "synthetic", "longest": 8, "answer": 8, "embedding": 8},
    "sequential_mnist": {"source": "synthetic"},
    "language_model": {"source": "synthetic", "context": 6, "readout": 2, "embedding": 4},
    "music": {"source": "synthetic", "context": 6},
    "forecasting": {"source": "synthetic", "look_back": 24, "horizon": 4},
    "video": {"source": "synthetic", "side": 8, "digit": 5, "frames": 4, "readout": 2, "test_examples": 200},
    "transcription": {
        "source": "synthetic",
        "fewest_words": 1,
        "most_words": 2,
        "window_ms": 200,
        "stride_ms": 200,
        "bands": 8,
        "test_examples": 200,
    },
}
"""Settings at which every built-in task is small."""


def nothing_learnt() -> Checks:
    """Check 13, for each task."""
    return {f"{name} without learning": partial(_no_horizon, name) for name in SMALL}


def _no_horizon(name: str) -> Iterator[Finding]:
    """An untrained network and one that was trained on shuffled answers solve no lag."""
    for what, rate, shuffled in (("untrained", 1e-12, False), ("trained on shuffled answers", 1e-2, True)):
        with _shuffled_answers() if shuffled else _as_they_are():
            solved = {spec.task.lag: (int(_outcome(spec)["solved"]), 1) for spec in _specs(name, rate)}
        yield equal(f"13 {name}, {what}: memory horizon", "-", str(memory_horizon(solved)), "nothing is remembered")


def _specs(name: str, rate: float) -> tuple[RunSpec, ...]:
    training = {"steps": 20, "batch_size": 16, "learning_rate": rate, "evaluate_every": 10}
    return Experiment(
        name="check",
        tasks={name: SMALL[name] | {"lag": LAGS}},
        models={"gru": {"units": 8}},
        training=training | {"implementation": "stock"},
        gradients={"examples": 1},  # type: ignore[arg-type]
    ).runs


def _outcome(spec: RunSpec) -> dict[str, float]:
    from rnnbench.training.run import run

    return next(event for event in run(spec) if isinstance(event, Finished | Diverged)).metrics


@contextmanager
def _as_they_are() -> Iterator[None]:
    yield


@contextmanager
def _shuffled_answers() -> Iterator[None]:
    """Inside, each training batch has its answers dealt out anew among its examples."""
    whole: Callable[..., Stream] = Task.training_stream

    def shuffled(task: Task, seed: int, step: int, batch_size: int) -> Stream:
        stream = whole(task, seed, step, batch_size)
        order = np.random.default_rng([13, seed, step]).permutation(stream.examples)
        return stream._replace(targets=stream.targets[order])

    with patch.object(Task, "training_stream", shuffled):
        yield


def degenerate() -> Iterator[Finding]:
    """Check 18: data that ask nothing solve nothing; few runs and diverged ones are counted as what they are."""
    source = "definition"
    for name, task in (("a test split of one class", _OneClass(lag=1)), ("a constant series", _Constant(lag=1))):
        yield equal(f"18 {name}: asks memory", False, task.asks_memory(), source)
        yield equal(f"18 {name}: skill of the perfect answer", "nan", str(task.skill(task.score.perfect)), source)
        yield equal(f"18 {name}: solved by the perfect answer", False, task.solves(task.score.perfect, 0.0), source)
    yield equal("18 one seed at one lag, solved: horizon", ">= 5", str(memory_horizon({5: (1, 1)})), source)
    interval = clopper_pearson(1, 1)
    low = interval[0] if interval else float("nan")
    yield near("18 one seed, solved: lower end of its success", 0.025, low, 1e-12, "Clopper & Pearson 1934")
    yield equal("18 all runs diverged: horizon", "-", str(memory_horizon({5: (0, 3), 10: (0, 3)})), source)


class _Degenerate(Task):
    """Two steps of noise around a lag; the answer is always the same."""

    answers: ClassVar[np.ndarray]

    @property
    def layout(self) -> Layout:
        return Layout(evidence=1, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return Ports(features=1)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        rng = np.random.default_rng([18, seed, step])
        features = rng.normal(size=(batch_size, self.layout.length, 1)).astype(np.float32)
        return Stream(np.repeat(self.answers, batch_size, axis=0), features=features)

    def split(self, name: Split) -> list[Stream]:
        return [self.train_batch(1, int(name == "test"), 30)]


class _OneClass(_Degenerate, ClassificationTask):
    answers = np.ones((1, 1), np.int32)

    @property
    def outputs(self) -> int:
        return 2


class _Constant(_Degenerate, RegressionTask):
    answers = np.zeros((1, 1, 1), np.float32)

    @property
    def outputs(self) -> int:
        return 1

    def memoryless(self, split: Split = "test") -> float:
        return 0.0

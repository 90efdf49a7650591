"""Tiny networks learn how synthetic texts and music go on; untrained ones have not."""

from __future__ import annotations

import pytest

from rnnbench.events import Finished, Measured, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.training import run as training


@pytest.mark.parametrize(
    ("task", "settings", "better_than"),
    [
        ("language_model",
         {"form": "stream", "lag": 0, "context": 20, "embedding": 8, "validation_examples": 50, "test_examples": 200},
         "bigram"),
        ("music", {"lag": 2, "context": 4, "readout": 1}, "silence or not"),
    ],
)  # fmt: skip
def test_it_learns(task: str, settings: dict[str, object], better_than: str) -> None:
    grid = Experiment(
        name="tiny",
        tasks={task: {"source": "synthetic", **settings}},
        models={"gru": {"units": 24}},
        seeds=(0,),
        training={"steps": 200, "batch_size": 32, "evaluate_every": 100, "learning_rate": 1e-2},
        gradients={"examples": 8},
    )
    (spec,) = grid.runs
    events = list(training.run(spec))
    (started,) = [event for event in events if isinstance(event, Started)]
    untrained = next(event.metrics for event in events if isinstance(event, Measured) and event.step == 0)
    name = spec.task.score.name
    assert not spec.task.solves(untrained[f"validation/{name}"], 0.0, "validation")
    (ended,) = [event.metrics for event in events if isinstance(event, Finished)]
    assert ended["score"] + 5 * ended["score_standard_error"] < started.levels[better_than]
    assert ended["skill"] > 0.3
    # A likelihood is not fitted by least squares.
    assert "frozen" not in started.levels
    assert not any(
        metric.startswith("readable") for event in events if isinstance(event, Measured) for metric in event.metrics
    )

"""Labels that say nothing of their examples must teach nothing: a score above chance would have leaked in elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnbench.execution.base import quiet_tensorflow
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tasks.dataset import DatasetTask, Examples

quiet_tensorflow()

TASKS: dict[str, dict[str, Any]] = {
    "sentiment": {"filler": "decoy", "validation_examples": 1000, "test_examples": 5000, "learning_rate": 3e-3},
    "speech_commands": {"filler": "distractor", "learning_rate": 3e-3},
    "forecasting": {"filler": "decoy", "learning_rate": 1e-3},
    "sequential_mnist": {"filler": "decoy", "validation_examples": 1000, "test_examples": 5000, "learning_rate": 3e-3},
}


def skill(spec: RunSpec) -> float:
    """On the test split, whose labels nobody touches."""
    from rnnbench.training.run import run

    return list(run(spec))[-1].metrics["skill"]


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", TASKS)
def test_shuffled_training_labels_leave_the_test_score_at_chance(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (spec,) = Experiment(
        name="leaks",
        tasks={name: {"lag": 5, "training_lags": "fixed", **TASKS[name]}},
        models={"gru": {"units": 32}},
        training={"steps": 300},
        gradients={"examples": 1},
    ).runs
    learned = skill(spec)
    task_class = type(spec.task)
    read = task_class.examples

    def shuffled(self: DatasetTask, split: str) -> Examples:
        evidence, targets = read(self, split)
        if split != "train":
            return Examples(evidence, targets)
        return Examples(evidence, targets[np.random.default_rng(1).permutation(len(targets))])

    monkeypatch.setattr(task_class, "examples", shuffled)
    chance = skill(spec)
    print(f"{name}: skill {learned:.3f}, with shuffled labels {chance:.3f}")
    assert learned > 0.1  # or the test would say nothing
    assert chance < 0.05

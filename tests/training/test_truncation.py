"""Truncated backpropagation keeps a network from learning over lags that are longer than its window, from afar."""

from __future__ import annotations

import pytest

from rnnbench.events import Finished
from rnnbench.experiment.definition import Experiment
from rnnbench.training.run import run


@pytest.mark.slow
def test_truncation_bites_where_no_clock_helps() -> None:
    grid = Experiment(
        name="truncation",
        # Without a lead the cuts stand at the same steps after the evidence, and it is learnt after all, if slowly.
        tasks={
            "copy_memory": {
                "lag": 40,
                "symbols": 1,
                "filler": "distractor",
                "training_lags": "far",
                "lead": "random",
            }
        },
        models={"gru": {"units": 64, "initialization": "chrono"}},
        seeds=(0, 1),
        # The stock layers need no compilation for each length.
        training={"steps": 1000, "learning_rate": 3e-3, "truncate": [10, 100], "implementation": "stock"},
        gradients={"examples": 64},
    )
    scores: dict[int | None, list[float]] = {}
    for spec in grid.runs:
        ending = list(run(spec))[-1]
        assert isinstance(ending, Finished)
        scores.setdefault(spec.training.truncate, []).append(ending.metrics["score"])
        # No gradient comes back past a cut, and the evidence lies beyond four of them.
        survival = ending.metrics["survival"]
        assert survival == 0 if spec.training.truncate == 10 else survival > 0
    assert max(scores[10]) < 0.4, scores
    assert min(scores[100]) >= 0.99, scores

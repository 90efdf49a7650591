"""Small networks learn the tasks whose answers are fed back, and are tested on their own answers."""

from __future__ import annotations

from typing import Any

import pytest

from rnnbench.experiment.definition import Experiment

LEARNT: dict[str, dict[str, Any]] = {
    "reversal": {"symbols": 2, "alphabet": 3, "examples": 200, "steps": 400},
    "captioning": {"source": "synthetic", "image": "rows", "steps": 1500},
    "translation": {"source": "synthetic", "longest": 7, "answer": 8, "embedding": 16, "steps": 1500},
}


def outcome(name: str, **training: Any) -> dict[str, float]:
    """What a GRU of 32 units comes to on a task at lag 2."""
    from rnnbench.training.run import run

    settings = {key: value for key, value in LEARNT[name].items() if key != "steps"}
    (spec,) = Experiment(
        name="learnt",
        tasks={name: {"lag": 2, "training_lags": "fixed", **settings}},
        models={"gru": {"units": 32}},
        training={"batch_size": 32, "evaluate_every": 100, "implementation": "stock", **training},
        gradients={"examples": 2},
    ).runs
    return list(run(spec))[-1].metrics


@pytest.mark.parametrize(
    "name", ["reversal", *(pytest.param(name, marks=pytest.mark.slow) for name in ("captioning", "translation"))]
)
def test_a_small_network_learns_it_and_an_untrained_one_has_not(name: str) -> None:
    learnt = outcome(name, steps=LEARNT[name]["steps"], learning_rate=1e-2)
    untrained = outcome(name, steps=1, learning_rate=1e-12)
    assert learnt["skill"] > 0.5
    assert not untrained["solved"]
    assert untrained["skill"] < 0.1

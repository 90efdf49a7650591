"""One file for each contract: many answers of unequal length, a model without a cell, an optimiser of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnbench.checks import validation
from rnnbench.events import Finished, Measured, Profiled, Started
from rnnbench.experiment.definition import Experiment

FOLDER = Path(__file__).parent / "plugins"
PLUGINS = [FOLDER / name for name in ("echo.py", "gated_convolution.py", "sign_sgd.py")]


@pytest.fixture(scope="module")
def grid() -> Experiment:
    return Experiment(
        name="kinds",
        plugins=[str(path) for path in PLUGINS],
        tasks={"echo": {"lag": [1, 3], "filler": ["blank", "distractor"]}},
        models={"gated_convolution": {"units": 8, "size": 6, "layers": 2}, "gru": {"units": 8}},
        training={
            "steps": 20,
            "batch_size": 16,
            "evaluate_every": 10,
            "optimizer": ["adam", {"name": "sign_sgd", "momentum": 0.5}],
            "implementation": "stock",
        },
        gradients={"examples": 8},
    )


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_each_is_one_short_file(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 60


def test_they_keep_their_contracts(grid: Experiment) -> None:
    checks = validation.chosen(grid, plugins=False, suite=False, trained=False)
    assert set(checks) >= {"task echo", "model gated_convolution"}
    found = validation.findings(checks)
    assert [finding for finding in found if finding.passed is False] == []
    checked = {finding.check for finding in found if finding.passed}
    assert {"task echo: loss", "model gated_convolution: gradient probe"} <= checked


def test_they_run_together_and_every_probe_says_something(grid: Experiment) -> None:
    from rnnbench.training import run as training

    assert len(grid.runs) == 2 * 2 * 2 * 2
    scores = {}
    for spec in [run for run in grid.runs if run.task.lag == 3 and run.task.filler == "distractor"]:
        events = list(training.run(spec))
        started = next(event for event in events if isinstance(event, Started))
        assert started.parameters > 0
        profiles = [event for event in events if isinstance(event, Profiled)]
        assert [profile.phase for profile in profiles] == ["initial", "during", "during", "final"]
        expected = {"gated_convolution": {"x"}, "gru": {"joint", "h"}}[spec.model_label]
        assert all(set(profile.columns["state"]) == expected for profile in profiles)
        assert all(np.isfinite(profile.columns["median"]).all() for profile in profiles)
        measured = [event.metrics for event in events if isinstance(event, Measured)]
        assert all(metrics["gradient_norm/max"] > 0 for metrics in measured if "train/loss" in metrics)
        ending = events[-1]
        assert isinstance(ending, Finished)
        assert {"survival", "score_standard_error"} <= set(ending.metrics)
        scores[spec.model_label, spec.training.optimizer] = ending.metrics["test/loss"]
    # Each setting reached the training.
    assert len(set(scores.values())) == len(scores) == 4

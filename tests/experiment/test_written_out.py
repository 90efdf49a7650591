"""An experiment written out asks the same, whatever defaults a later version has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnbench.experiment import yaml_file
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.written_out import written_out
from tests.event_streams import experiment

EXPERIMENTS = sorted(Path("experiments").glob("*.yaml"))
AXES = [
    experiment(),
    experiment(tasks={"copy_memory": {"lag": [1, 5], "symbols": [1, 2]}, "adding": {"lag": 3}}),
    experiment(training={"optimizer": [{"name": "sgd", "momentum": 0.9}, "adam"], "truncate": [None, 4]}),
    experiment(models={"gru": {"units": [4, 8]}, "lstm": {"learning_rate": 0.1}}),
    experiment(models={"gru": {}, "lstm": {}}, match="parameters", parameter_budget=300),
    experiment(seeds=[0, 1, 2], training={"learning_rate": [0.1, 0.2]}, select={"seeds": [0]}),
]


def asked(given: Experiment) -> list[tuple[str, str]]:
    return [(point.name, point.question) for point in given.all_points]


@pytest.mark.parametrize("given", AXES)
def test_the_same_questions_come_back(given: Experiment) -> None:
    again = Experiment.model_validate(json.loads(json.dumps(written_out(given))))
    assert asked(again) == asked(given)
    assert again.resolved() == given.resolved()
    assert written_out(again) == written_out(given)


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_the_shipped_experiments_come_back(file: Path) -> None:
    given = yaml_file.load(file)
    assert asked(Experiment.model_validate(written_out(given))) == asked(given)


def test_defaults_are_written() -> None:
    written = written_out(experiment(tasks={"copy_memory": {"lag": 5}}, models={"lstm": {}}, training={}))
    assert written["tasks"]["copy_memory"]["symbols"] == 10
    assert written["models"]["lstm"]["units"] == 64
    assert written["training"]["optimizer"] == "adam"

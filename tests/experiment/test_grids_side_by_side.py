"""A label may hold several grids, where its axes do not go with each other."""

from __future__ import annotations

import json

import pytest

from rnnbench.errors import SettingError, UserError
from rnnbench.experiment import yaml_file
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.written_out import written_out

GRIDS = [
    {"symbols": 1, "filler": "distractor", "training_lags": ["uniform", "far"], "lag": [10, 50]},
    {"symbols": 1, "filler": "blank", "training_lags": "fixed", "lag": 10},
]
FILE = """\
name: grids
tasks:
  copy_memory:
    - {symbols: 1, filler: distractor, lag: [10, 50]}
    - {symbols: 1, filler: blank, lag: 10}
models:
  gru: {units: 4}
training: {steps: 10}
"""


def made(**settings) -> Experiment:
    given = {"tasks": {"copy_memory": GRIDS}, "models": {"gru": {"units": 4}}, "training": {"steps": 10}} | settings
    return Experiment(name="grids", **given)


def asked(experiment: Experiment) -> list[tuple[str, str, int]]:
    return [(run.task.filler, run.task.training_lags, run.task.lag) for run in experiment.runs]


def test_the_grids_stand_side_by_side():
    assert asked(made()) == [
        ("distractor", "uniform", 10), ("distractor", "uniform", 50), ("distractor", "far", 10),
        ("distractor", "far", 50), ("blank", "fixed", 10),
    ]  # fmt: skip


def test_each_is_crossed_with_each_of_the_models():
    models = {"gru": [{"units": 4}, {"units": 8, "learning_rate": [0.01, 0.1]}]}
    runs = made(models=models).runs
    assert len(runs) == 5 * 3
    assert {(run.model.units, run.training.learning_rate) for run in runs} == {(4, 0.001), (8, 0.01), (8, 0.1)}


def test_runs_are_those_of_the_grids_alone():
    alone = [made(tasks={"copy_memory": grid}).runs for grid in GRIDS]
    assert [run.signature for run in made().runs] == [run.signature for runs in alone for run in runs]


def test_what_is_resolved_says_which_values_go_together():
    resolved = made().resolved()["tasks"]["copy_memory"]
    assert resolved["lag"] == [10, 50]
    assert resolved["grids"] == [
        "lag: [10, 50], filler: distractor, training_lags: ['uniform', 'far'], lead: random",
        "lag: 10, filler: blank, training_lags: fixed, lead: none",
    ]
    assert "grids" not in made(tasks={"copy_memory": GRIDS[:1]}).resolved()["tasks"]["copy_memory"]


def test_what_is_written_out_is_the_same_experiment():
    values = written_out(made())
    assert [grid["objective"] for grid in values["tasks"]["copy_memory"]] == ["recall", "recall"]
    again = Experiment.model_validate(json.loads(json.dumps(values)))
    assert [run.signature for run in again.runs] == [run.signature for run in made().runs]
    assert written_out(again) == values
    assert again.resolved() == made().resolved()


def test_an_override_sets_a_key_in_each(tmp_path):
    (tmp_path / "grids.yaml").write_text(FILE)
    runs = yaml_file.load(tmp_path / "grids.yaml", ["tasks.copy_memory.symbols=2"]).runs
    assert [run.task.symbols for run in runs] == [2, 2, 2]


SECOND = "{symbols: 1, filler: blank, lag: 10}"
ADDING = "the grids of a label are of one task, here 'copy_memory': give 'adding' a label of its own"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("{filler: blonk, lag: 10}", "grids.yaml:5: tasks.copy_memory.filler: 'blonk' is not valid"),
        ("{symbles: 1, lag: 10}", r"grids.yaml:5: .*unknown key 'symbles' \(did you mean 'symbols'"),
        ("{symbols: 1, filler: distractor, lag: 10}", "two points of the grid are the same run"),
        ("{task: adding, lag: 10}", f"grids.yaml:5: .*{ADDING}"),
        ("blank", "grids.yaml:3: tasks.copy_memory: 'blank' is not valid: should be a mapping"),
    ],
)
def test_a_mistake_is_said_at_its_grid(tmp_path, new, said):
    (tmp_path / "grids.yaml").write_text(FILE.replace(SECOND, new))
    with pytest.raises(UserError, match=said):
        yaml_file.load(tmp_path / "grids.yaml")


def test_an_empty_list_is_no_grid():
    with pytest.raises(SettingError, match="copy_memory"):
        made(tasks={"copy_memory": []})

"""Tuning seeds, which choose values of axes, go first; the others run at the chosen values only."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.analysis.selection import EVALUATED, TUNING
from rnnbench.errors import SettingError
from rnnbench.events import Event, Failed, Measured
from rnnbench.execution.leases import Leases
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.grid import results, stages, status
from rnnbench.tracking.location import Location
from rnnbench.tracking.sqlite_reader import SQLiteReader
from tests.event_streams import experiment, new_store, whole_run, write
from tests.refusing_grid import REFUSING

RATES = [1e-3, 1e-2]


def choosing(**changes: object) -> Experiment:
    """Seeds 0 to 2, of which 0 chooses; `simple_rnn` tries two rates, `lstm` has but one."""
    models = {"simple_rnn": {"units": 8, "learning_rate": RATES}, "lstm": {"units": 4}}
    return experiment(**({"models": models, "seeds": [0, 1, 2], "select": {"seeds": [0]}} | changes))


GRID = choosing()


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return new_store(tmp_path)


def run(spec: RunSpec, validation: float) -> list[Event]:
    *begun, ending = whole_run(spec)
    return [*begun, Measured(spec.signature, 15, {"validation/accuracy": validation}), ending]


def names(specs: list[RunSpec]) -> set[str]:
    return {spec.name.replace(" copy", "") for spec in specs}


def test_what_is_planned():
    assert len(GRID.runs) == 2 * 3 * 2 + 2 * 3
    # Two lags: seed 0 at two rates; seeds 1 and 2 at one rate; `lstm` at seeds 1 and 2.
    assert stages.planned(GRID) == 4 + 4 + 4
    assert stages.planned(choosing(select={})) == 18
    assert stages.planned(experiment()) == 4


def test_seeds_that_choose_go_first_and_only_where_there_is_a_choice(location):
    first = stages.needed(GRID, location, GRID.runs)
    assert names(first) == {f"simple_rnn T{lag} s0 learning_rate={rate}" for lag in (5, 10) for rate in RATES}


def test_then_the_others_run_at_the_chosen_rate(location):
    first = stages.needed(GRID, location, GRID.runs)
    last = first[-1]
    for spec in first:
        better = spec.training.learning_rate == 1e-2
        write(
            location, GRID, *(run(spec, 0.9 if better else 0.8) if spec is not last else [Failed(last.signature, "x")])
        )
    # The failed run leaves its rate incomplete: the other one is chosen.
    needed = stages.needed(GRID, location, [spec for spec in GRID.runs if spec not in first])
    assert names(needed) == {
        *(f"simple_rnn T{lag} s{seed} learning_rate=0.001" for lag in (5, 10) for seed in (1, 2)),
        *(f"lstm T{lag} s{seed}" for lag in (5, 10) for seed in (1, 2)),
    }
    seen = status.look(GRID, location, Leases(Path("nowhere")))
    counts = seen.counts(list(GRID.runs))
    assert counts == {"finished": 3, "failed": 1, "waiting": 8, "not needed": 6}


def test_the_table_of_runs_says_which_rate_was_chosen_on_validation(location):
    for spec in GRID.runs:
        better = spec.training.learning_rate == 1e-2
        if spec.seed < 2 and (spec.seed == 0 or better):
            write(location, GRID, *run(spec, 0.9 if better else 0.8))
    runs = results.load(location, GRID).runs
    ours = runs[runs["model"] == "simple_rnn"]
    assert set(ours["model_setting"]) == {""}
    assert ours["validation_score"].tolist() == [0.8, 0.9, 0.9] * 2
    assert ours["role"].tolist() == [TUNING, TUNING, EVALUATED] * 2
    lstm = runs[runs["model"] == "lstm"]
    assert lstm["role"].tolist() == [TUNING] * len(lstm)


def test_a_choice_needs_an_axis_and_a_seed_that_is_left():
    with pytest.raises(SettingError, match="nothing to select"):
        experiment(select={})
    with pytest.raises(SettingError, match="no seed is left"):
        choosing(select={"seeds": 3})
    with pytest.raises(SettingError, match="seed 7 is not one"):
        choosing(select={"seeds": [7]})


def test_how_a_rate_is_chosen_changes_no_signature():
    plain = choosing(select=None)
    assert [spec.signature for spec in plain.runs] == [spec.signature for spec in GRID.runs]
    assert GRID.resolved()["select"] == {"axes": ["learning_rate"], "seeds": [0], "each": ["task", "model"]}
    assert "select" not in plain.resolved()


def test_who_looks_how_far_it_is_opens_no_artifact_and_reads_but_one_history(location, monkeypatch):
    """`status --follow` does it every two seconds, maybe on a server."""
    for spec in stages.tuning_runs(GRID):
        write(location, GRID, *run(spec, 0.9 if spec.training.learning_rate == 1e-2 else 0.8))
    asked, histories = [], SQLiteReader.histories
    monkeypatch.setattr(SQLiteReader, "artifact", lambda *_: pytest.fail("an artifact is opened"))
    monkeypatch.setattr(SQLiteReader, "histories", lambda self, runs: asked.extend(runs) or histories(self, runs))
    opened = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path))
    counts = status.look(GRID, location, Leases(Path("nowhere"))).counts(list(GRID.runs))
    assert counts == {"finished": 4, "waiting": 8, "not needed": 6}
    assert {metric for one in asked for metric in one.metrics} == {"validation/accuracy"}
    assert opened == []
    needed = stages.needed(GRID, location, stages.evaluation_runs(GRID))
    assert {spec.training.learning_rate for spec in needed if spec.model_label == "simple_rnn"} == {1e-2}


def test_skipped_runs_are_no_candidates_and_hold_nothing_up(location):
    """`slow_rnn` skips the higher rate; of the one that is left there is nothing to choose."""
    models = {"simple_rnn": {"units": 8, "learning_rate": RATES}, "slow_rnn": {"units": 8, "learning_rate": RATES}}
    grid = choosing(plugins=[REFUSING], models=models)
    assert len(grid.skipped) == 2 * 3
    assert stages.planned(grid) == 4 + 4 + 4
    assert stages.expected(grid).keys() <= set(grid.runs)
    first = stages.needed(grid, location, grid.runs)
    assert {spec.model_label for spec in first} == {"simple_rnn"}
    for spec in first:
        write(location, grid, *run(spec, 0.9 if spec.training.learning_rate == 1e-2 else 0.8))
    needed = stages.needed(grid, location, [spec for spec in grid.runs if spec not in first])
    assert {(spec.model_label, spec.training.learning_rate) for spec in needed} == {
        ("simple_rnn", 1e-2),
        ("slow_rnn", 1e-3),
    }
    for spec in needed:
        write(location, grid, *run(spec, 0.5))
    runs = results.load(location, grid).runs
    roles = runs.groupby(["model", "learning_rate", "status"])["role"].agg(set).to_dict()
    assert roles[("slow_rnn", 1e-2, "skipped")] == {""}
    assert roles[("slow_rnn", 1e-3, "finished")] == {EVALUATED}
    assert roles[("simple_rnn", 1e-2, "finished")] == {TUNING, EVALUATED}


def test_a_rate_that_is_skipped_at_some_lags_is_not_chosen(location):
    """As one with failed runs is not: its mean would be over the easier lags."""
    models = {"simple_rnn": {"model": "picky_rnn", "units": 8, "learning_rate": RATES}}
    grid = choosing(plugins=[REFUSING], models=models)
    first = stages.needed(grid, location, grid.runs)
    assert len(first) == 3
    for spec in first:
        write(location, grid, *run(spec, 0.9 if spec.training.learning_rate == 1e-2 else 0.8))
    needed = stages.needed(grid, location, [spec for spec in grid.runs if spec not in first])
    assert {spec.training.learning_rate for spec in needed} == {1e-3}


SGD = {"name": "sgd", "momentum": 0.9}


def joint(**changes: object) -> Experiment:
    """Two models, of which one has an axis, two axes of training, and seed 0 to choose."""
    tasks = {"copy": {"task": "copy_memory", "lag": 5, "symbols": 1}}
    models = {"lstm": {"units": 4, "initialization": ["default", "chrono"]}, "gru": {"units": 4}}
    training = {"steps": 20, "evaluate_every": 10, "global_clipnorm": [1.0, None], "optimizer": ["adam", SGD]}
    select = {"axes": ["optimizer", "global_clipnorm", "initialization"], "seeds": [0]}
    usual = {"tasks": tasks, "models": models, "training": training, "seeds": [0, 1], "select": select}
    return experiment(**(usual | changes))


def test_several_axes_of_training_and_of_models_are_chosen_jointly(location):
    grid = joint()
    first = stages.needed(grid, location, grid.runs)
    assert len(first) == 8 + 4
    assert stages.planned(grid) == len(first) + 2
    assert sum(stages.expected(grid).values()) == pytest.approx(stages.planned(grid))
    for spec in first:
        lstm = spec.model_label == "lstm"
        best = spec.training.optimizer.startswith("sgd") and (spec.training.global_clipnorm is None) == lstm
        best = best and (not lstm or spec.model.initialization == "chrono")
        write(location, grid, *run(spec, 0.9 if best else 0.8))
    needed = stages.needed(grid, location, stages.evaluation_runs(grid))
    assert names(needed) == {
        "lstm T5 s1 initialization=chrono global_clipnorm=null optimizer=sgd(momentum=0.9)",
        "gru T5 s1 global_clipnorm=1.0 optimizer=sgd(momentum=0.9)",
    }
    assert status.look(grid, location, Leases(Path("nowhere"))).counts(list(grid.runs))["not needed"] == 10
    for spec in needed:
        write(location, grid, *run(spec, 0.9))
    runs = results.load(location, grid).runs
    evaluated = runs[runs["role"] == EVALUATED]
    assert set(evaluated["model_setting"]) == {""}
    assert evaluated[["model", "optimizer", "initialization"]].values.tolist() == [
        ["lstm", "sgd(momentum=0.9)", "chrono"], ["gru", "sgd(momentum=0.9)", "default"],
    ]  # fmt: skip
    assert evaluated["global_clipnorm"].isna().tolist() == [True, False]
    assert runs["role"].value_counts().to_dict() == {TUNING: 12, EVALUATED: 2}


def test_an_axis_that_is_not_chosen_on_is_still_a_series_of_its_own():
    grid = joint(select={"axes": ["optimizer", "initialization"], "seeds": [0]})
    assert stages.planned(grid) == 12 + 2 * 2


def test_each_lag_may_have_a_choice_of_its_own(location):
    grid = choosing(select={"seeds": [0], "each": ["lag", "model", "task"]})
    assert stages.planned(grid) == stages.planned(GRID)
    for spec in stages.tuning_runs(grid):
        better = (spec.training.learning_rate == 1e-2) == (spec.task.lag == 5)
        write(location, grid, *run(spec, 0.9 if better else 0.8))
    needed = stages.needed(grid, location, stages.evaluation_runs(grid))
    found = {(spec.task.lag, spec.training.learning_rate) for spec in needed if spec.model_label == "simple_rnn"}
    assert found == {(5, 1e-2), (10, 1e-3)}
    for spec in needed:
        write(location, grid, *run(spec, 0.9))
    runs = results.load(location, grid).runs
    assert (runs["role"] == EVALUATED).sum() == 8
    assert set(runs["chosen_for"]) == {"lag 5", "lag 10"}


@pytest.mark.parametrize(
    ("select", "message"),
    [({"axis": "learning_rate", "axes": ["optimizer"]}, "'axis' and 'axes' say the same: keep one of them"),
     ({"axis": ["learning_rate"]}, "'axis' names one axis"), ({"axes": []}, "write a list of axes"),
     ({"axes": "learning_rate"}, "write a list of axes"), ({"axes": ["units", "units"]}, "units is listed twice"),
     ({"axes": ["lag"]}, "'lag' is a setting of tasks: select on those of training and models"),
     ({"axes": ["learning_rat"]}, r"unknown axis 'learning_rat' \(did you mean 'learning_rate'\?\)"),
     ({"axes": ["learning_rate", "batch_size"]}, "nothing to select: no 'batch_size' is a list"),
     ({"each": ["model"]}, r"\['model'\] is not valid: give \[task, model\]"),
     ({"each": ["task", "model", "seed"]}, "is not valid: give"), ({"each": "lag"}, "'lag' is not valid: give")],
)  # fmt: skip
def test_a_choice_that_cannot_be_made_is_one_line(select, message):
    with pytest.raises(SettingError, match=message) as error:
        choosing(select=select)
    assert error.value.path[0] == "select"
    assert "\n" not in str(error.value)


def test_a_single_axis_may_be_written_as_before():
    assert choosing(select={"axis": "learning_rate"}).select == choosing(select={}).select
    assert choosing(select={"axis": "learning_rate", "seeds": [0]}).resolved() == GRID.resolved()

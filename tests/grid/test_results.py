from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from rnnbench.analysis.results import COLUMNS
from rnnbench.errors import UserError, UserNote
from rnnbench.events import Diverged, Failed, Finished, Measured, Started
from rnnbench.grid import results
from rnnbench.tracking.location import Location
from rnnbench.tracking.names import PROFILE_ARTIFACT
from tests.event_streams import experiment, new_store, started, whole_run, write
from tests.refusing_grid import REASON, refusing

GRID = experiment()
FIRST, SECOND, THIRD, FOURTH = GRID.runs


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return new_store(tmp_path)


def test_what_was_measured_comes_back_once(location: Location) -> None:
    write(location, GRID, *whole_run(SECOND, score=1 / 3, steps_to_solve=1_234_567.0, solved=1.0), *whole_run(FIRST))
    loaded = results.load(location, GRID)
    assert list(loaded.runs.columns) == COLUMNS
    assert loaded.runs["signature"].tolist() == [FIRST.signature, SECOND.signature]  # the grid's order
    row = loaded.runs.iloc[1].drop("run_id").to_dict()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", row.pop("started"))
    assert math.isnan(row.pop("training_seconds"))
    untold = ("reach", "test_se", "memoryless", "reference", "frozen", "clock", "start_shift", "generalises_to")
    assert all(pd.isna(row.pop(name)) for name in untold)
    assert row == {
        "task": "copy", "task_setting": "", "source": "generated", "model": "simple_rnn", "model_setting": "",
        "lag": 10, "distance": "lag", "filler": "blank", "training_lags": SECOND.task.training_lags, "seed": 0,
        "status": "finished",
        "score_name": "accuracy", "higher_is_better": True, "score": 0.333333,
        "skill": 0.7, "solved": True, "steps": 20, "steps_to_solve": 1_234_567, "parameters": 123,
        "recurrent_parameters": 8 * (18 + 8) + 8, "seconds": 1.5, "survival": 0.25, "decay_per_step": 0.9, "units": 8,
        "learning_rate": 1e-3, "validation_score": 0.3, "role": "evaluated", "message": "",
        "signature": SECOND.signature, "experiment": "carry", "survival_initial": 0.5,
    }  # fmt: skip
    assert loaded.runs["steps_to_solve"].isna().tolist() == [True, False]
    assert loaded.runs["solved"].tolist() == [False, True]

    history = loaded.history[loaded.history["signature"] == FIRST.signature]
    assert sorted(history[["metric", "step", "value"]].itertuples(index=False, name=None)) == [
        ("gradient_profile/survival", 0, 0.5),
        ("train/loss", 10, 2.0),
        ("train/loss", 20, 1.0),
        ("validation/accuracy", 0, 0.1),
        ("validation/accuracy", 10, 0.2),
        ("validation/accuracy", 20, 0.3),
    ]
    profiles = loaded.profiles[loaded.profiles["signature"] == FIRST.signature].drop(columns="signature")
    assert list(profiles.itertuples(index=False, name=None)) == [
        (0, "initial", "h", 0, 1.0, 0.9, 1.1),
        (0, "initial", "h", 1, 0.5, 0.4, 0.6),
        (20, "final", "h", 0, 1.0, 0.9, 1.1),
        (20, "final", "h", 1, 0.5, 0.4, 0.6),
    ]
    levels = loaded.levels[loaded.levels["signature"] == FIRST.signature]
    assert dict(zip(levels["level"], levels["value"], strict=True)) == {"chance": 0.125, "best": 0.5}


def test_types_do_not_depend_on_what_is_missing(location: Location) -> None:
    write(location, GRID, Failed(FIRST.signature, "boom"))
    runs = results.load(location, GRID).runs
    types = {name: str(runs[name].dtype) for name in COLUMNS}
    assert {types[name] for name in ("lag", "seed")} == {"int64"}
    assert {types[name] for name in ("steps", "steps_to_solve", "parameters", "recurrent_parameters")} == {"Int64"}
    assert {types[name] for name in ("score", "skill", "seconds", "survival", "decay_per_step", "reach")} == {"float64"}
    assert (types["solved"], types["higher_is_better"]) == ("boolean", "bool")


def test_failed_and_broken_runs_keep_their_row_and_have_no_outcome(location: Location) -> None:
    *begun, _ = whole_run(SECOND)
    write(location, GRID, started(FIRST), Failed(FIRST.signature, "ValueError: bad\nmore"), *begun)
    loaded = results.load(location, GRID)
    assert loaded.runs["status"].tolist() == ["failed", "interrupted"]
    assert loaded.runs["message"].tolist() == ["ValueError: bad", ""]
    assert loaded.runs["parameters"].tolist() == [123, 123]
    assert loaded.runs[["score", "skill", "solved", "steps", "seconds", "survival"]].isna().all(axis=None)
    assert (loaded.history["signature"] == SECOND.signature).sum() == 6
    assert loaded.profiles["phase"].tolist() == ["initial", "initial", "final", "final"]


def test_what_is_not_finite_is_missing(location: Location) -> None:
    measured = Measured(FIRST.signature, 10, {"train/loss": math.nan, "gradient_norm/max": math.inf})
    ending = Diverged(FIRST.signature, 12, {"score": math.nan, "skill": -math.inf, "steps": 12, "reach": math.inf})
    write(location, GRID, started(FIRST), measured, ending)
    loaded = results.load(location, GRID)
    row = loaded.runs.iloc[0]
    assert (row["status"], row["steps"]) == ("diverged", 12)
    assert row[["score", "skill", "reach"]].isna().all()
    assert loaded.history["value"].isna().tolist() == [True, True]


def test_a_run_without_a_score_solved_nothing_whatever_the_store_says(location: Location) -> None:
    claims = {"score": math.nan, "skill": math.nan, "solved": 1.0, "steps_to_solve": 10, "steps": 20}
    evaluations = [Measured(FIRST.signature, step, {"validation/accuracy": value, "validation/loss": 1.0})
                   for step, value in ((0, math.nan), (10, math.inf), (20, 0.25))]  # fmt: skip
    unreal = Started(FIRST.signature, 123, {"chance": math.nan, "best": 0.5})
    write(location, GRID, unreal, *evaluations, Finished(FIRST.signature, 20, claims))
    loaded = results.load(location, GRID)
    row = loaded.runs.iloc[0]
    assert not row["solved"]
    assert pd.isna(row["steps_to_solve"])
    assert row["validation_score"] == 0.25
    assert row["higher_is_better"]
    assert loaded.levels["level"].tolist() == ["best"]


def test_names_and_settings_come_from_the_file(location: Location) -> None:
    write(location, GRID, *whole_run(FIRST))
    renamed = experiment(
        tasks={"Copy": {"task": "copy_memory", "lag": 5, "symbols": [1, 2]}},
        models={"Elman": {"model": "simple_rnn", "units": 8, "learning_rate": [1e-3, 1e-2]}},
    )
    runs = results.load(location, renamed).runs
    (row,) = runs.to_dict("records")
    assert (row["task"], row["model"]) == ("Copy", "Elman")
    assert (row["task_setting"], row["model_setting"]) == ("symbols=1", "learning_rate=0.001")


def test_a_store_without_these_runs_is_told(location: Location) -> None:
    write(location, experiment(name="other"), *whole_run(FIRST))
    with pytest.raises(UserError, match="no runs of 'carry' yet: run `rnnbench run FILE` first"):
        results.load(location, GRID)
    write(location, GRID, *whole_run(FIRST))
    with pytest.raises(UserError, match="no runs of 'carry' with these settings, but 1 run with other settings"):
        results.load(location, experiment(seeds=(7,)))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet at all, but as long as one", None])
def test_a_damaged_profile_is_left_out_with_a_line(location: Location, content: bytes | None) -> None:
    write(location, GRID, *whole_run(FIRST), *whole_run(SECOND))
    first, _ = sorted((location.database.parent / "artifacts").rglob(PROFILE_ARTIFACT))
    first.write_bytes(first.read_bytes()[:-40] if content is None else content)
    with pytest.warns(UserNote, match=r"gradient_profile.parquet of run \w+ is left out: it is damaged") as noted:
        loaded = results.load(location, GRID)
    assert len(noted) == 1
    assert len(loaded.runs) == 2
    assert loaded.profiles["signature"].nunique() == 1


def test_skipped_points_are_rows_without_results(location: Location) -> None:
    grid = refusing()
    write(location, grid, *(event for spec in grid.runs for event in whole_run(spec)))
    loaded = results.load(location, grid)
    runs = loaded.runs
    assert list(zip(runs["model"], runs["lag"], runs["filler"], strict=True)) == [
        (spec.model_label, spec.task.lag, spec.task.filler) for spec in grid.all_points
    ]
    rows = runs[runs["status"] == "skipped"]
    assert rows["signature"].tolist() == [spec.key for spec in grid.skipped]
    assert (rows["message"].unique().tolist(), rows["role"].unique().tolist()) == ([REASON], [""])
    empty = ["score", "skill", "solved", "steps", "steps_to_solve", "parameters", "seconds", "survival"]
    assert rows[[*empty, "validation_score"]].isna().all(axis=None)
    assert not set(rows["signature"]) & set(loaded.history["signature"])
    # What chooses among the runs sees none of them.
    assert set(results.validated(location, grid)["status"]) == {"finished"}


def test_where_every_run_is_skipped_the_results_say_so_without_a_store(tmp_path: Path) -> None:
    loaded = results.load(Location.resolve(tmp_path / "nowhere"), refusing(models={"both_ways": {}}))
    assert set(loaded.runs["status"]) == {"skipped"}
    assert not (tmp_path / "nowhere").exists()

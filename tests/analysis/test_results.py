"""Records of runs become tidy tables, without a store."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from rnnbench.analysis.results import COLUMNS, PROFILE_COLUMNS, Record, tidy, with_validation_scores
from rnnbench.report.build import csv
from tests.event_streams import experiment

GRID = experiment()
FIRST, SECOND, THIRD, FOURTH = GRID.runs
HISTORY = [
    ("one", 0, "validation/accuracy", 0.1),
    ("one", 10, "validation/accuracy", 0.6),
    ("one", 20, "validation/accuracy", math.nan),
    ("one", 0, "gradient_profile/survival", 0.5),
    ("two", 0, "validation/accuracy", 0.2),
    ("two", 10, "validation/accuracy", 0.9),
]


def test_the_tables_share_the_signature_of_the_grid() -> None:
    profile = pd.DataFrame([(0, "initial", "h", 0, 1.0, 0.9, 1.1)], columns=PROFILE_COLUMNS[1:])
    found = tidy(
        GRID,
        [Record(FIRST, "one", "finished", metrics={"score": 0.5, "level/chance": 0.125, "level/best": math.nan})],
        HISTORY[:4],
        {FIRST.signature: profile},
        "a note",
    )
    tables = (found.runs, found.history, found.profiles, found.levels)
    assert {signature for table in tables for signature in table["signature"]} == {FIRST.signature}
    assert [list(found.runs.columns), list(found.profiles.columns)] == [COLUMNS, PROFILE_COLUMNS]
    assert found.levels["level"].tolist() == ["chance"]
    assert (found.note, found.runs["experiment"].tolist()) == ("a note", [GRID.name])
    assert found.runs[["validation_score", "survival_initial"]].to_numpy().tolist() == [[0.6, 0.5]]


def test_a_diverged_run_counts_with_its_untrained_network_and_a_failed_one_with_nothing() -> None:
    records = [Record(FIRST, "one", "finished"), Record(SECOND, "two", "diverged"), Record(THIRD, "three", "failed")]
    scores = with_validation_scores(GRID, records, HISTORY)["validation_score"]
    assert scores[:2].tolist() == [0.6, 0.2]
    assert math.isnan(scores[2])


@pytest.mark.parametrize("status", ["failed", "interrupted", "running"])
def test_a_run_without_an_outcome_shows_only_its_size(status: str) -> None:
    metrics = {"parameters": 123, "score": 0.5, "solved": 1.0, "seconds": 2.0}
    (row,) = tidy(GRID, [Record(FIRST, "one", status, message="why", metrics=metrics)], [], {}).runs.to_dict("records")
    assert (row["status"], row["message"], row["parameters"]) == (status, "why", 123)
    assert all(pd.isna(row[column]) for column in ("score", "solved", "seconds"))


def test_solved_needs_a_score_and_steps_to_solve_need_solved() -> None:
    metrics = [
        {"score": 1.0, "solved": 1.0, "steps_to_solve": 10},
        {"score": math.nan, "solved": 1.0, "steps_to_solve": 10},
        {"score": 0.1, "solved": 0.0, "steps_to_solve": 10},
    ]
    records = [
        Record(spec, str(at), "finished", metrics=one)
        for at, (spec, one) in enumerate(zip(GRID.runs[:3], metrics, strict=True))
    ]
    runs = tidy(GRID, records, [], {}).runs
    assert runs["solved"].tolist() == [True, False, False]
    assert runs["steps_to_solve"].isna().tolist() == [False, True, True]


def test_levels_and_what_was_tested_have_columns_and_a_clock_needs_solved() -> None:
    told = {"level/memoryless": 0.125, "level/reference": 1.0, "level/frozen": 0.3, "score_standard_error": 0.01}
    told |= {"score": 1.0, "start_shift": 0.9, "clock": 0.8, "generalises_to": 10.0}
    records = [
        Record(spec, str(at), "finished", metrics=told | {"solved": float(at == 0)})
        for at, spec in enumerate(GRID.runs[:2])
    ]
    found = tidy(GRID, records, [("0", 5, "lag_curve/accuracy", 1.0), ("0", 4, "lag_curve/accuracy", 0.2)], {})
    first, second = found.runs.to_dict("records")
    columns = ("memoryless", "reference", "frozen", "test_se", "start_shift")
    assert [first[name] for name in columns] == [0.125, 1.0, 0.3, 0.01, 0.9] == [second[name] for name in columns]
    assert (first["clock"], first["generalises_to"]) == (0.8, 10)
    assert pd.isna([second["clock"], second["generalises_to"]]).all()
    assert first["training_lags"] == FIRST.task.training_lags
    assert found.lag_curves[["test_lag", "score"]].to_numpy().tolist() == [[4, 0.2], [5, 1.0]]


def test_the_protocol_is_a_column_and_no_setting() -> None:
    axes = {"lag": [2], "symbols": [1, 2], "training_lags": ["fixed", "uniform"]}
    grid = experiment(tasks={"copy": {"task": "copy_memory", **axes}}, models={"gru": {"units": 4}})
    found = tidy(grid, [Record(spec, str(at), "failed") for at, spec in enumerate(grid.runs)], [], {}).runs
    rows = found[["task_setting", "training_lags"]].itertuples(index=False, name=None)
    assert sorted(rows) == [(f"symbols={n}", lags) for n in (1, 2) for lags in ("fixed", "uniform")]
    assert len({spec.name for spec in grid.runs}) == 4


def test_a_setting_of_training_that_varies_has_a_column_and_a_series_of_its_own() -> None:
    optimizers = ["adam", {"name": "sgd", "momentum": 0.9}]
    grid = experiment(training={"steps": 4, "optimizer": optimizers, "warmup": 2}, models={"gru": {"units": 4}})
    found = tidy(grid, [Record(spec, str(at), "failed") for at, spec in enumerate(grid.runs)], [], {}).runs
    assert list(found.columns) == [*COLUMNS, "optimizer"]
    assert set(found["optimizer"]) == {"adam", "sgd(momentum=0.9)"}
    assert set(found["model_setting"]) == {"optimizer=adam", "optimizer=sgd(momentum=0.9)"}
    assert csv(found).partition("\n")[0].endswith(",run_id,optimizer")


def test_no_value_is_one_of_an_axis_and_integers_beside_it_stay_integers() -> None:
    grid = experiment(training={"steps": 4, "truncate": [10, None]}, models={"gru": {"units": 4}})
    found = tidy(grid, [Record(spec, str(at), "failed") for at, spec in enumerate(grid.runs)], [], {}).runs
    assert found["model_setting"].tolist() == ["truncate=10", "truncate=null"] * 2
    assert [line.rpartition(",")[2] for line in csv(found).splitlines()] == ["truncate", "10", "", "10", ""]
    assert [spec.name for spec in grid.runs[:2]] == ["gru T5 s0 copy truncate=10", "gru T5 s0 copy truncate=null"]


def test_no_record_and_no_history_keep_their_columns() -> None:
    found = tidy(GRID, [Record(FOURTH, "four", "running")], [], {})
    assert list(found.history.columns) == ["signature", "step", "metric", "value"]
    assert list(found.levels.columns) == ["signature", "level", "value"]
    assert list(found.profiles.columns) == PROFILE_COLUMNS


def test_a_skipped_point_has_its_reason_and_plays_no_role() -> None:
    (row,) = tidy(GRID, [Record(FIRST, "", "skipped", message="it cannot")], [], {}).runs.to_dict("records")
    assert (row["status"], row["message"], row["role"], row["run_id"]) == ("skipped", "it cannot", "", "")
    assert pd.isna(row["solved"])

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnbench.errors import UserError
from rnnbench.events import Diverged, Failed, Finished, Measured, Scored
from rnnbench.grid import results
from rnnbench.tracking import writer as tracking
from rnnbench.tracking.location import Location
from rnnbench.tracking.palette import colours
from rnnbench.tracking.profile_file import read_columns
from rnnbench.tracking.writer import Tracker
from tests.event_streams import experiment, new_store, started, whole_run, write

GRID = experiment()
FIRST, SECOND, THIRD, FOURTH = GRID.runs


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return new_store(tmp_path)


@pytest.fixture
def tracker(location: Location) -> Iterator[Tracker]:
    with Tracker(location, GRID) as tracker:
        yield tracker


def in_mlflow(location: Location, signature: str) -> Any:
    return location.client().get_run(location.reader.newest_runs(GRID.name)[signature].run_id)


def artifact(location: Location, run: Any, name: str) -> str:
    assert location.artifacts is not None
    return (location.artifacts / GRID.name / run.info.run_id / "artifacts" / name).read_text()


def test_a_run_has_its_settings_tags_and_data_in_mlflow(location: Location, tracker: Tracker) -> None:
    for event in whole_run(THIRD):
        tracker.write(event)
    run = in_mlflow(location, THIRD.signature)
    assert (run.info.run_name, run.info.status) == ("lstm T5 s0 copy", "FINISHED")
    expected = {"task": "copy", "task_name": "copy_memory", "source": "generated", "lag": "5", "filler": "blank",
                "symbols": "1", "model": "lstm", "model_name": "lstm", "units": "4", "layers": "1",
                "initialization": "default", "seed": "0", "learning_rate": "0.01", "steps": "20", "batch_size": "64",
                "global_clipnorm": "1.0", "gradients_examples": "64", "recurrent_parameters": "368"}  # fmt: skip
    assert run.data.params.items() >= expected.items()
    tags = {"rnnbench.signature": THIRD.signature, "rnnbench.status": "finished", "rnnbench.kind": "run",
            "task": "copy", "model": "lstm", "source": "generated", "environment.tensorflow": "2.21.0",
            "mlflow.runColor": colours(GRID.models)["lstm"]}  # fmt: skip
    assert run.data.tags.items() >= tags.items()
    assert run.data.metrics["parameters"] == 123
    assert run.data.metrics["level/chance"] == 0.125
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("CopyMemory", "d1ce")
    assert json.loads(artifact(location, run, "run.json"))["training"]["steps"] == 20


def test_the_scores_of_the_test_examples_are_a_file_in_their_order(location: Location, tracker: Tracker) -> None:
    *before, end = whole_run(THIRD)
    for event in (*before, Scored(THIRD.signature, [1.0, 0.0, 0.5, float("nan")]), end):
        tracker.write(event)
    run = in_mlflow(location, THIRD.signature)
    assert location.artifacts is not None
    file = location.artifacts / GRID.name / run.info.run_id / "artifacts" / "test_examples.parquet"
    table = read_columns(file.read_bytes())
    assert list(table.columns) == ["score"]
    assert table.score[:3].tolist() == [1.0, 0.0, 0.5]
    assert table.score.isna().tolist() == [False, False, False, True]


def test_a_curve_over_lags_is_a_metric_whose_step_is_the_lag(location: Location, tracker: Tracker) -> None:
    *before, end = whole_run(THIRD)
    curve = [Measured(THIRD.signature, lag, {"lag_curve/accuracy": lag / 100}) for lag in (5, 20, 100)]
    for event in (*before, *curve, *curve, end):
        tracker.write(event)
    run = in_mlflow(location, THIRD.signature)
    points = location.client().get_metric_history(run.info.run_id, "lag_curve/accuracy")
    assert [(point.step, point.value) for point in points] == [(5, 0.05), (20, 0.2), (100, 1.0)]


def test_what_is_not_ended_reaches_the_store_by_a_flush(location: Location) -> None:
    tracker = Tracker(location, GRID)
    tracker.write(started(FIRST))
    tracker.write(Measured(FIRST.signature, 10, {"train/loss": 2.0}))
    assert "train/loss" not in location.reader.newest_runs(GRID.name)[FIRST.signature].metrics
    tracker.flush()
    run = location.reader.newest_runs(GRID.name)[FIRST.signature]
    assert (run.status, run.metrics["train/loss"]) == ("running", 2.0)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_measured_reaches_the_store_though_no_event_comes(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.05)
    with Tracker(location, GRID) as tracker:
        tracker.write(Measured(FIRST.signature, 10, {"train/loss": 2.0}))
        until(lambda: location.reader.newest_runs(GRID.name)[FIRST.signature].metrics == {"train/loss": 2.0})
        for event in whole_run(SECOND):
            tracker.write(event)
    assert points_twice(location) == 0
    assert tracker.statuses() == {FIRST.signature: "interrupted", SECOND.signature: "finished"}


def test_a_store_that_fails_the_timer_loses_nothing_and_is_told_with_the_next_event(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.05)
    with Tracker(location, GRID) as tracker:
        tracker.begin(FIRST)
        with monkeypatch.context() as broken:
            tried: list[int] = []

            def fail(*_: object, **__: object) -> None:
                tried.append(1)
                raise OSError("the line is cut")

            broken.setattr(type(tracker._client), "log_batch", fail)
            tracker._flushed = time.monotonic() + 3600
            tracker.write(Measured(FIRST.signature, 10, {"train/loss": 2.0}))
            until(lambda: len(tried) > 1)
            tracker._flushed = 0.0
            with pytest.raises(UserError, match="the line is cut"):
                tracker.write(Measured(FIRST.signature, 20, {"train/loss": 1.0}))
        tracker.write(Finished(FIRST.signature, 20, {"score": 1.0}))
    assert sorted(results.load(location, GRID).history["value"]) == [1.0, 2.0]


def test_more_metrics_than_one_call_takes(location: Location, tracker: Tracker) -> None:
    for step in range(2500):
        tracker.write(Measured(FIRST.signature, step, {"train/loss": float(step)}))
    tracker.write(Finished(FIRST.signature, 2500, {"score": 1.0}))
    assert sorted(results.load(location, GRID).history["value"]) == list(range(2500))


def test_statuses(location: Location) -> None:
    with Tracker(location, GRID) as tracker:
        for event in whole_run(FIRST):
            tracker.write(event)
        tracker.write(Diverged(SECOND.signature, 7, {"steps": 7}))
        tracker.write(Failed(THIRD.signature, "ValueError: too bad\nand more", "Traceback ..."))
        tracker.begin(FOURTH)
        assert tracker.statuses()[FOURTH.signature] == "running"
    assert tracker.statuses() == {
        FIRST.signature: "finished",
        SECOND.signature: "diverged",
        THIRD.signature: "failed",
        FOURTH.signature: "interrupted",
    }
    assert tracker.finished() == {FIRST.signature, SECOND.signature}
    in_page = [in_mlflow(location, run.signature).info.status for run in GRID.runs]
    assert in_page == ["FINISHED", "FINISHED", "FAILED", "KILLED"]
    failed = in_mlflow(location, THIRD.signature)
    assert failed.data.tags["rnnbench.message"] == "ValueError: too bad"
    assert failed.data.tags["mlflow.note.content"] == "ValueError: too bad\n```\nTraceback ...\n```"
    assert artifact(location, failed, "traceback.txt") == "Traceback ..."


def test_a_failed_run_starts_over_without_doubled_metrics(location: Location) -> None:
    *events, _ = whole_run(FIRST)
    write(location, GRID, *events, Failed(FIRST.signature, "boom"))
    write(location, GRID, *whole_run(FIRST))
    (run,) = location.reader.runs(GRID.name)
    assert run.status == "finished"
    assert "rnnbench.message" not in run.tags
    history = results.load(location, GRID).history
    assert history.groupby(["metric", "step"]).size().max() == 1


def test_what_a_killed_driver_leaves_is_tried_again(location: Location) -> None:
    killed = Tracker(location, GRID)
    killed.write(started(FIRST))
    with Tracker(location, GRID) as tracker:
        assert tracker.finished() == set()
        for event in whole_run(FIRST):
            tracker.write(event)
    assert [run.status for run in location.reader.runs(GRID.name)] == ["finished"]


def points_twice(location: Location) -> int:
    with location.store.connect() as connection:
        twice = "SELECT COUNT(*) FROM (SELECT 1 FROM metrics GROUP BY run_uuid, key, step HAVING COUNT(*) > 1)"
        return int(connection.execute(twice).fetchone()[0])


@pytest.mark.parametrize("marked", [True, False], ids=["interrupted", "killed"])
def test_a_resumed_run_goes_on_in_its_mlflow_run(location: Location, marked: bool) -> None:
    """Whatever part of it the store has: no gap, no point twice, and the whole profile."""
    events = list(whole_run(FIRST))
    write(location, GRID, *whole_run(SECOND))
    expected = results.load(location, GRID)
    first = Tracker(location, GRID)
    for event in events[:5]:
        first.write(event)
    first.flush()
    if marked:
        first.interrupt()
    before = location.reader.newest_runs(GRID.name)[FIRST.signature]
    assert before.status == ("interrupted" if marked else "running")
    with Tracker(location, GRID) as second:
        second.begin(FIRST, resumed=True)
        assert second.statuses()[FIRST.signature] == "running"
        assert in_mlflow(location, FIRST.signature).info.status == "RUNNING"
        for event in events:
            second.write(event)
    found = results.load(location, GRID)
    after = location.reader.newest_runs(GRID.name)[FIRST.signature]
    assert (after.run_id, after.status) == (before.run_id, "finished")
    assert len(location.reader.runs(GRID.name)) == 2
    assert points_twice(location) == 0
    for name in ("history", "profiles", "levels"):
        tables = [
            table[table["signature"] == spec.signature].drop(columns="signature").reset_index(drop=True)
            for table, spec in ((getattr(found, name), FIRST), (getattr(expected, name), SECOND))
        ]
        pd.testing.assert_frame_equal(*tables)


def test_a_failure_is_forgotten_when_the_run_goes_on(location: Location) -> None:
    *events, ending = whole_run(FIRST)
    write(location, GRID, *events[:3], Failed(FIRST.signature, "its worker process died", "Traceback"))
    with Tracker(location, GRID) as tracker:
        tracker.begin(FIRST, resumed=True)
        for event in (*events, ending):
            tracker.write(event)
    run = in_mlflow(location, FIRST.signature)
    assert run.info.status == "FINISHED"
    assert "rnnbench.message" not in run.data.tags
    assert run.data.tags["mlflow.note.content"].startswith("Does **simple&#95;rnn** still solve copy after 5 steps")


def test_ctrl_c_while_a_run_is_taken_up_again_leaves_it_interrupted(location: Location, monkeypatch) -> None:
    write(location, GRID, *list(whole_run(FIRST))[:3])
    reopen = Tracker._reopen

    def and_ctrl_c(*arguments: Any) -> None:
        reopen(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Tracker, "_reopen", and_ctrl_c)
    with pytest.raises(KeyboardInterrupt), Tracker(location, GRID) as tracker:
        tracker.begin(FIRST, resumed=True)
    assert location.reader.statuses(GRID.name) == {FIRST.signature: "interrupted"}


def test_a_run_that_goes_on_after_another_driver_began_it(location: Location) -> None:
    """It began after this driver looked at the store, and its driver died."""
    with Tracker(location, GRID) as tracker:
        other = Tracker(location, GRID)
        other.write(started(FIRST))
        other.flush()
        tracker.begin(FIRST, resumed=True)
        for event in whole_run(FIRST):
            tracker.write(event)
        assert tracker.is_done(FIRST.signature)
        assert not tracker.is_done(SECOND.signature)
    assert [run.status for run in location.reader.runs(GRID.name)] == ["finished"]
    assert points_twice(location) == 0


def test_a_resumed_run_of_an_empty_store_is_made_anew(location: Location, tracker: Tracker) -> None:
    tracker.begin(FIRST, resumed=True)
    for event in whole_run(FIRST):
        tracker.write(event)
    assert tracker.statuses() == {FIRST.signature: "finished"}


def test_corpses_are_buried_but_not_the_living(location: Location) -> None:
    killed = Tracker(location, GRID)
    for spec in (FIRST, SECOND):
        killed.begin(spec)
    with Tracker(location, GRID) as tracker:
        tracker.bury(alive={SECOND.signature})
        assert tracker.statuses() == {FIRST.signature: "interrupted", SECOND.signature: "running"}
    assert in_mlflow(location, FIRST.signature).info.status == "KILLED"


def test_a_run_that_is_taken_up_twice_is_one_run(location: Location, tracker: Tracker) -> None:
    tracker.begin(FIRST)
    tracker.write(Measured(FIRST.signature, 0, {"train/loss": 5.0}))
    tracker.begin(FIRST)
    for event in whole_run(FIRST):
        tracker.write(event)
    (run,) = location.reader.runs(GRID.name)
    assert run.metrics["train/loss"] == 1.0


def test_events_that_come_twice_or_late_are_dropped(location: Location, tracker: Tracker) -> None:
    events = list(whole_run(FIRST))
    for event in (*events[:-1], *events, Failed(FIRST.signature, "the worker is gone")):
        tracker.write(event)
    assert tracker.statuses() == {FIRST.signature: "finished"}
    loaded = results.load(location, GRID)
    assert len(loaded.history) == 6
    assert len(loaded.profiles) == 4


def test_fresh_discards_only_what_is_named(location: Location) -> None:
    write(location, GRID, *whole_run(FIRST), *whole_run(SECOND))
    with Tracker(location, GRID) as tracker:
        tracker.discard([FIRST.signature, THIRD.signature])
        assert tracker.finished() == {SECOND.signature}


def test_the_report_replaces_the_last_one(location: Location, tmp_path: Path) -> None:
    report = tmp_path / "report"
    (report / "figures").mkdir(parents=True)
    (report / "report.html").write_text("<p>first")
    (report / "figures" / "score.svg").write_text("<svg/>")
    with Tracker(location, GRID) as tracker:
        first = tracker.log_report(report)
        (report / "report.html").write_text("<p>second")
        newest = tracker.log_report(report)
        assert newest != first
        assert tracker.log_report(report) == newest  # the same files: nothing is stored
        assert tracker.statuses() == {}
    assert [run.run_id for run in location.reader.runs(GRID.name, kind="report")] == [newest]
    client = location.client()
    assert artifact(location, client.get_run(newest), "report.html") == "<p>second"
    assert artifact(location, client.get_run(newest), "figures/score.svg") == "<svg/>"
    note = client.get_experiment_by_name(GRID.name).tags["mlflow.note.content"]
    assert note.startswith("**[Report](#/experiments/1/runs/")
    assert GRID.description in note


def test_experiments_of_one_store_are_apart(location: Location) -> None:
    other = experiment(name="other")
    write(location, GRID, *whole_run(FIRST))
    write(location, other, Failed(FIRST.signature, "boom"))
    assert location.reader.statuses("carry") == {FIRST.signature: "finished"}
    assert location.reader.statuses("other") == {FIRST.signature: "failed"}


def test_an_experiment_that_was_deleted_in_mlflow_is_told(location: Location) -> None:
    write(location, GRID, *whole_run(FIRST))
    client = location.client()
    client.delete_experiment(client.get_experiment_by_name(GRID.name).experiment_id)
    with pytest.raises(UserError, match="'carry' was deleted in MLflow: restore it there, or choose another name"):
        write(location, GRID, *whole_run(FIRST))


def test_a_store_that_breaks_in_the_middle_is_one_line(location: Location) -> None:
    tracker = Tracker(location, GRID)
    tracker.write(started(FIRST))
    assert location.database is not None
    location.database.write_bytes(b"gone" * 5000)
    with pytest.raises(UserError, match="damaged") as caught:
        tracker.write(Finished(FIRST.signature, 1, {"score": 1.0}))
    assert "\n" not in str(caught.value)

"""Results that leave a store, and come into another one or into a report, are the same."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from rnnbench.errors import UserError, UserNote
from rnnbench.events import Diverged, Failed, Scored
from rnnbench.experiment.definition import Experiment
from rnnbench.grid import results
from rnnbench.grid.exported import Answered, answered, take_in
from rnnbench.grid.report import Source, write, write_data
from rnnbench.grid.status import look
from rnnbench.grid.workspace import work_place
from rnnbench.tracking.location import Location
from rnnbench.tracking.portable import importing
from tests.event_streams import experiment, fill, new_store, started, whole_run
from tests.event_streams import write as write_events

GRID = experiment()
FIRST, SECOND, THIRD, FOURTH = GRID.runs


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """A store with two finished runs, one that diverged and one that failed."""
    store = new_store(tmp_path / "store")
    write_events(
        store,
        GRID,
        Scored(FIRST.signature, [1.0, 0.0, 0.0]),
        *whole_run(FIRST, score=1 / 3),
        *whole_run(SECOND),
        started(THIRD),
        Diverged(THIRD.signature, 7, {"score": math.nan, "steps": 7, "seconds": 1.0, "solved": 0.0}),
        Failed(FOURTH.signature, "no luck", "Traceback ..."),
    )
    return store


def exported(grid: Experiment, location: Location, folder: Path) -> Path:
    write_data([Source(grid, location, "rnnbench run carry.yaml")], folder)
    return folder


def only(folder: Path) -> Answered:
    (found,) = answered([folder])
    return found


def same(left: results.Results, right: results.Results) -> None:
    for name in ("runs", "history", "profiles", "levels", "lag_curves"):
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))
    assert {key: list(one) for key, one in left.examples.items()} == {
        key: list(one) for key, one in right.examples.items()
    }


def test_tables_are_those_of_the_store(location: Location, tmp_path: Path) -> None:
    found = only(exported(GRID, location, tmp_path / "data"))
    assert found.made_by == "rnnbench run carry.yaml"
    same(results.load(found.location, found.experiment), results.load(location, GRID))


def test_a_report_of_the_folder_has_the_same_bytes(location: Location, tmp_path: Path) -> None:
    first = write([Source(GRID, location, "rnnbench run carry.yaml")], tmp_path / "first").parent
    found = only(first)
    second = write([Source(found.experiment, found.location, found.made_by)], tmp_path / "second").parent
    assert files(first) == files(second)
    assert {"data/manifest.json", "data/runs.parquet", "report.html", "results.csv"} <= files(first).keys()


def test_a_report_does_not_overwrite_the_results_that_it_reads(location: Location, tmp_path: Path) -> None:
    folder = write([Source(GRID, location, "made")], tmp_path / "report").parent
    before = {path: path.stat().st_mtime_ns for path in (folder / "data").iterdir()}
    found = only(folder)
    write([Source(found.experiment, found.location, found.made_by)], folder)
    assert {path: path.stat().st_mtime_ns for path in (folder / "data").iterdir()} == before


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_imported_runs_count_as_finished(location: Location, tmp_path: Path) -> None:
    found = only(exported(GRID, location, tmp_path / "data"))
    there = new_store(tmp_path / "there")
    ((name, imported),) = take_in([found], there, lambda *_: None)
    assert (name, imported) == ("carry", importing.Imported(taken=3, failed=1))
    states = look(GRID, there, work_place(GRID, there, None)[1]).states
    assert [states[spec.key] for spec in GRID.runs] == ["finished", "finished", "diverged", "waiting"]
    ours, theirs = (results.load(place, GRID) for place in (there, location))
    left, right = (one.runs.query("status != 'failed'").drop(columns="run_id") for one in (ours, theirs))
    pd.testing.assert_frame_equal(left, right)
    for table in ("history", "profiles", "levels"):
        pd.testing.assert_frame_equal(getattr(ours, table), getattr(theirs, table))


def test_importing_again_changes_nothing(location: Location, tmp_path: Path) -> None:
    found = only(exported(GRID, location, tmp_path / "data"))
    there = new_store(tmp_path / "there")
    list(take_in([found], there, lambda *_: None))
    before = there.reader.runs("carry")
    ((_, imported),) = take_in([found], there, lambda *_: None)
    assert imported == importing.Imported(there=3, failed=1)
    assert there.reader.runs("carry") == before


def test_what_a_store_has_stays_and_is_compared(location: Location, tmp_path: Path) -> None:
    found = only(exported(GRID, location, tmp_path / "data"))
    there = new_store(tmp_path / "there")
    write_events(there, GRID, *whole_run(FIRST, score=0.9), started(SECOND))
    ((_, imported),) = take_in([found], there, lambda *_: None)
    assert imported == importing.Imported(taken=2, there=1, differing=1, failed=1)
    scores = {run.signature: run.metrics.get("score") for run in there.reader.runs("carry")}
    assert (scores[FIRST.signature], scores[SECOND.signature], len(scores)) == (0.9, 0.75, 3)


def test_two_machines_share_a_grid(tmp_path: Path) -> None:
    folders = []
    for number, specs in enumerate([(FIRST, SECOND), (THIRD, FOURTH)]):
        store = new_store(tmp_path / f"store{number}")
        write_events(store, GRID, *(event for spec in specs for event in whole_run(spec)))
        folders.append(exported(GRID, store, tmp_path / f"data{number}"))
    (found,) = answered(folders)
    assert results.load(found.location, found.experiment).runs["status"].tolist() == ["finished"] * 4
    assert len(results.load(found.location, found.experiment).history) == 4 * 6


def test_doubles_are_said_and_the_newest_taken(tmp_path: Path) -> None:
    folders = []
    for number, score in enumerate((0.25, 0.5)):
        store = new_store(tmp_path / f"store{number}")
        write_events(store, GRID, *whole_run(FIRST, score=score))
        folders.append(exported(GRID, store, tmp_path / f"data{number}"))
        later(folders[-1], f"2026-01-0{number + 1}T00:00:00")
    with pytest.warns(UserNote, match="1 run with different results, of which the newest are taken"):
        (found,) = answered(folders[::-1])
    assert results.load(found.location, found.experiment).runs["score"].tolist() == [0.5]


def later(folder: Path, moment: str) -> None:
    """Change when the runs of a folder were begun."""
    rewrite(folder, started=moment)


def rewrite(folder: Path, **columns: str) -> None:
    from rnnbench.tracking.portable.manifest import read, write_manifest
    from rnnbench.tracking.portable.tables import read_tables, write_tables

    asked, tables = read(folder).experiments, read_tables(folder)
    write_manifest(folder, asked, write_tables(folder, replace(tables, runs=tables.runs.assign(**columns))))


def test_one_folder_twice_is_one(location: Location, tmp_path: Path) -> None:
    folder = exported(GRID, location, tmp_path / "data")
    shutil.copytree(folder, tmp_path / "copy")
    (found,) = answered([folder, tmp_path / "copy", tmp_path])
    same(results.load(found.location, found.experiment), results.load(location, GRID))


def test_versions_that_are_mixed_are_marked(location: Location, tmp_path: Path) -> None:
    folder = exported(GRID, location, tmp_path / "data")
    assert results.provenance(only(folder).location, GRID).get("data") is None
    other = exported(GRID, new_store_with(tmp_path / "other", FIRST), tmp_path / "data2")
    rewrite(other, code="older", started="2030-01-01T00:00:00")
    (found,) = answered([folder, other])
    told = results.provenance(found.location, found.experiment)["data"]
    assert told == "1 run was made by another version of the code than the others"


def new_store_with(place: Path, *specs: object) -> Location:
    store = new_store(place)
    write_events(store, GRID, *(event for spec in specs for event in whole_run(spec, score=1 / 3)))  # type: ignore[arg-type]
    return store


def test_results_of_an_earlier_version_are_found_and_not_taken_for_ours(location: Location, tmp_path: Path) -> None:
    folder = exported(GRID, location, tmp_path / "data")
    tables = pq.read_table(folder / "runs.parquet").to_pandas()
    tags = [text.replace(FIRST.signature, "0" * 16) for text in tables["tags"]]
    rewrite(folder, tags=tags)
    found = only(folder)
    assert results.load(found.location, found.experiment).runs["signature"].tolist()[0] == "0" * 16
    there = new_store(tmp_path / "there")
    ((_, imported),) = take_in([found], there, lambda *_: None)
    assert (imported.taken, imported.other_version) == (3, 1)


def test_machines_that_are_mixed_are_marked(location: Location) -> None:
    assert results.mixture(location, GRID) == ""
    run = location.reader.newest_runs("carry")[FIRST.signature]
    location.client().set_tag(run.run_id, "environment.machine", "Linux, 2 cores, Other")
    run = location.reader.newest_runs("carry")[SECOND.signature]
    location.client().set_tag(run.run_id, "environment.machine", "Linux, 2 cores, One")
    told = results.mixture(location, GRID)
    assert "2 kinds of machine" in told
    assert "Linux, 2 cores, Other (1 run)" in told


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", b'{"kind": "rnnbench results", ', "is damaged: it is not JSON"),
        ("manifest.json", b'{"kind": "rnnbench results", "format": 99}', "is in format 99; this rnnbench reads 1"),
        ("manifest.json", b'{"kind": "rnnbench results", "format": 1}', r"is damaged \(experiments\)"),
        ("runs.parquet", b"PAR1", "is damaged: it is not the file that was exported"),
        ("metrics.parquet", None, "is missing"),
    ],
)
def test_damage_is_one_clear_line(
    location: Location, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = exported(GRID, location, tmp_path / "data")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        answered([folder])
    assert str(folder / name) in str(raised.value)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no exported results"):
        answered([tmp_path])


def test_a_plugin_is_asked_for(tmp_path: Path) -> None:
    plugin = Path(__file__).parents[2] / "plugins" / "echo.py"
    grid = experiment(plugins=[str(plugin)], tasks={"echo": {"lag": 2}})
    store = new_store(tmp_path / "store")
    fill(store, grid)
    folder = exported(grid, store, tmp_path / "data")
    with pytest.raises(UserError, match=r"need the plug-in echo.py: add --plugins PATH/echo.py"):
        answered([folder])
    (found,) = answered([folder], [str(plugin)])
    assert len(found.experiment.runs) == len(grid.runs)


def test_no_store_is_written_through_a_folder(location: Location, tmp_path: Path) -> None:
    found = only(exported(GRID, location, tmp_path / "data"))
    with pytest.raises(UserError, match="are only read: `rnnbench import` takes them"):
        found.location.check_writable()


def test_equal_results_give_equal_files(location: Location, tmp_path: Path) -> None:
    assert files(exported(GRID, location, tmp_path / "a")) == files(exported(GRID, location, tmp_path / "b"))

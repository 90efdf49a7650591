"""`rnnbench export`, `import` and `report DIR` as a person uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.experiment import yaml_file
from rnnbench.tracking.location import Location
from tests.cli.test_app import SMALL, assert_one_line, rnnbench
from tests.event_streams import fill, new_store

FILE = SMALL.replace("[1, 3]", "[1, 2, 3]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an experiment file and a store of its results."""
    (tmp_path / "small.yaml").write_text(FILE)
    fill(new_store(tmp_path / "store"), yaml_file.load(tmp_path / "small.yaml"))
    return tmp_path


def test_from_one_store_into_another(folder: Path) -> None:
    result = rnnbench("export", "small.yaml", "--out", "out", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("exported: out (3 runs, 0.0 MB)")
    result = rnnbench("import", "out", "--store", "other", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "small: 3 runs imported\n"
    other = Location.resolve(folder / "other")
    assert set(other.reader.statuses("small").values()) == {"finished"}
    result = rnnbench("import", "out", "--store", "other", cwd=folder)
    assert result.stdout.splitlines() == ["small: 0 runs imported", "small: 3 runs left as the store has them"]


def test_a_report_without_a_store(folder: Path) -> None:
    result = rnnbench("report", "small.yaml", cwd=folder)
    assert result.returncode == 0, result.stderr
    first = contents(folder / "reports" / "small")
    (folder / "store").rename(folder / "away")
    (folder / "small.yaml").unlink()
    result = rnnbench("report", "reports/small", "--out", "again", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert contents(folder / "again") == first


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_options_of_stores_do_not_fit_a_folder(folder: Path) -> None:
    rnnbench("export", "small.yaml", "--out", "out", cwd=folder)
    result = rnnbench("report", "out", "--set", "training.steps=9", cwd=folder)
    assert_one_line(result, "--set, --last and stores go with experiment files")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("import", "store"), "holds no exported results"),
        (("report", "store"), "holds no exported results"),
        (("export", "small.yaml", "--out", "out", "--set", "training.steps=9"), "no runs of 'small' with these"),
        (("export", "small.yaml", "--out", "small.yaml"), "choose another --out"),
        (("import", "nowhere"), "holds no exported results"),
    ],
)
def test_mistakes_are_one_line(folder: Path, arguments: tuple[str, ...], expected: str) -> None:
    assert_one_line(rnnbench(*arguments, cwd=folder), expected)

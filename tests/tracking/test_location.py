"""Which store is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.grid import results
from rnnbench.tracking.location import Location
from tests.event_streams import experiment, new_store, whole_run, write


def message(caught: pytest.ExceptionInfo[UserError]) -> str:
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_an_address_beats_a_directory_beats_the_environment_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Location.resolve().database == tmp_path / "store" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    assert (Location.resolve().uri, Location.resolve().database) == ("http://there:5000", None)
    assert Location.resolve(Path("here")).uri == f"sqlite:///{tmp_path}/here/mlflow.db"
    assert Location.resolve(Path("here"), "https://other").uri == "https://other"
    assert Location.resolve(tracking_uri="sqlite:///x.db").database == tmp_path / "x.db"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns", "postgresql://host/db"])
def test_addresses_of_other_kinds_are_refused(uri: str) -> None:
    with pytest.raises(UserError, match=r"tracking URI .* is unknown: write http://HOST:PORT") as caught:
        Location.resolve(tracking_uri=uri)
    message(caught)


@pytest.mark.parametrize("name", ["a?b", "a%20b"])
def test_paths_that_mlflow_would_misread_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"must not hold \? or %"):
        Location.resolve(Path(name))


@pytest.mark.parametrize("name", ["a b", "a#b", "ä'&;"])
def test_other_paths_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    location, grid = new_store(tmp_path / name), experiment()
    write(location, grid, *whole_run(grid.runs[0]))
    assert len(results.load(location, grid).profiles) == 4
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_password_is_not_shown() -> None:
    assert str(Location.resolve(tracking_uri="https://me:secret@host/path")) == "https://host/path"

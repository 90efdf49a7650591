"""A user's file or folder: where it is, what is said of it, and what identifies it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from rnnbench.datasets.own import place
from rnnbench.errors import UserError
from rnnbench.identity.signature import signed_values


class Settings(BaseModel):
    path: place.DataFile


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))


def folder(at: Path) -> Path:
    (at / "pos").mkdir(parents=True)
    (at / "neg").mkdir()
    (at / "pos" / "1.txt").write_text("good")
    (at / "neg" / "1.txt").write_text("bad")
    (at / ".hidden").write_text("x")
    return at


def test_a_path_is_relative_to_the_directory_of_the_context_and_else_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Settings(path="a.csv").path == str(tmp_path / "a.csv")
    found = Settings.model_validate({"path": "../a.csv"}, context={place.DIRECTORY: str(tmp_path / "below")})
    assert found.path == str(tmp_path / "a.csv")
    assert Settings.model_validate({"path": "/x/a.csv"}, context={place.DIRECTORY: "/y"}).path == "/x/a.csv"
    assert Settings(path="~/a.csv").path == str(Path.home() / "a.csv")


def test_what_is_shown_and_signed_has_no_path():
    settings = Settings(path="/some/where/a.csv")
    assert settings.model_dump(mode="json") == {"path": "a.csv"}
    assert settings.model_dump(mode="json", context=place.WITH_PATHS) == {"path": "/some/where/a.csv"}
    assert signed_values(settings) == {}


def test_a_fingerprint_is_of_the_content_alone(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("1,2\n")
    first = place.fingerprint(str(tmp_path / "a.csv"))
    assert first == place.fingerprint(str(tmp_path / "b.csv"))
    (tmp_path / "a.csv").write_text("1,3\n")
    assert place.fingerprint(str(tmp_path / "a.csv")) not in (None, first)
    assert place.fingerprint(str(tmp_path / "absent.csv")) is None


def test_the_names_in_a_folder_count_and_its_own_does_not(tmp_path):
    first = place.fingerprint(str(folder(tmp_path / "a")))
    assert place.fingerprint(str(folder(tmp_path / "b"))) == first
    shutil.move(tmp_path / "b" / "neg", tmp_path / "b" / "bad")
    assert place.fingerprint(str(tmp_path / "b")) not in (None, first)


def test_hidden_files_do_not_count(tmp_path):
    first = place.fingerprint(str(folder(tmp_path / "a")))
    (tmp_path / "a" / ".hidden").write_text("y")
    assert place.fingerprint(str(tmp_path / "a")) == first


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.mkdir(), "the folder holds no files"),
        (lambda path: os.mkfifo(path), "is neither a file nor a folder"),
    ],
)
def test_nothing_to_read_is_said_in_a_line(tmp_path, make, said):
    path = tmp_path / "data.csv"
    make(path)
    with pytest.raises(UserError, match=said):
        place.check(str(path))
    assert place.fingerprint(str(path)) is None

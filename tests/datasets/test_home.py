"""A user without a home directory, as in a container that was given a bare user id."""

import os
import pwd
from pathlib import Path

import pytest

from rnnbench.datasets import location
from rnnbench.errors import UserError

DIRECTORIES = ("TFDS_DATA_DIR", "RNNBENCH_MANUAL_DIR", "RNNBENCH_CACHE_DIR")


@pytest.fixture(autouse=True)
def _no_home(monkeypatch):
    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME", raising=False)
    for name in (*DIRECTORIES, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_given_is_taken_before_any_default_is_computed(monkeypatch, tmp_path):
    for name in DIRECTORIES:
        monkeypatch.setenv(name, str(tmp_path / name))
    found = [location.data_dir(), location.manual_dir(), location.cache_dir()]
    assert found == [tmp_path / name for name in DIRECTORIES]


def test_the_cache_directory_stands_for_the_home_that_libraries_look_for(monkeypatch, tmp_path):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", "")  # so that it is put back
    monkeypatch.delenv("HOME")
    location.ensure_home()
    assert Path.home() == tmp_path / "cache"
    assert (tmp_path / "cache").is_dir()
    assert location.cache_dir() == tmp_path / "cache"


def test_a_home_that_is_there_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    location.ensure_home()
    assert os.environ["HOME"] == str(tmp_path)


@pytest.mark.parametrize("needs", [location.data_dir, location.manual_dir, location.cache_dir, location.ensure_home])
def test_what_is_missing_is_one_line_that_says_what_to_set(needs):
    with pytest.raises(UserError, match="no home directory, neither in HOME nor in the list of users: set HOME"):
        needs()


def test_a_path_from_the_home_is_told_with_its_variable(monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "~/data")
    with pytest.raises(UserError, match=r"TFDS_DATA_DIR=~/data: this user has no home directory"):
        location.data_dir()


def test_a_cache_directory_that_cannot_be_made_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"RNNBENCH_CACHE_DIR .*/file/cache: cannot be written: Not a directory"):
        location.ensure_home()

"""Lines for people."""

import importlib
import sys
import warnings
from types import SimpleNamespace

import pytest

from rnnbench import report
from rnnbench.cli.screen import Screen
from rnnbench.errors import UserError, UserNote, disarm_warnings, note, notes_sent_to, require_posix_module
from rnnbench.execution.executors import executor_factory
from rnnbench.execution.leases import Leases
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.grid import Grid
from rnnbench.tracking.location import Location


@pytest.fixture
def _elsewhere(monkeypatch):
    """A system that is none of POSIX'."""
    monkeypatch.setitem(sys.modules, "fcntl", None)


@pytest.mark.usefixtures("_elsewhere")
def test_what_needs_posix_says_so_before_anything_is_written(tmp_path):
    grid = Grid(Experiment(name="x", tasks={"copy_memory": {"lag": 1}}, models={"gru": {}}), Location.resolve(tmp_path))
    with pytest.raises(UserError, match="running a grid needs a POSIX system, such as Linux, macOS or WSL"):
        grid.run(executor_factory(0), Screen())
    assert not list(tmp_path.iterdir())
    importlib.reload(importlib.import_module("rnnbench.execution.leases"))
    with pytest.raises(UserError, match="sharing the runs of a store needs a POSIX system"):
        Leases(tmp_path).claim("a")


def test_a_module_that_is_there_is_given():
    assert require_posix_module("fcntl", "this").LOCK_EX


def test_a_note_is_a_warning_of_its_own_kind():
    with pytest.warns(UserNote, match="^one line$"):
        note("one line")


@pytest.mark.parametrize("action", ["ignore", "error"])
def test_a_note_is_told_whatever_the_user_does_with_warnings(action):
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with notes_sent_to(told.append):
            note("one")
            note("two")
        shown = warnings.showwarning
    assert told == ["one", "two"]
    assert shown is warnings.showwarning


def test_warnings_of_libraries_end_no_command():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        with notes_sent_to(print):
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        assert warnings.filters == filters


def test_filters_that_make_no_errors_are_left_alone():
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        disarm_warnings()
        assert [action for action, *_ in warnings.filters] == ["ignore"]
        warnings.simplefilter("error", DeprecationWarning)
        disarm_warnings()
        assert warnings.filters[0][0] == "default"


def test_without_docstrings_no_report_can_be_drawn(monkeypatch):
    monkeypatch.setattr(report, "sys", SimpleNamespace(flags=SimpleNamespace(optimize=2)))
    with pytest.raises(UserError, match="needs docstrings: start Python with -O instead of -OO"):
        report._check_docstrings()

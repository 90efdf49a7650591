"""Whether workers import the program that a person started."""

import multiprocessing
import sys
from types import ModuleType, SimpleNamespace

import pytest

from rnnbench.errors import UserError
from rnnbench.execution import script
from rnnbench.models.gru import GRU
from rnnbench.tasks.copy_memory import CopyMemory


def spec(model):
    return SimpleNamespace(task=CopyMemory(lag=1), model=model)


@pytest.fixture
def own(monkeypatch):
    """A model of the program itself."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    return spec(type("Own", (GRU,), {"__module__": "__main__"})())


def test_ours_and_those_of_modules_need_no_program():
    assert not script.needs_script([spec(GRU())])
    before = sys.modules["__main__"]
    with script.script(imported=False):
        assert sys.modules["__main__"] is not before
        assert not hasattr(sys.modules["__main__"], "__file__")
    assert sys.modules["__main__"] is before


def test_a_class_of_a_script_needs_it_imported(own, tmp_path):
    (tmp_path / "mine.py").touch()
    sys.modules["__main__"].__file__ = str(tmp_path / "mine.py")
    assert script.needs_script([spec(GRU()), own])
    with script.script(imported=True):
        assert sys.modules["__main__"].__file__ == str(tmp_path / "mine.py")


@pytest.mark.parametrize("file", [None, "<stdin>", "gone.py"])
def test_a_class_of_a_notebook_or_of_standard_input_cannot_be_found_by_workers(own, file):
    if file:
        sys.modules["__main__"].__file__ = file
    with pytest.raises(UserError, match=r"Own is defined in a notebook or on standard input, .* take workers=0"):
        script.needs_script([own])


def test_a_worker_that_imports_the_program_leaves_without_a_word(monkeypatch):
    left = []
    monkeypatch.setattr(script.os, "_exit", left.append)
    script.leave_if_unguarded()
    assert left == []
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    script.leave_if_unguarded()
    assert left == [script.UNGUARDED]

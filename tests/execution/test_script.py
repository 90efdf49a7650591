"""Whether workers import the user's script."""

import multiprocessing
import sys
from types import ModuleType, SimpleNamespace

import pytest

from rnnbench.errors import UserError
from rnnbench.execution import script
from rnnbench.models.gru import GRU
from rnnbench.tasks.copy_memory import CopyMemory


def spec(model):
    return SimpleNamespace(classes=(CopyMemory, type(model)))


@pytest.fixture
def own(monkeypatch):
    """A model that the script itself defines."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    return spec(type("Own", (GRU,), {"__module__": "__main__"})())


def test_classes_of_modules_do_not_need_the_script():
    assert not script.needs_script([spec(GRU())])
    before = sys.modules["__main__"]
    with script.script(imported=False):
        assert sys.modules["__main__"] is not before
        assert not hasattr(sys.modules["__main__"], "__file__")
    assert sys.modules["__main__"] is before


def test_a_class_defined_in_the_script_needs_it_imported(own, tmp_path):
    (tmp_path / "mine.py").touch()
    sys.modules["__main__"].__file__ = str(tmp_path / "mine.py")
    assert script.needs_script([spec(GRU()), own])
    with script.script(imported=True):
        assert sys.modules["__main__"].__file__ == str(tmp_path / "mine.py")


@pytest.mark.parametrize("file", [None, "<stdin>", "gone.py"])
def test_workers_cannot_import_a_class_from_a_notebook_or_standard_input(own, file):
    if file:
        sys.modules["__main__"].__file__ = file
    with pytest.raises(UserError, match=r"Own is defined in a notebook or on standard input, .* use workers=0"):
        script.needs_script([own])


def test_a_worker_that_imports_the_script_exits_silently(monkeypatch):
    left = []
    monkeypatch.setattr(script.os, "_exit", left.append)
    script.leave_if_unguarded()
    assert left == []
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    script.leave_if_unguarded()
    assert left == [script.UNGUARDED]

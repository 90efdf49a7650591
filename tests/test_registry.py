"""Registration, suggestions and plug-ins."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rnnbench import registry
from rnnbench.checks.contracts import check_model, check_task
from rnnbench.errors import UserError, UserNote
from rnnbench.models.base import Model
from rnnbench.registry import Registry, load_plugins

TROUBLED = Path(__file__).parent / "plugins" / "troubled.py"


def test_built_in_things_are_found():
    assert {"copy_memory", "sentiment", "speech_commands", "forecasting"} <= set(registry.tasks)
    assert {"simple_rnn", "lstm", "gru"} <= set(registry.models)


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UserError, match=r"unknown task 'copy_memroy' \(did you mean 'copy_memory'\?\)"):
        registry.tasks["copy_memroy"]
    with pytest.raises(UserError, match="unknown model 'xyz'; known: "):
        registry.models["xyz"]


def test_one_name_for_two_things_is_refused():
    own: Registry = Registry("task", "rnnbench.tasks")
    own.register("same")(type("A", (), {}))
    with pytest.raises(UserError, match="task 'same' is registered twice"):
        own.register("same")(type("B", (), {}))


def test_a_plug_in_keeps_the_contract_as_ours_do():
    load_plugins([str(TROUBLED)])
    load_plugins([str(TROUBLED)])
    check_task(registry.tasks["troubled"])
    check_model(registry.models["leaky"])


def test_a_plug_in_that_cannot_be_loaded(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    with pytest.raises(UserError, match=r"broken.py' cannot be loaded: ZeroDivisionError"):
        load_plugins([str(broken)])


ENTRY = """
import rnnbench
from rnnbench.models.gru import GRU
from rnnbench.tasks.adding import Adding
rnnbench.register_task("half")(type("Half", (Adding,), {"__module__": __name__}))
rnnbench.register_model(NAME)(type("Own", (GRU,), {"__module__": __name__}))
WRONG
"""


@pytest.mark.parametrize(
    ("wrong", "name", "reason"),
    [
        ("1 / 0", "own", "ZeroDivisionError: division by zero"),
        ("import not_there", "own", "ModuleNotFoundError: No module named 'not_there'"),
        ("raise SystemExit(3)", "own", "SystemExit: 3"),
        ("", "lstm", "UserError: model 'lstm' is registered twice: by rnnbench.models.lstm and entry_of_others"),
    ],
)
def test_an_entry_point_that_fails_is_named_and_the_registry_stays_whole(tmp_path, monkeypatch, wrong, name, reason):
    before = [list(registry.tasks), list(registry.models)]
    (tmp_path / "entry_of_others.py").write_text(ENTRY.replace("NAME", repr(name)).replace("WRONG", wrong))
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("others", "entry_of_others", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    registry._load_entry_points.cache_clear()
    try:
        with pytest.warns(UserNote) as noted:
            found = [list(registry.tasks), list(registry.models)]
    finally:
        sys.modules.pop("entry_of_others", None)
    assert found == before
    assert registry.models["lstm"].__module__ == "rnnbench.models.lstm"
    (line,) = [str(one.message) for one in noted]
    assert line == f"the plug-in 'others' (entry_of_others) cannot be loaded and is skipped: {reason}"


def test_a_plug_in_that_takes_a_name_of_ours_is_refused():
    theirs = type("Theirs", (Model,), {"__module__": "theirs"})
    with pytest.raises(UserError, match=r"model 'lstm' is registered twice: by rnnbench.models.lstm and theirs"):
        registry.register_model("lstm")(theirs)
    # Ours come first, even where nobody has asked for them yet: else they would be the ones that are refused.
    own: Registry = Registry("model", "rnnbench.models", "Model")
    own.register("theirs")(theirs)
    assert own._filled

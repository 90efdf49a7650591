"""Registration, suggestions and plug-ins."""

from pathlib import Path

import pytest

from rnnbench import registry
from rnnbench.contracts import check_model, check_task
from rnnbench.errors import UserError
from rnnbench.registry import Registry, code_version, load_plugins

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


def test_a_plug_in_is_signed_by_its_source(tmp_path):
    source = "from rnnbench import register_model\nfrom rnnbench.models.gru import GRU\n"
    source += "@register_model('NAME')\nclass Mine(GRU):\n    pass\n"
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(source.replace("NAME", name))
        load_plugins([str(tmp_path / f"{name}.py")])
    one, two = registry.models["one"], registry.models["two"]
    assert code_version(one) == code_version(one) != code_version(two)
    assert code_version(registry.models["gru"]) == "1"


def test_a_plug_in_that_cannot_be_loaded(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    with pytest.raises(UserError, match=r"broken.py' cannot be loaded: ZeroDivisionError"):
        load_plugins([str(broken)])

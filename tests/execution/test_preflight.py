"""What a machine lacks is named before a run goes there."""

import dataclasses

from rnnbench.execution.preflight import Findings, Requirements, examine, versions


def test_a_machine_that_has_all(guarded, tmp_path):
    token = tmp_path / "token"
    token.touch()
    assert examine(Requirements.of(guarded, token)) == Findings((), sees_checkpoints=True)


def test_checkpoints_that_are_not_seen(guarded, tmp_path):
    for token in (None, tmp_path / "elsewhere" / "token"):
        assert examine(Requirements.of(guarded, token)) == Findings((), sees_checkpoints=False)


def test_other_versions(guarded):
    required = Requirements.of(guarded, None)
    required = dataclasses.replace(required, versions=required.versions | {"rnnbench": "9.9", "keras": "4.0"})
    here = versions()
    assert examine(required).problems == (
        f"rnnbench is {here['rnnbench']} there but 9.9 here",
        f"keras is {here['keras']} there but 4.0 here",
    )


def test_versions_are_those_that_are_imported():
    import keras
    import numpy as np
    import tensorflow as tf

    found = versions()
    assert (found["tensorflow"], found["keras"], found["numpy"]) == (tf.__version__, keras.__version__, np.__version__)


def test_data_that_are_missing(guarded, tmp_path):
    (tmp_path / "data").unlink()
    assert examine(Requirements.of(guarded, None)).problems == (f"{tmp_path}: the data are missing",)


def test_a_plugin_that_is_another_there(guarded, tmp_path):
    required = Requirements.of(guarded, None)
    plugin = tmp_path / "guarded.py"
    plugin.write_text(plugin.read_text() + "# changed")
    (problem,) = examine(required).problems
    assert problem.endswith(f"would be a different run there: the code of {plugin} differs")

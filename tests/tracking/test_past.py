"""Past runs over files that are elsewhere do not stand in the way of a plan."""

from __future__ import annotations

import json

import pytest

import rnnbench
from rnnbench.checks.contracts.made_files import settings_with_a_file
from rnnbench.registry import tasks
from rnnbench.tracking import notes
from rnnbench.tracking.past import _past_run
from rnnbench.tracking.reader import EndedRun


@pytest.mark.parametrize("name", ["texts", "table_sequences", "csv_forecasting", "copy_memory"])
def test_a_past_run_whose_file_is_elsewhere_is_left_out(name, tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    own = settings_with_a_file(tasks[name])
    file = tmp_path / "own.yaml"
    file.write_text(json.dumps({"name": "own", "tasks": {name: {"lag": 3, **own}}, "models": {"gru": {"units": 4}}}))
    (spec,) = rnnbench.load_experiment(file).runs
    ended = EndedRun(notes.parameters(spec), {"steps": 10.0, "seconds": 2.0})
    found = _past_run(ended)
    assert (found is None) == bool(own)
    if found:
        assert found.spec.task == spec.task

"""rnnbench from Python: the examples of the docstrings, a real run, and that importing it costs nothing."""

from __future__ import annotations

import doctest
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rnnbench
from rnnbench.experiment import yaml_file
from tests.event_streams import experiment, fill, new_store

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the examples run: with the experiments, and a store in which every run is finished."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copytree(ROOT / "experiments", folder / "experiments")
    grid = yaml_file.load(folder / "experiments" / "quickstart.yaml", ["seeds=1"])
    fill(new_store(folder / "store"), grid)
    return folder


@pytest.mark.parametrize("module", ["api", "text.markdown"])
def test_the_examples_of_the_docstrings(module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = doctest.testmod(importlib.import_module(f"rnnbench.{module}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0
    assert found.failed == 0


def test_a_run_in_this_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_store(tmp_path / "store")
    grid = experiment(
        tasks={"copy_memory": {"lag": 2, "symbols": 1, "examples": 40}},
        models={"simple_rnn": {"units": 4}},
        training={"steps": 2, "evaluate_every": 1, "batch_size": 8},
    )
    results = rnnbench.run_experiment(grid, tmp_path / "store", workers=0, report=tmp_path / "report")
    assert results.runs.status.tolist() == ["finished"]
    assert (tmp_path / "report" / "report.html").exists()
    assert "[1/1] simple_rnn T2 s0 copy_memory: accuracy" in capsys.readouterr().out
    again = rnnbench.run_experiment(grid, tmp_path / "store", workers=0, quiet=True)
    assert again.runs.equals(results.runs)
    assert capsys.readouterr().out == ""


def test_the_names_are_there_and_importing_them_is_cheap() -> None:
    program = "import sys, rnnbench; print(*{'pandas', 'altair', 'tensorflow', 'keras', 'mlflow'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
    assert {name for name in rnnbench.__all__ if not hasattr(rnnbench, name)} == set()
    assert set(rnnbench.__all__) <= set(dir(rnnbench))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        rnnbench.nonsense  # noqa: B018

"""`rnnbench new`: what it writes runs and is sound as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.checks import validation
from rnnbench.events import Finished
from rnnbench.experiment import yaml_file
from tests.cli.test_app import assert_one_line, rnnbench

NAMES = {"task": "first_number", "model": "leaky_rnn"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "mine"
    for kind, name in NAMES.items():
        result = rnnbench("new", kind, name, "--directory", folder, cwd=folder.parent)
        assert result.returncode == 0, result.stderr
        assert f"rnnbench run {folder / name}.yaml" in result.stdout
    return folder


@pytest.mark.parametrize("name", NAMES.values())
def test_it_runs(written: Path, name: str) -> None:
    from rnnbench.training import run as training

    experiment = yaml_file.load(
        written / f"{name}.yaml", ["training.steps=4", "training.evaluate_every=2", "training.implementation=stock"]
    )
    assert len({spec.model_label for spec in experiment.runs}) > 1
    spec = next(spec for spec in experiment.runs if name in (spec.task_label, spec.model_label))
    assert isinstance(list(training.run(spec))[-1], Finished)


@pytest.mark.parametrize("name", NAMES.values())
def test_it_is_sound(written: Path, name: str) -> None:
    experiment = yaml_file.load(written / f"{name}.yaml")
    checks = validation.chosen(experiment, plugins=False, suite=False, trained=False)
    assert len(checks) == 1
    found = validation.findings(checks)
    assert len(found) > 4
    assert [finding for finding in found if not finding.passed] == []


@pytest.mark.parametrize("name", NAMES.values())
def test_it_is_short(written: Path, name: str) -> None:
    assert len((written / f"{name}.py").read_text().splitlines()) <= 50
    assert "$" not in (written / f"{name}.py").read_text() + (written / f"{name}.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("task", "first_number"), "first_number.py is there already; choose another name, or move it away"),
        (("model", "lstm"), "a model named 'lstm' is known already; choose another name"),
        (("task", "First-Number"), "'First-Number' cannot name a Python module: use small letters, digits and _"),
        (("task", "class"), "'class' cannot name a Python module"),
        (("model", "_"), "'_' cannot name a Python module"),
        (("figure", "mine"), "'figure' is not one of 'task', 'model'"),
    ],
)
def test_mistakes_write_nothing(written: Path, arguments: tuple[str, str], message: str) -> None:
    before = {path: path.read_text() for path in written.iterdir()}
    assert_one_line(rnnbench("new", *arguments, cwd=written), message)
    assert {path: path.read_text() for path in written.iterdir()} == before

"""Whom `rnnbench validate` checks, and at which settings."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rnnbench
from rnnbench import registry
from rnnbench.checks import subjects, validation
from rnnbench.checks.contracts import ContractError, check_task
from rnnbench.checks.finding import Finding, near
from rnnbench.cli import validate as command
from rnnbench.cli.app import app
from rnnbench.experiment import yaml_file
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.probes.gradient_probe import GradientProbe
from tests.refusing_grid import refusing

SIGN = """
import numpy as np
from rnnbench import ClassificationTask, Layout, Ports, Stream, register_task

@register_task("NAME")
class Sign(ClassificationTask):
    fillers = ("zeros",)
    threshold: float
    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)
    def train_batch(self, seed, step, batch_size):
        return self.draw(np.random.default_rng([0, seed, step]), batch_size)
    def split(self, name):
        yield self.draw(np.random.default_rng([1, name == "test"]), 200)
    def fill(self, rng, n, steps):
        return np.zeros((n, steps, 2), np.float32)
    def draw(self, rng, n):
        x = np.zeros((n, self.layout.length, 2), np.float32)
        x[:, 0, 0] = rng.normal(size=n)
        x[:, -1, 1] = 1
        targets = (x[:, 0, 0] > self.threshold).astype(np.int32)
        x[:, -1, 0] = LEAK * targets
        return Stream(targets=targets[:, None], features=x)
"""
FILE = """
name: own
plugins: [NAME.py]
tasks:
  near: {task: NAME, threshold: [0.1, 0.5], lag: [2, 9, 4]}
models: {gru: {units: 3}, lstm: {units: 3}}
training: {batch_size: 16}
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An experiment with a plug-in task of a name; `leak`: 1 if it writes its answer at the marker."""

    # What a test registers is no business of the others; the suite's own stay.
    list(registry.tasks)
    monkeypatch.setattr(registry.tasks, "_things", dict(registry.tasks._things))
    monkeypatch.setattr(registry.tasks, "_names", dict(registry.tasks._names))

    def written(name: str, leak: int) -> Path:
        (tmp_path / f"{name}.py").write_text(SIGN.replace("NAME", name).replace("LEAK", str(leak)))
        (tmp_path / f"{name}.yaml").write_text(FILE.replace("NAME", name))
        return tmp_path / f"{name}.yaml"

    return written


def called(*arguments: str):
    return CliRunner().invoke(app, ["validate", *arguments])


def test_the_plug_ins_of_an_experiment_are_judged_alone_and_by_its_settings(own):
    file = own("sound_sign", 0)
    chosen = validation.chosen(yaml_file.load(file), plugins=False, suite=False, trained=False)
    assert list(chosen) == ["task near"]
    findings = list(chosen["task near"]())
    assert {finding.passed for finding in findings} == {True}
    assert len(findings) == 18
    result = called(str(file), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["counts"]["failed"] == 0
    assert found["findings"][0] == {
        "check": "task near: inputs",
        "expected": "finite, of the declared shape and dtype",
        "found": "kept",
        "tolerance": "",
        "source": "contract",
        "verdict": "passed",
    }


def test_a_plug_in_that_the_file_does_not_use_is_named(own):
    file = own("unused_sign", 0)
    file.write_text("name: n\nplugins: [unused_sign.py]\ntasks: {copy_memory: {lag: 2}}\nmodels: {gru: {}}\n")
    chosen = subjects.of_experiment(yaml_file.load(file))
    (finding,) = chosen["task unused_sign"]()
    assert finding.passed is None
    assert finding.found == "not checked: no task or model of the file uses it"


def test_a_fault_ends_with_exit_code_1_and_says_where(own):
    result = called(str(own("leaky_sign", 1)))
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "the answer can be told at the readout: accuracy 1, memoryless() says" in said
    assert "(lag 2, zeros)" in said
    assert " 1 failed" in said


def test_only_plug_ins_come_first_and_the_suite_after_them(own):
    experiment = yaml_file.load(own("first_of_all", 0))
    names = list(validation.chosen(experiment, plugins=False, suite=True, trained=False))
    suite = names.index("copy-memory")
    assert names.index("task near") < suite < names.index("task adding") < names.index("model gru")
    everything = list(validation.chosen(None, plugins=False, suite=True, trained=False))
    assert {"copy-memory", "task adding", "model lstm", "task first_of_all"} <= set(everything)
    alone = list(validation.chosen(None, plugins=True, suite=False, trained=False))
    assert "task first_of_all" in alone
    assert not {"copy-memory", "task adding", "model lstm"} & set(alone)


def test_a_class_with_settings_that_must_be_given_is_not_checked_without_them(own):
    yaml_file.load(own("without_settings", 0))
    (finding,) = subjects.of_registered(lambda thing: True)["task without_settings"]()
    assert finding.passed is None
    assert finding.found == "not checked: needs settings (threshold); name it in an experiment file"


def test_without_plug_ins_the_file_is_judged_by_what_it_uses(tmp_path):
    text = "name: n\ntasks: {copy_memory: {lag: [3, 5], symbols: 2}}\nmodels: {simple_rnn: {units: 3}}\n"
    (tmp_path / "n.yaml").write_text(text)
    chosen = subjects.of_experiment(yaml_file.load(tmp_path / "n.yaml"))
    assert list(chosen) == ["task copy_memory", "model simple_rnn"]
    assert {finding.passed for finding in chosen["task copy_memory"]()} == {True}


def test_data_that_are_not_there_are_no_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (tmp_path / "n.yaml").write_text("name: n\ntasks: {sentiment: {lag: 3}}\nmodels: {simple_rnn: {units: 3}}\n")
    chosen = subjects.of_experiment(yaml_file.load(tmp_path / "n.yaml"))
    (finding,) = chosen["task sentiment"]()
    assert finding.passed is None
    assert finding.found.startswith("not checked: ")


def test_verdicts_hold_where_asserts_do_not():
    """`python -O` drops `assert`."""
    files = list((Path(rnnbench.__file__).parent / "checks").rglob("*.py"))
    assert len(files) > 10
    for file in files:
        assert not [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Assert)], file
    assert issubclass(ContractError, AssertionError)

    class Doubles(CopyMemory):
        def _draw(self, rng, n):
            stream = super()._draw(rng, n)
            return stream._replace(features=stream.features.astype("float64"))

    with pytest.raises(ContractError, match="features are float64; float32 is wanted"):
        check_task(Doubles)


def test_a_check_that_breaks_hides_no_other():
    def breaks():
        yield near("first", 2.0, 2.0, 1e-6, "someone 1999")
        raise ValueError("out of order")

    def unchecked():
        yield Finding("third", "1", "no data", "±1", "", None)

    begun = []
    findings = validation.findings({"second": breaks, "third": unchecked}, begun.append)
    assert [finding.passed for finding in findings] == [True, False, None]
    assert findings[1].found == "ValueError: out of order"
    assert begun == ["second", "third"]


def test_finite_differences_are_taken_once_where_check_4_takes_them_too(monkeypatch):
    """Of the model in one layer of five units; that of two layers is checked by its contract alone."""
    taken = []
    right = GradientProbe.gradient
    monkeypatch.setattr(GradientProbe, "gradient", lambda probe, batch: taken.append(probe) or right(probe, batch))

    def gradients(checks) -> int:
        taken.clear()
        assert {finding.passed for finding in checks["model simple_rnn"]()} == {True}
        return len(taken)

    assert gradients(subjects.of_registered(lambda thing: thing is SimpleRNN)) == 2
    assert gradients(validation.chosen(None, plugins=False, suite=True, trained=False)) == 1


def test_json_is_strict_and_alone_on_stdout(monkeypatch, capsys):
    one = {"one": lambda: iter([Finding("a", "b", "c", "d", "e", None)])}
    monkeypatch.setattr(validation, "chosen", lambda *_, **__: one)
    command.validate(plugins=[], overrides=[], as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["findings"][0]["verdict"] == "not checked"
    assert found["counts"] == {"passed": 0, "failed": 0, "not checked": 1}


def test_a_model_is_held_to_its_contract_even_where_every_run_is_skipped():
    grid = refusing(models={"both_ways": {"units": 4}})
    assert grid.runs == ()
    assert "model both_ways" in subjects.of_experiment(grid)

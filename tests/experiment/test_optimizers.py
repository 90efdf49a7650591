"""Optimisers of an experiment file: Keras' names and arguments, known without importing Keras, and plug-ins'."""

import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.errors import SettingError, UserError
from rnnbench.execution.base import unpacked
from rnnbench.execution.executors import executor_factory
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.optimizers import canonical, known, parsed
from rnnbench.experiment.settings import Training
from rnnbench.experiment.yaml_file import load
from rnnbench.identity.signature import signed_values


def grid(**training):
    return Experiment.model_validate(
        {"name": "n", "tasks": {"copy_memory": {"lag": 2, "symbols": 1}}, "models": {"gru": {"units": 4}},
         "training": {"steps": 10, **training}}
    )  # fmt: skip


def test_the_sources_say_what_keras_does():
    from rnnbench.training.optimizers import optimizer_class

    for name, arguments in known().items():
        optimizer = optimizer_class(name)
        parameters = inspect.signature(optimizer.__init__).parameters.values()
        defaults = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
        defaults.pop("name", None)
        assert defaults == arguments, name
        assert optimizer.__name__.lower() == name
    assert {"adam", "adamw", "rmsprop", "sgd", "adagrad", "nadam", "ftrl"} <= known().keys()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("adam", "adam"), ({"name": "adam"}, "adam"), ({"name": "sgd", "momentum": 1}, "sgd(momentum=1.0)"),
     ({"nesterov": True, "momentum": 0.9, "name": "sgd"}, "sgd(momentum=0.9, nesterov=True)"),
     ({"name": "sgd", "momentum": 0.0}, "sgd"), ({"name": "adam", "weight_decay": 0.01}, "adam(weight_decay=0.01)"),
     ("sgd(momentum=0.9)", "sgd(momentum=0.9)")],
)  # fmt: skip
def test_one_text_for_each_computation(given, expected):
    assert canonical(given) == expected
    name, arguments = parsed(expected)
    assert canonical({"name": name, **arguments}) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [("adamm", r"unknown optimizer 'adamm' \(did you mean 'adam'\?\)"),
     ({"name": "sgd", "momentun": 1}, r"sgd: unknown argument 'momentun' \(did you mean 'momentum'\?\)"),
     ({"name": "sgd", "learning_rate": 1}, "learning_rate is a setting of its own: training.learning_rate"),
     ({"name": "sgd", "global_clipnorm": 1.0}, "is a setting of its own: training.global_clipnorm"),
     ({"name": "sgd", "clipnorm": 1.0}, "clipped by training.global_clipnorm"),
     ({"name": "sgd", "momentum": "fast"}, "sgd: momentum is 'fast', and by default 0.0"),
     ({"name": "sgd", "nesterov": 1}, "nesterov is 1, and by default False"),
     ({"momentum": 0.9}, "give a name, such as adam"), (3, "give a name"), ("sgd(", "is not valid")],
)  # fmt: skip
def test_what_keras_does_not_know_is_one_line_at_its_key(given, message):
    with pytest.raises(SettingError, match=message) as error:
        grid(optimizer=given)
    assert error.value.path == ("training", "optimizer")
    assert "\n" not in str(error.value)


def test_an_axis_may_mix_names_and_mappings():
    runs = grid(optimizer=["adam", {"name": "sgd", "momentum": 0.9}], schedule=["constant", "cosine"]).runs
    assert [run.name.rpartition("copy_memory ")[2] for run in runs] == [
        "optimizer=adam schedule=constant", "optimizer=adam schedule=cosine",
        "optimizer=sgd(momentum=0.9) schedule=constant", "optimizer=sgd(momentum=0.9) schedule=cosine",
    ]  # fmt: skip
    assert len({run.signature for run in runs}) == 4
    assert Training.model_validate(runs[2].training.model_dump(mode="json")) == runs[2].training


def test_a_mistake_in_an_axis_is_told_at_its_place():
    with pytest.raises(SettingError, match="unknown optimizer 'adamm'") as error:
        grid(optimizer=["adam", "adamm"])
    assert error.value.path == ("training", "optimizer", 1)


def test_runs_from_before_there_was_a_choice_keep_their_signatures():
    assert not {"optimizer", "schedule", "warmup"} & signed_values(Training()).keys()
    assert {"optimizer", "warmup"} <= signed_values(Training(optimizer="sgd", warmup=5)).keys()


def test_a_warmup_is_shorter_than_the_training():
    with pytest.raises(SettingError, match="10 is too long: it must be less than steps, 10") as error:
        grid(warmup=10)
    assert error.value.path == ("training", "warmup")


PLUGIN = Path(__file__).parents[1] / "plugins" / "sign_sgd.py"


def written(folder: Path, source: str) -> Path:
    """An experiment file whose plug-in is this source, with a run of its optimiser and one of Adam."""
    (folder / "mine.py").write_text(source)
    file = folder / "mine.yaml"
    file.write_text(
        "name: n\nplugins: [mine.py]\ntasks: {copy_memory: {lag: 2, symbols: 1}}\nmodels: {gru: {units: 4}}\n"
        "training: {steps: 10, optimizer: [{name: sign_sgd, momentum: 0.5}, adam]}\n"
    )
    return file


def test_the_code_of_a_plug_in_is_signed_with_the_runs_that_use_it(tmp_path):
    source = PLUGIN.read_text()
    theirs, ours = load(written(tmp_path, source)).runs
    assert theirs.training.optimizer == "sign_sgd(momentum=0.5)"
    assert "optimizer_code" not in ours.settings
    assert ours.signature == grid(optimizer="adam").runs[0].signature
    assert [one.partition(" ")[0] for one in theirs.settings["optimizer_code"]["sources"]] == ["SignSGD"]
    edited, same = load(written(tmp_path, source.replace("ops.sign(moment)", "ops.tanh(moment)"))).runs
    assert (edited.signature == theirs.signature, same.signature == ours.signature) == (False, True)
    assert edited.compile_key != theirs.compile_key
    back, _ = load(written(tmp_path, source)).runs
    assert back.signature == theirs.signature


def test_a_run_of_a_plug_in_goes_to_workers_and_not_after_an_edit(tmp_path):
    file = written(tmp_path, PLUGIN.read_text())
    run = load(file).runs[0]
    there = unpacked(pickle.dumps(run), run.signature)
    assert there.plugin_optimizer.__name__ == "SignSGD"
    (tmp_path / "mine.py").write_text(PLUGIN.read_text() + "\n# edited\n")
    with pytest.raises(UserError, match=r"mine\.py was edited after"):
        executor_factory(workers=2).check([run])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('r("sign_sgd")', 'r("adam")', "optimizer 'adam': class SignSGD .* takes a name of Keras' own: register it under"),
     ('r("sign_sgd")', 'r("sign sgd")', "needs a name of letters, digits and underscores"),
     ("(keras.optimizers.Optimizer)", "", "is not a subclass of keras.optimizers.Optimizer"),
     ("learning_rate=0.01, momentum", "momentum", "does not take learning_rate"),
     ("def update_step", "def update", "does not define update_step"),
     ("momentum=0.9", "momentum=True", "sign_sgd: momentum is 0.5, and by default True: give a value of that kind"),
     ("momentum=0.9", "beta=0.9", r"sign_sgd: unknown argument 'momentum'; known: beta"),
     ("momentum=0.9", "*, beta, momentum=0.9", "sign_sgd: beta has no default: {name: sign_sgd, beta: ...}")],
)  # fmt: skip
def test_an_optimizer_that_cannot_be_used_is_one_line(tmp_path, old, new, message):
    source = PLUGIN.read_text()
    assert old in source
    with pytest.raises(UserError, match=message) as error:
        load(written(tmp_path, source.replace(old, new)))
    assert "\n" not in str(error.value)


def test_an_argument_without_a_default_is_part_of_the_text(tmp_path):
    source = PLUGIN.read_text().replace("learning_rate=0.01, momentum=0.9", "learning_rate, momentum")
    assert load(written(tmp_path, source)).runs[0].training.optimizer == "sign_sgd(momentum=0.5)"


def test_only_a_plug_in_that_imports_keras_makes_plan_do_so_and_quietly(tmp_path):
    file = written(tmp_path, PLUGIN.read_text())
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom rnnbench.experiment.yaml_file import load\n"
        "before = dict(os.environ)\n"
        f"load(Path({str(file)!r}), ['plugins=[]', 'training.optimizer=sgd'])\nassert 'keras' not in sys.modules\n"
        f"load(Path({str(file)!r}))\nassert 'keras' in sys.modules\nassert dict(os.environ) == before\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

"""Optimisers of an experiment file: Keras' names and arguments, known without importing Keras."""

import inspect

import pytest

from rnnbench.errors import SettingError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.optimizers import canonical, known, parsed
from rnnbench.experiment.settings import Training
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

"""The experiment file: what it expands to, and every mistake as one line that says where."""

import itertools
import json
import pickle
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rnnbench.errors import UserError
from rnnbench.experiment import Experiment
from rnnbench.experiment_file import load
from rnnbench.schema import experiment_schema

EXPERIMENTS = sorted((Path(__file__).parent.parent / "experiments").glob("*.yaml"))
GOOD = """\
name: good
tasks:
  copy_memory:
    lag: [2, 4]          # an axis
    symbols: 1
models:
  lstm: {units: 8}
  slow: {model: gru, units: 8, learning_rate: 1e-4}
seeds: [0, 7]
training:
  steps: 10
"""


def written(tmp_path, text=GOOD):
    file = tmp_path / "file.yaml"
    file.write_text(text)
    return file


def mistake(tmp_path, text=GOOD, *overrides):
    with pytest.raises(UserError) as caught:
        load(written(tmp_path, text), overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(tmp_path) + "/", "")


def test_the_grid_is_the_product_of_its_axes(tmp_path):
    runs = load(written(tmp_path)).runs
    points = [(run.model_label, run.task.lag, run.seed) for run in runs]
    assert points == list(itertools.product(["lstm", "slow"], [2, 4], [0, 7]))
    assert {run.model_label: run.training.learning_rate for run in runs} == {"lstm": 1e-3, "slow": 1e-4}
    assert len({run.signature for run in runs}) == 8


def test_any_list_is_an_axis(tmp_path):
    overrides = ["training.learning_rate=[1e-3, 1e-2]", "models.lstm.units=[4, 8]", "tasks.copy_memory.alphabet=[2, 3]"]
    runs = load(written(tmp_path), overrides).runs
    assert len(runs) == 2 * 2 * 2 * (2 * 2 + 1)  # lags, alphabets, seeds, (units x rates, and slow with its own rate)
    assert runs[0].task_axes == {"alphabet": 2}
    assert runs[0].model_axes == {"units": 4, "learning_rate": 1e-3}
    assert runs[0].name == "lstm T2 s0 copy_memory units=4 learning_rate=0.001 alphabet=2"


def test_a_list_valued_setting_is_one_value_and_a_list_of_lists_an_axis(tmp_path):
    text = "name: w\ntasks:\n  speech_commands: {lag: 0, source: synthetic, words: WORDS}\nmodels: {gru: }\n"
    one = load(written(tmp_path, text.replace("WORDS", "[go, up]"))).runs
    assert [run.task.words for run in one] == [("go", "up")]
    two = load(written(tmp_path, text.replace("WORDS", "[[go, up], [left, right, down]]"))).runs
    assert [run.task.words for run in two] == [("go", "up"), ("left", "right", "down")]


def test_overrides_are_yaml_and_make_what_is_not_there(tmp_path):
    experiment = load(written(tmp_path), ["seeds=1", "gradients.examples=3"])
    assert experiment.seeds == (0,)
    assert experiment.gradients.examples == 3


def test_match_parameters_sizes_every_model(tmp_path):
    text = GOOD.replace("{units: 8}", "").replace("units: 8, ", "") + "match: parameters\nparameter_budget: 5000\n"
    runs = load(written(tmp_path, text)).runs
    for run in runs:
        assert abs(run.model.recurrent_parameters(run.task.inputs.width) - 5000) < 200
    assert {run.model_label: run.model.units for run in runs} == {"lstm": 30, "slow": 35}


BAD = {
    "names: good": "unknown key 'names' (did you mean 'name'?)",
    "training: {stepz: 3}": "unknown key 'stepz' (did you mean 'steps'?)",
    "tasks: {copy_memory: {lag: 2, simbols: 1}}": "unknown key 'simbols' (did you mean 'symbols'?)",
    "models: {lsmt: {}}": "unknown model 'lsmt' (did you mean 'lstm'?); known: ",
    "tasks: {copy: {lag: 2}}": "unknown task 'copy'",
    "tasks: {copy_memory: {lag: -1}}": "tasks.copy_memory.lag: -1 is not valid: should be greater than or equal to 1",
    "tasks: {forecasting: {lag: -1}}": "should be greater than or equal to 0",
    "tasks: {copy_memory: {lag: far}}": "'far' is not valid: should be a valid integer",
    "tasks: {copy_memory: {}}": "'lag' is missing",
    "tasks: {copy_memory: {lag: []}}": "an empty list makes an empty grid",
    "tasks: {}": "at least 1 item",
    "models: {lstm: {units: 0}}": "models.lstm.units: 0 is not valid: should be greater than or equal to 1",
    "models: {lstm: {units: -3}}": "should be greater than or equal to 1",
    "models: {lstm: {units: 8.5}}": "should be a valid integer",
    "models: {lstm: {units: [8, 8]}}": "two points of the grid are the same run",
    "training: {steps: 0}": "training.steps: 0 is not valid",
    "training: {batch_size: 0}": "training.batch_size: 0 is not valid",
    "training: {learning_rate: fast}": "should be a valid number",
    "seeds: [1, 2, 1]": "seed 1 stands there twice",
    "seeds: []": "the grid is empty",
    "seeds: 0": "the grid is empty",
    "seeds: [-1]": "a seed is 0 or more",
    "name: a/b": "name: 'a/b' is not valid",
    "match: parameters": "'match: parameters' and 'parameter_budget: N' go together",
    "gradients: {exampels: 3}": "unknown key 'exampels' (did you mean 'examples'?)",
    "plugins: [not_there.py]": "not_there.py' is not a Python file that exists",
    "plugins: [no.such.module]": "plugin 'no.such.module' cannot be loaded",
}


@pytest.mark.parametrize("change", BAD)
def test_mistakes_name_file_line_key_and_what_would_be_right(tmp_path, change):
    key = change.partition(":")[0]
    # The changed key comes last, so that its line is known.
    blocks = [block for block in _blocks(GOOD) if not block.startswith(f"{key}:")]
    text = "".join(blocks) + change + "\n"
    message = mistake(tmp_path, text)
    assert BAD[change] in message
    if "plugin" not in change and "same run" not in BAD[change]:
        assert message.startswith(f"file.yaml:{len(text.splitlines())}: ")


def _blocks(text):
    block = ""
    for line in text.splitlines(keepends=True):
        if block and not line.startswith(" "):
            yield block
            block = ""
        block += line
    yield block


def test_seed_zero_is_a_seed(tmp_path):
    assert [run.seed for run in load(written(tmp_path), ["seeds=[0]", "tasks.copy_memory.lag=2"]).runs] == [0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: [", "file.yaml:1: not valid YAML"),
        ("name: a\nname: b\n", "file.yaml:2: not valid YAML"),
        ("", "an experiment is a mapping"),
        ("- a\n", "an experiment is a mapping"),
    ],
)
def test_what_is_no_experiment_at_all(tmp_path, text, expected):
    assert expected in mistake(tmp_path, text)


def test_a_mistake_in_an_override_names_the_override(tmp_path):
    assert mistake(tmp_path, GOOD, "training.stepz=3").startswith("--set training.stepz: unknown key 'stepz'")
    assert "write KEY=VALUE" in mistake(tmp_path, GOOD, "training.steps")
    assert "'steps' is a value" in mistake(tmp_path, GOOD, "training.steps.more=1")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_the_shipped_experiments_are_valid(file):
    assert load(file).runs
    document = YAML(typ="safe", pure=True).load(file)
    jsonschema.validate(document, experiment_schema())


def test_the_schema_refuses_what_the_file_reader_refuses():
    good = YAML(typ="safe", pure=True).load(GOOD)
    jsonschema.validate(good, experiment_schema())
    for change in ({"names": "x"}, {"models": {"lstm": {"units": 0}}}, {"tasks": {"copy_memory": {"lagg": 3}}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | change, experiment_schema())


@settings(max_examples=60)
@given(
    lags=st.lists(st.integers(1, 500), min_size=1, max_size=4, unique=True),
    units=st.lists(st.integers(1, 300), min_size=1, max_size=3, unique=True),
    seeds=st.lists(st.integers(0, 2**31), min_size=1, max_size=3, unique=True),
    rate=st.floats(1e-6, 1.0),
)
def test_expansion_properties(lags, units, seeds, rate):
    """The grid is complete, signatures are distinct, survive pickling, and do not depend on the order of the file."""

    def grid(lags, units, seeds):
        return Experiment(
            name="p",
            tasks={"copy_memory": {"lag": lags, "symbols": 2}},
            models={"gru": {"units": units}},
            seeds=tuple(seeds),
            training={"learning_rate": rate},
        ).runs

    runs = grid(lags, units, seeds)
    signatures = {run.signature for run in runs}
    assert len(runs) == len(signatures) == len(lags) * len(units) * len(seeds)
    assert {run.signature for run in grid(lags[::-1], units[::-1], seeds[::-1])} == signatures
    restored = pickle.loads(pickle.dumps(runs[-1]))
    assert (restored.signature, restored.name, restored.settings) == (
        runs[-1].signature,
        runs[-1].name,
        runs[-1].settings,
    )


def test_the_signature_says_all_that_matters_and_nothing_else(tmp_path):
    base = load(written(tmp_path)).runs[0]
    renamed = GOOD.replace("  lstm: {units: 8}", "  mine: {model: lstm, units: 8}").replace("name: good", "name: else")
    assert load(written(tmp_path, renamed)).runs[0].signature == base.signature
    for change in (
        "training.steps=11",
        "training.global_clipnorm=null",
        "gradients.examples=65",
        "models.lstm.forget_bias=0.5",
        "tasks.copy_memory.examples=999",
    ):
        assert load(written(tmp_path), [change]).runs[0].signature != base.signature


def test_planning_imports_no_tensorflow(tmp_path):
    code = (
        "import sys, pathlib; from rnnbench.experiment_file import load; "
        f"load(pathlib.Path({str(EXPERIMENTS[0])!r})); import rnnbench.cli; "
        "print([m for m in ('tensorflow', 'keras', 'mlflow', 'pandas') if m in sys.modules])"
    )
    assert json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)) == []

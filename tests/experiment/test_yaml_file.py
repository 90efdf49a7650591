"""The experiment file: its expansion, and every mistake as one line with its place."""

import contextlib
import itertools
import json
import os
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field
from ruamel.yaml import YAML

from rnnbench import registry
from rnnbench.errors import SettingError, UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.json_schema import experiment_schema
from rnnbench.experiment.settings import Training
from rnnbench.experiment.yaml_file import load
from rnnbench.models.lstm import LSTM

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
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


@cache
def schema() -> jsonschema.protocols.Validator:
    """That of an experiment file; to check the schema itself takes seconds."""
    found = experiment_schema()
    kind = jsonschema.validators.validator_for(found)
    kind.check_schema(found)
    return kind(found)


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


def test_null_is_a_value_of_an_axis(tmp_path):
    runs = load(written(tmp_path), ["training.truncate=[10, null]"]).runs
    assert [run.training.truncate for run in runs[:4:2]] == [10, None]
    assert [run.name for run in runs[:4:2]] == [f"lstm T2 s0 copy_memory truncate={value}" for value in (10, "null")]
    document = YAML(typ="safe", pure=True).load(GOOD)
    document["training"]["truncate"] = [10, None]
    schema().validate(document)
    assert "training.truncate: 0 is not valid" in mistake(tmp_path, GOOD, "training.truncate=[null, 0]")


def test_shards_are_an_axis_and_divide_the_batch(tmp_path):
    runs = load(written(tmp_path), ["training.shards=[1, 2]", "training.batch_size=6"]).runs
    assert [run.training.shards for run in runs[:4:2]] == [1, 2]
    assert runs[2].name == "lstm T2 s0 copy_memory shards=2"
    refused = mistake(tmp_path, GOOD, "training.shards=[2, 4]", "training.batch_size=6")
    assert "training.shards" in refused
    assert "4 equal parts cannot be made of batch_size, 6: give one of its divisors" in refused
    assert "training.shards: 0 is not valid" in mistake(tmp_path, GOOD, "training.shards=0")


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
        assert abs(run.model.parameters(run.task.ports.width) - 5000) < 200
    assert {run.model_label: run.model.units for run in runs} == {"lstm": 27, "slow": 32}


def test_match_state_sizes_every_model(tmp_path):
    text = GOOD.replace("{units: 8}", "").replace("units: 8, ", "") + "match: state\nstate_budget: 50\n"
    experiment = load(written(tmp_path, text))
    assert {run.model_label: run.model.units for run in experiment.runs} == {"lstm": 25, "slow": 50}
    assert experiment.resolved()["state_budget"] == 50
    assert "state_budget" not in load(written(tmp_path)).resolved()


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ("{tcn: {}}", "--set models: tcn: TCN has no state of a fixed size, as 'match: state' needs"),
        ("{gru: {units: 8}}", "--set models: gru.units: 'match: state' chooses the units; remove this key"),
        ("{lstm: {layers: 40}}", "state_budget: LSTM cannot have about 50 numbers of state: the nearest count is 80, "),
    ],
)
def test_a_model_that_cannot_meet_a_state_budget_is_one_line(tmp_path, models, message):
    with pytest.raises(UserError) as caught:
        load(written(tmp_path), [f"models={models}", "match=state", "state_budget=50"])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


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
    "tasks: {copy_memory: {lag: []}}": "an empty list makes the grid empty",
    "tasks: {}": "should hold at least one entry",
    "models: {lstm: {units: 0}}": "models.lstm.units: 0 is not valid: should be greater than or equal to 1",
    "models: {lstm: {units: -3}}": "should be greater than or equal to 1",
    "models: {lstm: {units: 8.5}}": "should be a valid integer",
    "models: {lstm: {units: [8, 8]}}": "two points of the grid are the same run",
    "training: {steps: 0}": "training.steps: 0 is not valid",
    "training: {batch_size: 0}": "training.batch_size: 0 is not valid",
    "training: {learning_rate: fast}": "should be a valid number",
    "seeds: [1, 2, 1]": "seed 1 is listed twice",
    "seeds: []": "the grid is empty",
    "seeds: 0": "the grid is empty",
    "seeds: [-1]": "a seed must be 0 or more",
    "name: a/b": "name: 'a/b' is not valid",
    "match: parameters": "'match: parameters' and 'parameter_budget: N' go together",
    "match: state": "'match: state' and 'state_budget: N' go together",
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
        ("name: a\nname: b\n", "file.yaml:2: duplicate key 'name', first on line 1"),
        ("", "an experiment must be a mapping"),
        ("- a\n", "an experiment must be a mapping"),
    ],
)
def test_files_that_are_not_experiments(tmp_path, text, expected):
    assert expected in mistake(tmp_path, text)


def test_a_mistake_in_an_override_names_the_override(tmp_path):
    assert mistake(tmp_path, GOOD, "training.stepz=3").startswith("--set training.stepz: unknown key 'stepz'")
    assert "write KEY=VALUE" in mistake(tmp_path, GOOD, "training.steps")
    assert "'training.steps' is a value" in mistake(tmp_path, GOOD, "training.steps.more=1")


LABELLED = GOOD.replace("  slow:", "  1: {model: gru}\n  a.b: {model: gru, units: 9}\n  slow:")


@pytest.mark.parametrize(
    ("override", "label", "units"),
    [("models.1.units=5", "1", 5), ('models."a.b".units=5', "a.b", 5), ("models.'slow'.units=5", "slow", 5)],
)
def test_every_label_can_be_reached(tmp_path, override, label, units):
    found = {run.model_label: run.model.units for run in load(written(tmp_path, LABELLED), [override]).runs}
    assert found == {"lstm": 8, "1": 64, "a.b": 9, "slow": 8} | {label: units}


def test_an_override_changes_one_entry_and_not_what_shares_an_anchor_with_it(tmp_path):
    text = GOOD.replace("lstm: {units: 8}", "lstm: &same {units: 8}\n  gru: *same\n  mine: {<<: *same, model: gru}")
    found = {run.model_label: run.model.units for run in load(written(tmp_path, text), ["models.gru.units=9"]).runs}
    assert found == {"lstm": 8, "gru": 9, "mine": 8, "slow": 8}


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["steps=150"], "--set steps: unknown key 'steps' (did you mean 'training.steps'?)"),
        (["lag=5"], "did you mean 'tasks.copy_memory.lag'?"),
        (["learning_rat=1"], "did you mean 'training.learning_rate'?"),
        (["trainig.steps=5"], "--set trainig.steps: unknown key 'trainig' (did you mean 'training'?)"),
        (["models.lsmt.units=5"], "models has no 'lsmt' (did you mean 'lstm'?); known: lstm, 1,"),
        (["models.a.b.units=5"], "did you mean models.\"a.b\"?"),
        (["tasks.copy_memory.lag=0,10"], "'0,10' is not valid: should be a valid integer; for a list write [0,10]"),
        (["tasks.copy_memory.lag.0=5"], "'tasks.copy_memory.lag' is a list, which can only be set as a whole"),
        (["seeds=1", "seeds=2"], "--set seeds: is given twice"),
        (["training.steps=5", "training={}"], "--set training: would undo the earlier --set training.steps"),
        (["seeds="], "has no value"),
        (["seeds=[1"], "--set seeds=[1: the value is not valid YAML"),
        (["..a=5"], "write KEY=VALUE"),
        (["parameter_budget=500"], "--set parameter_budget: 'match: parameters' and"),
        (["tasks.copy_memory.lag=[3, -1]"], "--set tasks.copy_memory.lag: -1 is not valid"),
        (["models={gru: {unit: 3}}"], "--set models: gru.unit: unknown key 'unit'"),
        (["select.foo=1"], "--set select.foo: unknown key 'foo'; known: axes, seeds, each"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_override(tmp_path, overrides, said):
    message = mistake(tmp_path, LABELLED, *overrides)
    assert message.startswith("--set ")
    assert said in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seeds: 3000000", "3,000,000 means the seeds 0..2999999, but a grid has at most 100,000 runs; for"),
        ("seeds: 40000", "40,000 values give, with the other axes, a grid of at least 160,000 runs"),
        ("seeds: '5'", "write a number of seeds, such as 5 for 0..4, or a list of seeds, such as [0, 7], not '5'"),
        ("seeds: 5.0", "not 5.0"),
        ("seeds: true", "not true"),
        ("seeds: null", "not null"),
        ("seeds: -1", "the number of seeds must be 1 or more, not -1"),
        ("seeds: [[1, 2], [3]]", "[1, 2] is not valid: should be a valid integer"),
        ("seeds: [true]", "true is not valid"),
        ("name: 2024", "2024 is not valid: should be text: write '2024'"),
        ("training: {stop_when_solved: no}", "'no' is not valid: write true or false"),
        ("models: {lstm: 5}", "models.lstm: 5 is not valid: should be a mapping"),
        ("models: {\" \": {}}", "a label must be one line of text"),
        ("plugins: nothing.py", "write a list of modules or .py files, not 'nothing.py'"),
    ],
)  # fmt: skip
def test_yaml_values_that_are_read_unexpectedly_are_explained(tmp_path, change, said):
    key = change.partition(":")[0]
    text = "".join(block for block in _blocks(GOOD) if not block.startswith(f"{key}:")) + change + "\n"
    message = mistake(tmp_path, text)
    assert message.startswith(f"file.yaml:{len(text.splitlines())}: {key}")
    assert said in message


def test_the_longest_axis_of_a_grid_that_is_too_large_is_named(tmp_path):
    lags = [f"tasks.copy_memory.lag=[{','.join(map(str, range(1, 30_001)))}]"]
    assert mistake(tmp_path, GOOD, *lags).startswith(
        "--set tasks.copy_memory.lag: 30,000 values give, with the other axes"
    )


def test_an_experiment_created_in_python_reports_mistakes_at_once():
    good = {"name": "p", "tasks": {"copy_memory": {"lag": 2}}, "models": {"gru": None}}
    assert Experiment(**good, seeds=range(2)).seeds == (0, 1)
    for change, said in (
        ({"seeds": "5"}, "seeds: write a number of seeds"),
        ({"tasks": {"copy_memory": {"lagg": 2}}}, "tasks.copy_memory.lagg: unknown key 'lagg' (did you mean 'lag'?)"),
        ({"models": {"gru": {"units": 0}}}, "models.gru.units: 0 is not valid"),
        ({"gradients": {"examples": 0}}, "gradients.examples: 0 is not valid"),
        ({"nam": "q"}, "nam: unknown key 'nam' (did you mean 'name'?)"),
        ({"plugins": ["no.such.module"]}, "plugins: plugin 'no.such.module'"),
    ):
        with pytest.raises(UserError) as caught:
            Experiment(**good | change)
        assert str(caught.value).startswith(said)
    told = pickle.loads(pickle.dumps(caught.value))
    assert (str(told), told.path) == (str(caught.value), ("plugins", 0))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "none.yaml")


def test_files_that_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for file, said in (
        (tmp_path, "a directory"),
        (tmp_path / "pipe", "not a regular file"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(UserError, match=said):
            load(file)
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UserError, match="larger than 1 MB"):
        load(tmp_path / "large.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: x\ndescription: für".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.yaml:2: is not text in UTF-8"):
        load(tmp_path / "latin.yaml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_may_begin_with_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / "file.yaml").write_bytes(GOOD.replace("\n", "\r\n").encode(encoding))
    assert len(load(tmp_path / "file.yaml").runs) == 8


KEYS = st.sampled_from(
    ["name", "tasks", "models", "seeds", "training", "select", "match", "plugins", "task", "model", "lag", "units",
     "steps", "copy_memory", "adding", "gru", "words", "learning_rate", "", "\n"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats()
    | st.sampled_from(["", "gru", "lstm", "no", "\x00"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(KEYS, VALUES, max_size=3), inner=st.dictionaries(KEYS, VALUES, max_size=2))
def test_any_document_is_an_experiment_or_one_line(tmp_path, changes, inner):
    document = {"name": "q", "tasks": {"copy_memory": {"lag": 2} | inner}, "models": {"gru": inner}} | changes
    (tmp_path / "file.yaml").write_text(json.dumps(document).replace("NaN", ".nan").replace("Infinity", ".inf"))
    try:
        assert load(tmp_path / "file.yaml").runs
    except UserError as error:
        said = str(error)
        assert said.isprintable()


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_the_shipped_experiments_are_valid(file):
    assert load(file).runs
    document = YAML(typ="safe", pure=True).load(file)
    schema().validate(document)


def test_the_schema_refuses_what_the_file_reader_refuses():
    good = YAML(typ="safe", pure=True).load(GOOD)
    schema().validate(good)
    for change in ({"names": "x"}, {"models": {"lstm": {"units": 0}}}, {"tasks": {"copy_memory": {"lagg": 3}}}):
        with pytest.raises(jsonschema.ValidationError):
            schema().validate(good | change)


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


def test_the_signature_covers_what_matters_and_nothing_else(tmp_path):
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
        "import sys, pathlib; from rnnbench.experiment.yaml_file import load; "
        f"load(pathlib.Path({str(EXPERIMENTS[0])!r})); import rnnbench.cli.app; "
        "print([m for m in ('tensorflow', 'keras', 'mlflow', 'pandas') if m in sys.modules])"
    )
    assert json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)) == []


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
@pytest.mark.parametrize("key", ["training.learning_rate", "training.global_clipnorm", "models.lstm.forget_bias",
                                 "models.slow.learning_rate", "tasks.copy_memory.global_clipnorm"])  # fmt: skip
def test_a_number_that_is_not_finite_is_refused(tmp_path, number, key):
    text = f"{float(number.replace('.', ''))} is not valid: should be a finite number"
    assert mistake(tmp_path, GOOD, f"{key}={number}") == f"--set {key}: {text}"
    assert mistake(tmp_path, GOOD, f"{key}=[0.5, {number}]") == f"--set {key}: {text}"


def test_every_float_of_every_setting_is_finite():
    """Built-in ones, those that a plug-in's class inherits from, and what pydantic does not look into."""
    known = [registry.tasks[name] for name in registry.tasks] + [registry.models[name] for name in registry.models]
    for settings_of in (*known, Training, Experiment):
        assert settings_of.model_config["allow_inf_nan"] is False

    class Many(LSTM):
        numbers: tuple[float, ...] = Field((0.5,), strict=False)
        by_name: dict[str, float] = Field({})
        maybe: float | None = None
        anything: Any = None
        limit: float = 1.0

    class Unlimited(LSTM):
        limit: float = float("inf")

    nan, usual = float("nan"), {"name": "x", "tasks": {"adding": {"lag": 1}}}
    with registered(many=Many, unlimited=Unlimited):
        for wrong in ({"numbers": [[0.5, nan]]}, {"by_name": {"a": nan}}, {"maybe": nan},
                      {"anything": {"deep": ((1.0, nan),)}}, {"limit": nan}):  # fmt: skip
            with pytest.raises(SettingError, match="nan is not valid: should be a finite number") as caught:
                _ = Experiment(models={"many": wrong}, **usual).runs
            assert caught.value.path[:3] == ("models", "many", next(iter(wrong)))
        with pytest.raises(SettingError, match="limit: inf is not valid: should be a finite number"):
            _ = Experiment(models={"unlimited": {}}, **usual).runs


@contextlib.contextmanager
def registered(**models):
    known = registry.models
    for name, model in models.items():
        known.register(name)(model)
    try:
        yield
    finally:
        for name, model in models.items():
            del known._things[name], known._names[model]

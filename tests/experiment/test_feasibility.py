"""Mistakes that can be known before a run are reported before it, in one line with file, line and key."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import registry
from rnnbench.errors import SettingError, UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.yaml_file import load
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.models.sizing import BudgetError, check_budget, recurrent_parameters, units_for_budget
from rnnbench.tasks.speech_commands import log_mel
from rnnbench.tasks.stream import joined

FILE = """\
name: grid
tasks:
  TASK
models: {simple_rnn: {units: 4}}
training: {steps: 4, batch_size: 4, evaluate_every: 2}
gradients: {examples: 4}
"""


def message_of(tmp_path, task, *overrides):
    """The error of `load` for a file with this task; empty if it is valid."""
    file = tmp_path / "grid.yaml"
    file.write_text(FILE.replace("TASK", task))
    try:
        load(file, overrides)
    except UserError as error:
        (line,) = str(error).splitlines()
        return line.replace(f"{tmp_path}/", "")
    return ""


REFUSED = {
    "forecasting: {source: synthetic, lag: 0, horizon: 601}": (
        "horizon: 601 is too long: the validation split of synthetic has 600 rows"
    ),
    "forecasting: {lag: 0, horizon: [24, 2881]}": (
        "horizon: 2,881 is too long: the validation split of ETTh1 has 2,880 rows"
    ),
    "forecasting: {source: synthetic, lag: 0, horizon: 600, look_back: 1801}": (
        "look_back: 1,801 is too long: synthetic has 2,400 training rows, so with horizon 600 at most 1,800"
    ),
    "forecasting: {source: ETTh2, lag: 0, look_back: 9000}": (
        "look_back: 9,000 is too long: ETTh2 has 8,640 training rows, so with horizon 24 at most 8,616"
    ),
    "forecasting: {source: synthetic, lag: 0, batch_size: 2282}": (
        "batch_size: 2,282 is too many: there are 2,281 training examples"
    ),
    "forecasting: {lag: 0, batch_size: 8522}": "batch_size: 8,522 is too many: there are 8,521 training examples",
    "sentiment: {source: synthetic, lag: 0, test_examples: 1}": (
        "test_examples: 1 is too few: they are all of one class; use 3 or more"
    ),
    "sentiment: {source: synthetic, lag: 0, test_examples: 2}": "test_examples: 2 is too few",
    "sentiment: {lag: 0, test_examples: 1}": ("test_examples: 1 is too few: they are all of one class; use 2 or more"),
    "sentiment: {lag: 0, train_examples: 2}": (
        "train_examples: 2 is too few: they are all of one class; use 3 or more"
    ),
    "sentiment: {source: synthetic, lag: 0, train_examples: 1, batch_size: 1}": "train_examples: 1 is too few",
    "sentiment: {lag: 0, train_examples: 100, batch_size: 101}": (
        "batch_size: 101 is too many: there are 100 training examples"
    ),
    "sequential_mnist: {lag: 0, test_examples: 1}": (
        "test_examples: 1 is too few: they are all of one class; use 2 or more"
    ),
    "sequential_mnist: {source: synthetic, lag: 0, test_examples: 1}": "test_examples: 1 is too few",
    "sequential_mnist: {lag: 0, validation_examples: 59990, batch_size: 11}": (
        "batch_size: 11 is too many: there are 10 training examples"
    ),
    "sequential_mnist: {source: synthetic, lag: 0, batch_size: 2001}": (
        "batch_size: 2,001 is too many: there are 2,000 training examples"
    ),
    "speech_commands: {source: synthetic, lag: 0, batch_size: 2001}": "batch_size: 2,001 is too many",
    "speech_commands: {lag: 0, window_ms: 25, bands: 128}": (
        "bands: 128 is too many for windows of 25 ms: at most 126"
    ),
    "speech_commands: {lag: 0, window_ms: [40, 1], bands: 40}": (
        "bands: 40 is too many for windows of 1 ms: at most 4"
    ),
    "speech_commands: {lag: 0, stride_ms: 0}": "stride_ms: 0 is not valid",
    "adding: {lag: 1, form: literature}": "form: 'literature' is called 'urnn', and its 'lag' is the length T",
    "adding: {lag: 1, form: bai}": "'form: bai' needs two steps at least, as 'lag' is its length T",
    "adding: {lag: 1, filler: distractor}": "filler: 'distractor' is called 'decoy' here",
    "copy_memory: {lag: 5, lead: none}": "'lead: none' goes with 'training_lags: fixed' alone",
    "adding: {lag: 1, evidence: 1}": "evidence: 1 is not valid",
    "copy_memory: {lag: 0}": "lag: 0 is not valid",
}


@pytest.mark.parametrize("task", REFUSED)
def test_a_task_that_cannot_run_is_refused_with_file_line_and_key(tmp_path, monkeypatch, task):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "no data"))
    message = message_of(tmp_path, task)
    assert message.startswith(f"grid.yaml:3: tasks.{task.partition(':')[0]}")
    assert REFUSED[task] in message


TAKEN = [
    "forecasting: {source: synthetic, lag: 0, horizon: 600, look_back: 1800, batch_size: 1}",
    "forecasting: {lag: 0, horizon: 2880, look_back: 5760, batch_size: 1}",
    "forecasting: {lag: 0, horizon: 720, look_back: 336}",
    "sentiment: {source: synthetic, lag: 0, test_examples: 3}",
    "sequential_mnist: {lag: 0, test_examples: 2}",
    "sequential_mnist: {lag: 0, validation_examples: 59999, batch_size: 1}",
    "speech_commands: {lag: 0, window_ms: 25, bands: 126}",
    "speech_commands: {lag: 0, window_ms: 40, bands: 128}",
    "speech_commands: {source: synthetic, lag: 0, window_ms: 25, bands: 128}",
]


@pytest.mark.parametrize("task", TAKEN)
def test_the_nearest_valid_settings_are_accepted(tmp_path, monkeypatch, task):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "no data"))
    assert message_of(tmp_path, task) == ""


def test_the_key_is_reported_where_it_is_written(tmp_path):
    task = "sequential_mnist: {source: synthetic, lag: 0}"
    message = message_of(tmp_path, task, "training.batch_size=4000")
    assert message == "--set training.batch_size: 4,000 is too many: there are 2,000 training examples"
    message = message_of(tmp_path, task, "models.simple_rnn.batch_size=[4, 4000]")
    assert message.startswith("--set models.simple_rnn.batch_size: 4,000 is too many")


def test_prepared_data_are_checked_and_missing_data_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    task = "speech_commands: {lag: 0, words: [go, upp], batch_size: 30}"
    assert message_of(tmp_path, task) == ""
    folder = tmp_path / "speech_commands" / "0.0.3"
    folder.mkdir(parents=True)
    (folder / "label.labels.txt").write_text("go\nup\n")
    assert message_of(tmp_path, task).endswith("words: 'upp' is not in the prepared data, which contain go, up")
    task = task.replace("upp", "up")
    splits = [{"name": name, "shardLengths": ["10", "10"]} for name in ("train", "validation", "test")]
    (folder / "dataset_info.json").write_text(json.dumps({"splits": splits}))
    assert message_of(tmp_path, task).endswith("batch_size: 30 is too many: there are 20 training examples")
    (folder / "dataset_info.json").write_text("no JSON")
    assert message_of(tmp_path, task) == ""


@pytest.mark.parametrize(
    ("folder", "splits", "task", "expected"),
    [
        ("ett/ETTh1/1.0.0", {"series": 14_399}, "forecasting: {lag: 0}",
         "source: 14,400 series examples are needed, but the prepared ETTh1 has 14,399"),
        ("ett/ETTh1/1.0.0", {"series": 14_400}, "forecasting: {lag: 0}", ""),
        ("mnist/3.0.1", {"train": 59_999}, "sequential_mnist: {lag: 0}", "source: 60,000 train examples are needed"),
        ("mnist/3.0.1", {"test": 99}, "sequential_mnist: {lag: 0, test_examples: 100}",
         "test_examples: 100 test examples are needed, but the prepared mnist has 99"),
        ("imdb_reviews/plain_text/1.0.0", {"train": 24},
         "sentiment: {lag: 0, train_examples: 20, validation_examples: 5}",
         "train_examples: 25 train examples are needed, but the prepared imdb_reviews has 24"),
        ("imdb_reviews/plain_text/1.0.0", {"test": 9}, "sentiment: {lag: 0, test_examples: 9}", ""),
    ],
)  # fmt: skip
def test_a_prepared_data_set_that_is_a_part_of_the_published_one(tmp_path, monkeypatch, folder, splits, task, expected):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (tmp_path / folder).mkdir(parents=True)
    info = {"splits": [{"name": name, "shardLengths": [str(size)]} for name, size in splits.items()]}
    (tmp_path / folder / "dataset_info.json").write_text(json.dumps(info))
    message = message_of(tmp_path, task)
    assert expected in message
    assert bool(message) is bool(expected)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seeds=[4294967296]", "seed 4294967296 is too large: a seed is at most 4,294,967,295"),
        ("training.learning_rate=.inf", "should be a finite number"),
        ("training.global_clipnorm=.inf", "should be a finite number"),
        ("training.steps=2147483648", "should be less than 2147483648"),
        ("models={lstm: {forget_bias: .nan}}", "should be a finite number"),
    ],
)
def test_values_that_only_the_run_would_refuse(tmp_path, override, expected):
    assert expected in message_of(tmp_path, "copy_memory: {lag: 2, symbols: 1}", override)


def test_the_largest_seed_is_one():
    np.random.seed(2**32 - 1)
    Experiment(name="n", tasks={"adding": {"lag": 1}}, models={"gru": {}}, seeds=(2**32 - 1,)).runs  # noqa: B018


@pytest.mark.parametrize("window_ms", [1, 5, 10, 25, 40])
def test_the_most_bands_are_those_of_which_none_is_constant(window_ms):
    from rnnbench.tasks.speech_commands import _most_bands

    sound = np.random.default_rng(0).normal(size=(2, 16000))
    most = _most_bands(window_ms, 10_000)
    for bands, dead in ((most, False), (most + 1, True)):
        frames = log_mel(sound, window_ms, window_ms, bands).reshape(-1, bands)
        assert bool((np.ptp(frames, axis=0) == 0).any()) is dead


def test_a_budget_that_no_size_meets(tmp_path):
    match = ["match=parameters", "models={simple_rnn: {}}"]
    message = message_of(tmp_path, "copy_memory: {lag: 2, symbols: 1}", *match, "parameter_budget=5")
    assert message == (
        "--set parameter_budget: SimpleRNN cannot have about 5 recurrent parameters on 18 inputs: "
        "the nearest count is 20, with 1 units"
    )

    class Sizeless(SimpleRNN):
        def layer_parameters(self, inputs):
            return 7

    with pytest.raises(BudgetError, match=r"the nearest count is 7"):
        check_budget(
            Sizeless(units=units_for_budget(Sizeless(), recurrent_parameters(3), 1000)), recurrent_parameters(3), 1000
        )


PLUGIN = """\
import numpy as np
from rnnbench import ClassificationTask, DatasetTask, Examples, Layout, Model, Ports, register_model, register_task

@register_task("first_sign")
class FirstSign(ClassificationTask):
    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)

    def train_batch(self, seed, step, batch_size):
        return None

    def split(self, name):
        return None
"""
LAYOUT = "    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))\n"
BROKEN = {
    "a property is missing": (PLUGIN.replace(LAYOUT, ""), "class FirstSign (own.py:4) does not define layout"),
    "several": (PLUGIN[: PLUGIN.index(LAYOUT)] + "    pass\n",
        "does not define layout, outputs, ports, split, train_batch"),
    "a method for a property": (
        PLUGIN.replace(LAYOUT, "    def layout(self):\n        return Layout(1, self.lag, 1)\n"),
        "layout is a method (add @property) but must be rnnbench.Layout",
    ),
    "a tuple for a layout": (
        PLUGIN.replace("Layout(evidence=1, lag=self.lag, readout=1)", "(1, self.lag, 1)"),
        "class FirstSign (own.py:4): layout is (1, 3, 1) but must be rnnbench.Layout",
    ),
    "another lag": (
        PLUGIN.replace("lag=self.lag", "lag=7"),
        "layout.lag is 7 but must be the task's lag, 3",
    ),
    "no evidence": (
        PLUGIN.replace("evidence=1", "evidence=0"),
        "layout.evidence is 0 but must be an integer, 1 or more",
    ),
    "layout raises": (
        PLUGIN.replace("Layout(evidence=1,", "Layout(evidence=1 // 0,"),
        "layout raised ZeroDivisionError: integer division or modulo by zero at own.py:6",
    ),
    "ports of another kind": (PLUGIN.replace("Ports(features=2)", "2"), "ports is 2 but must be rnnbench.Ports"),
    "no ports": (
        PLUGIN.replace("features=2", "vocabulary=2"),
        "ports is Ports(features=0, vocabulary=2, embedding=0) but must have features, or a vocabulary and the embed",
    ),
    "a width that is no integer": (
        PLUGIN.replace("features=2", "features=2.0"),
        "ports.features is 2.0 but must be an int",
    ),
    "outputs of another kind": (
        PLUGIN.replace("outputs = property(lambda self: 2)", "outputs = property(lambda self: 'two')"),
        "outputs is 'two' but must be an integer, 1 or more",
    ),
    "arguments are missing": (
        PLUGIN.replace("train_batch(self, seed, step, batch_size)", "train_batch(self, seed, batch_size)"),
        "train_batch cannot be called as train_batch(seed, step, batch_size)",
    ),
    "a validator raises": (
        PLUGIN.replace(
            LAYOUT, LAYOUT + "\n    def model_post_init(self, context):\n        {}['a']\n"
        ),
        "validation raised KeyError: 'a' at own.py:9",
    ),
    "a property for a method": (
        PLUGIN + "\n    memoryless = property(lambda self: 0.5)\n",
        "memoryless is a property but must be a method",
    ),
    "a setting for a method": (PLUGIN + "\n    levels: int = 3\n", "levels is a setting but must be a method"),
    "a setting without a hash": (
        PLUGIN + "\n    words: list[str] = ['a']\n",
        "tasks.first_sign.words: class FirstSign (own.py:4): a setting cannot be a list; make it a tuple",
    ),
    "problems raises": (
        PLUGIN + "\n    def problems(self, batch_size):\n        raise RuntimeError('out\\nof order')\n",
        "problems raised RuntimeError: out of order at own.py:17",
    ),
    "its own problem": (
        PLUGIN + "\n    def problems(self, batch_size):\n        yield 'lag', 'three is unlucky'\n",
        "grid.yaml:3: tasks.first_sign.lag: three is unlucky",
    ),
    "no task": (
        PLUGIN.replace("(ClassificationTask)", ""),
        "task 'first_sign': class FirstSign (own.py:4) is not a subclass of rnnbench.Task",
    ),
    "a function": (
        PLUGIN + "\n@register_task('other')\ndef other():\n    pass\n",
        "task 'other': other (own.py:16) is not a subclass of rnnbench.Task",
    ),
    "a model for a task": (
        PLUGIN + "\n@register_model('other')\nclass Other(FirstSign):\n    pass\n",
        "model 'other': class Other (own.py:16) is not a subclass of rnnbench.Model",
    ),
}  # fmt: skip


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a plug-in that leaves the registries as they were."""
    for known in (registry.tasks, registry.models):
        list(known)
        monkeypatch.setattr(known, "_things", dict(known._things))

    def write(text):
        (tmp_path / "own.py").write_text(text)
        return "plugins=[own.py]"

    return write


@pytest.mark.filterwarnings("ignore:Field name")
@pytest.mark.parametrize("broken", BROKEN)
def test_a_plug_in_that_violates_its_contract(tmp_path, plugin, broken):
    text, expected = BROKEN[broken]
    message = message_of(tmp_path, "first_sign: {lag: 3}", plugin(text))
    assert expected in message


MODEL = """

@register_model("own")
class Own(Model):
    def layer(self, name):
        return None
"""
PARAMETERS = "    def layer_parameters(self, inputs):\n        return self.units * inputs\n"
BROKEN_MODELS = {
    MODEL: "class Own (own.py:17) does not define layer_parameters",
    MODEL + PARAMETERS.replace("self.units * inputs", "1.5 * inputs"): "layer_parameters is 3.0 but must be an integer",
    MODEL + PARAMETERS.replace("self.units", "self.unit"): "layer_parameters raised AttributeError",
    MODEL.replace("self, name", "self") + PARAMETERS: "layer cannot be called as layer(name)",
}


@pytest.mark.parametrize("text", BROKEN_MODELS)
def test_a_model_that_violates_its_contract(tmp_path, plugin, text):
    message = message_of(tmp_path, "first_sign: {lag: 3}", plugin(PLUGIN + text), "models={own: {units: 4}}")
    assert BROKEN_MODELS[text] in message


FOUR_OR_MORE = (
    "from typing import ClassVar\nfrom pydantic import field_validator\n"
    + PLUGIN
    + """
    @field_validator("lag")
    @classmethod
    def _long_enough(cls, lag):
        if lag < 4:
            raise ValueError("too short for us")
        return lag

    def fill(self, rng, n, steps):
        return None
"""
)
LEAST = "    least_lag: ClassVar[int] = 4\n"


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        (PLUGIN, "lag: 3, lead: random", "lead: 'random' is not possible: class FirstSign (own.py:4) defines no fill"),
        (
            FOUR_OR_MORE,
            "lag: 9, training_lags: uniform",
            "training_lags: 'uniform' draws lags from 0 to 9, but at 0: too short for us; see least_lag of the task",
        ),
        (FOUR_OR_MORE, "lag: 6, training_lags: [fixed, far]", "'far' draws lags from 3 to 6, but at 3: too short"),
        (
            FOUR_OR_MORE.replace("lag < 4", "lag < 0") + LEAST,
            "lag: 3, training_lags: log",
            "lag: 3 is too short: the shortest lag of the task is 4",
        ),
    ],
)
def test_lags_and_leads_that_a_task_cannot_have(tmp_path, plugin, text, settings, expected):
    assert expected in message_of(tmp_path, f"first_sign: {{{settings}}}", plugin(text))


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (FOUR_OR_MORE, "lag: 9, training_lags: fixed"),
        (FOUR_OR_MORE, "lag: 9, training_lags: far"),
        (FOUR_OR_MORE + LEAST, "lag: 9, training_lags: uniform"),
    ],
)
def test_lags_that_a_task_can_have(tmp_path, plugin, text, settings):
    assert message_of(tmp_path, f"first_sign: {{{settings}}}", plugin(text)) == ""


def test_sound_plug_ins_are_taken(tmp_path, plugin):
    assert message_of(tmp_path, "first_sign: {lag: 3}", plugin(PLUGIN + MODEL + PARAMETERS), "models={own: {}}") == ""


def test_a_batch_is_held_against_a_plug_ins_made_up_data(tmp_path, plugin):
    text = PLUGIN[: PLUGIN.index("    def train_batch")].replace(
        "(ClassificationTask)", "(DatasetTask, ClassificationTask)"
    )
    text = text.replace("Ports(features=2)", "self.feature_ports(1)")
    text += """
    fillers = ("zeros", "blank", "distractor")

    def examples(self, split):
        assert self.source == "synthetic", "real data are not read to plan"
        return Examples(np.zeros((30, 1, 1), np.float32), np.arange(30, dtype=np.int32) % 2)

    def distractors(self, rng, n, steps):
        return np.zeros((n, steps, 1), np.float32)
"""
    task = "first_sign: {lag: 3, source: synthetic, batch_size: 31}"
    assert message_of(tmp_path, task, plugin(text)).endswith(
        "batch_size: 31 is too many: there are 30 training examples"
    )
    assert message_of(tmp_path, task.replace("31", "30"), plugin(text)) == ""
    assert message_of(tmp_path, task.replace("synthetic", "own"), plugin(text)) == ""


def small(name):
    """Settings of a task at and beside the limits of its fields, on data that are made up."""
    few = st.sampled_from([None, 1, 2, 3, 7])
    fields = {
        "adding": {"form": st.sampled_from(["lag", "urnn", "bai"]), "evidence": st.sampled_from([2, 3, 8]),
                   "examples": st.sampled_from([1, 2, 5])},
        "copy_memory": {"symbols": st.sampled_from([1, 2, 5]), "alphabet": st.sampled_from([2, 3, 8]),
                        "objective": st.sampled_from(["recall", "all"]), "examples": st.sampled_from([1, 2, 5])},
        "forecasting": {"look_back": st.sampled_from([24, 25, 1799, 1800, 2376, 2377, 4000]),
                        "horizon": st.sampled_from([1, 23, 25, 599, 600, 601, 720]),
                        "variables": st.sampled_from(["univariate", "multivariate"]),
                        "target": st.sampled_from(["change", "value"])},
        "sentiment": {"vocabulary": st.sampled_from([100, 500]), "evidence": st.sampled_from([1, 2, 20]),
                      "train_examples": few, "validation_examples": few, "test_examples": few},
        "sequential_mnist": {"order": st.sampled_from(["rows", "pixels"]), "permuted": st.booleans(),
                             "validation_examples": few, "test_examples": few},
        "speech_commands": {"words": st.sampled_from([("a", "b"), ("a", "b", "c", "d")]),
                            "window_ms": st.sampled_from([1, 40, 1000]), "stride_ms": st.sampled_from([20, 999, 1000]),
                            "bands": st.sampled_from([1, 2, 128])},
        "video": {"side": st.sampled_from([4, 5, 12]), "digit": st.sampled_from([3, 4, 5]),
                  "digits": st.sampled_from([1, 2]), "speed": st.sampled_from([1, 30]),
                  "frames": st.sampled_from([3, 7]), "readout": st.sampled_from([1, 3]),
                  "occlusion": st.sampled_from(["moves", "waits"]), "validation_examples": st.sampled_from([2, 9]),
                  "test_examples": st.sampled_from([2, 9])},
        "transcription": {"words": st.sampled_from([("a", "b"), ("a", "b", "c", "d")]),
                          "fewest_words": st.sampled_from([1, 2, 3]), "most_words": st.sampled_from([1, 2, 3]),
                          "silence": st.sampled_from([0, 4]), "readout": st.sampled_from([None, 1, 2, 3, 5, 9]),
                          "stride_ms": st.sampled_from([200, 1000]), "bands": st.sampled_from([1, 3]),
                          "validation_examples": st.sampled_from([2, 9]), "test_examples": st.sampled_from([2, 9])},
    }  # fmt: skip
    made_up = {} if name in ("adding", "copy_memory") else {"source": st.just("synthetic")}
    common = {"lag": st.sampled_from([0, 1, 2, 9]),
              "filler": st.sampled_from(["zeros", "blank", "distractor", "decoy"]),
              "training_lags": st.sampled_from(["fixed", "uniform", "far", "log"]),
              "lead": st.sampled_from(["none", "random"])}  # fmt: skip
    return st.fixed_dictionaries(common | made_up | fields[name])


@pytest.mark.parametrize(
    "name",
    [
        "adding",
        "copy_memory",
        "forecasting",
        "sentiment",
        "sequential_mnist",
        "speech_commands",
        "transcription",
        "video",
    ],
)
@settings(max_examples=25)
@given(data=st.data())
def test_settings_that_plan_accepts_can_run(name, data):
    """Its batches, splits and levels, at every limit of its fields."""
    entry = data.draw(small(name))
    batch_size = data.draw(st.sampled_from([1, 2, 3, 8, 600, 2000, 2001]))
    training = {"steps": 1, "batch_size": batch_size}
    try:
        (run,) = Experiment(name="n", tasks={name: entry}, models={"gru": {"units": 1}}, training=training).runs
    except SettingError:
        return
    task = run.task
    for step in (0, 1):
        batch = task.training_stream(0, step, batch_size)
        assert batch.examples == batch_size
        assert all(np.isfinite(part).all() for part in (batch.features, batch.tokens) if part is not None)
    for split in ("validation", "test"):
        whole = joined(task.split(split))
        assert whole.examples > 0
        task.check_stream(whole, split)
        led = list(task.streams(split))
        assert sum(stream.examples for stream in led) == whole.examples
    sizes = task.split_sizes()
    assert whole.examples == sizes["test"]
    metric = task.metric()
    metric.update(whole, np.zeros((*whole.targets.shape[:2], task.outputs), np.float32))
    scores = {name: estimate.value for name, estimate in metric.result().items()}
    assert np.isfinite([*scores.values(), *task.levels().values()]).all()
    assert np.isfinite(task.skill(scores[task.score.name])) == task.asks_memory()

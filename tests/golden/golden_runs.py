"""Short runs of every built-in task and model, and what they gave when their versions were last raised.

`python tests/golden/golden_runs.py` records them anew, after a version was raised.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnbench import registry
from rnnbench.checks.contracts.made_files import settings_with_a_file
from rnnbench.events import Diverged, Failed, Finished, Measured, Started
from rnnbench.execution.base import quiet_tensorflow
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.identity.signature import PART_VERSIONS
from rnnbench.training import run as training

FILE = Path(__file__).with_name("metrics.json")

Metrics = dict[str, float]
"""`step/metric` to its value."""
Recorded = dict[str, dict[str, Metrics]]
"""Run to its metrics, under `runs`; part to its version, under `versions`."""


def _on_a_small_file(task: str) -> dict[str, Any]:
    return settings_with_a_file(registry.tasks[task])


# Every stream has some 12 steps. The clip lies within the range of the norms, so that some steps are clipped and
# others are not: Adam hardly feels a factor that is the same at every step.
TASKS: dict[str, dict[str, Any]] = {
    "copy_memory": {"lag": 4, "symbols": 2, "filler": "distractor", "examples": 60, "global_clipnorm": 0.22},
    "reversal": {"lag": 4, "symbols": 3, "filler": "distractor", "examples": 60, "global_clipnorm": 0.22},
    "adding": {"lag": 4, "evidence": 8, "examples": 60, "global_clipnorm": 1.5},
    "associative_recall": {"lag": 4, "pairs": 3, "keys": 4, "values": 3, "queries": 2, "filler": "distractor",
                           "examples": 60, "global_clipnorm": 0.22},
    "parity": {"lag": 4, "evidence": 7, "marked": 3, "filler": "distractor", "examples": 60, "global_clipnorm": 0.22},
    "selective_copy": {"lag": 4, "symbols": 3, "evidence": 6, "alphabet": 4, "gaps": "distractor",
                       "filler": "distractor", "examples": 60, "global_clipnorm": 0.2},
    "sentiment": {"source": "synthetic", "lag": 3, "evidence": 8, "vocabulary": 100, "train_examples": 200,
                  "validation_examples": 60, "test_examples": 60, "embedding": 4, "global_clipnorm": 0.2},
    "speech_commands": {"source": "synthetic", "lag": 3, "window_ms": 200, "stride_ms": 100, "bands": 12,
                        "words": ["go", "up", "left"], "filler": "distractor", "global_clipnorm": 0.35},
    "captioning": {"source": "synthetic", "image": "rows", "lag": 2, "validation_examples": 60, "test_examples": 60,
                   "global_clipnorm": 0.23},
    "translation": {"source": "synthetic", "lag": 2, "longest": 7, "answer": 7, "embedding": 4,
                    "global_clipnorm": 0.4},
    "sequential_mnist": {"source": "synthetic", "lag": 2, "global_clipnorm": 0.4},
    "video": {"source": "synthetic", "lag": 3, "side": 8, "digit": 5, "frames": 4, "readout": 3, "filler": "decoy",
              "validation_examples": 60, "test_examples": 60, "global_clipnorm": 0.015},
    "transcription": {"source": "synthetic", "lag": 3, "fewest_words": 1, "most_words": 2, "window_ms": 250,
                      "stride_ms": 250, "bands": 8, "silence": 1, "filler": "distractor", "validation_examples": 60,
                      "test_examples": 60, "global_clipnorm": 2.0},
    "forecasting": {"source": "synthetic", "lag": 3, "look_back": 24, "horizon": 2, "filler": "decoy",
                    "global_clipnorm": 0.5},
    "language_model": {"source": "synthetic", "lag": 3, "context": 6, "readout": 3, "filler": "distractor",
                       "embedding": 4, "validation_examples": 60, "test_examples": 60, "global_clipnorm": 0.28},
    "music": {"source": "synthetic", "lag": 3, "context": 6, "validation_examples": 60, "test_examples": 60,
              "global_clipnorm": 5.0},
    "csv_forecasting": _on_a_small_file("csv_forecasting") | {"lag": 3, "global_clipnorm": 0.5},
    "table_sequences": _on_a_small_file("table_sequences") | {"lag": 3, "filler": "decoy", "global_clipnorm": 0.14},
    "texts": _on_a_small_file("texts") | {"lag": 3, "filler": "decoy", "global_clipnorm": 0.2},
}  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    "simple_rnn": {"initialization": ["default", "identity"], "global_clipnorm": 0.65},
    "lstm": {"initialization": ["default", "orthogonal", "chrono"]},
    "gru": {"initialization": ["default", "orthogonal", "chrono"]},
    "tcn": {"layers": 2, "kernel_size": 3},
    "transformer": {"units": 8, "layers": 1},
    # Of few units the variance that it divides by may be near 0, and rounding then decides.
    "layer_norm_lstm": {"units": 16, "learning_rate": 1e-3},
    "janet": {},
    "indrnn": {},
    "cornn": {"dt": 0.2, "gamma": 2.0, "epsilon": 3.0},
    "min_gru": {"layers": 2},
    "lru": {},
}
LOOPS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("simple_rnn", "lstm", "gru"), ("fast", "stock")),
    "min_gru": ("fast",),
}
"""Implementations of the models that are not run as stock layers alone: one linear recurrence stands for both."""
OTHERS: dict[str, dict[str, Any]] = {
    "far": {"tasks": {"training_lags": "far", "lead": "random"}},
    "truncate": {"training": {"truncate": 3}},
    "momentum": {"training": {"optimizer": {"name": "sgd", "momentum": 0.9}, "schedule": "cosine", "warmup": 5}},
    "rmsprop": {"training": {"optimizer": "rmsprop", "schedule": "linear"}},
    "dropout": {"models": {"dropout": 0.3, "recurrent_dropout": 0.2}},
    "shards": {"training": {"shards": 2}, "models": {"dropout": 0.3}},
}
"""Settings of tasks, models and training that a run of copy-memory and GRU has beside the golden ones."""
_TRAINING = {"steps": 20, "batch_size": 16, "evaluate_every": 10, "learning_rate": 1e-2, "stop_when_solved": False}
_LEFT_OUT = (
    "seconds", "skill", "score", "solved", "steps_to_solve", "clock", "generalises_to", "start_shift", "no_marker",
    "level/frozen",
)  # fmt: skip
"""Times, what follows from other metrics, and the choice of a penalty, which rounding may move."""
_SHARES = ("/accuracy", "/exact_match", "/forced_exact_match", "/forced_accuracy")
_OF_WORDS = ("/bleu", "/label_error_rate")
"""A single answer that rounding moves may move these by more than is allowed."""
_DERIVED = re.compile(r"^\d+/(readable_|lag_curve/(skill|solved|standard_error))")
_NORM_OF_A_GATE = re.compile(r"/gradient_norm/\w+/(?!all$)")


def specs() -> Iterator[tuple[str, RunSpec]]:
    """Each golden run and its name: every task with one model, every model and initialization with one task."""
    for task, settings in TASKS.items():
        yield from _named({task: settings}, {"lstm": {"units": 6}}, "stock")
    for model, axes in MODELS.items():
        for layers in LOOPS.get(model, ("stock",)):
            # Initialisations are the same in both.
            some = {
                key: values[:1] if layers == "stock" and isinstance(values, list) else values
                for key, values in axes.items()
            }
            yield from _named({"copy_memory": TASKS["copy_memory"]}, {model: {"units": 6, **some}}, layers)
    for name, other in OTHERS.items():
        task = TASKS["copy_memory"] | other.get("tasks", {})
        models = {"gru": {"units": 6, **other.get("models", {})}}
        # Each length that is drawn would be compiled for itself.
        layers = "stock" if name == "far" else "fast"
        for _, spec in _named({"copy_memory": task}, models, layers, **other.get("training", {})):
            yield f"copy_memory gru {name} {layers}", spec


def _named(
    tasks: dict[str, Any], models: dict[str, Any], layers: str, **training: Any
) -> Iterator[tuple[str, RunSpec]]:
    experiment = Experiment(
        name="golden",
        tasks={label: {"training_lags": "fixed"} | settings for label, settings in tasks.items()},
        models=models,
        seeds=(3,),
        training={**_TRAINING, "implementation": layers, **training},
        gradients={"examples": 8},
    )
    for spec in experiment.runs:
        axes = "".join(f" {value}" for value in spec.model_axes.values())
        yield f"{spec.task_label} {spec.model_label}{axes} {layers}", spec


def measure(spec: RunSpec) -> Metrics:
    """All that a run says of its results, as numbers; counts of right answers in examples."""
    found: Metrics = {}
    sizes = {name: sum(stream.examples for stream in spec.task.split(name)) for name in ("validation", "test")}
    for event in training.run(spec):
        match event:
            case Started(parameters=parameters, levels=levels):
                found["parameters"] = parameters
                found |= {f"level/{name}": level for name, level in levels.items()}
            case Measured(step=step, metrics=metrics):
                found |= {f"{step}/{name}": value for name, value in metrics.items()}
            case Finished(step=step, metrics=metrics) | Diverged(step=step, metrics=metrics):
                found |= {f"end/{name}": value for name, value in metrics.items()}
            case Failed(message=message):
                raise RuntimeError(message)
    for name in [name for name in found if name.endswith(_SHARES)]:
        # What is no score on validation is one on test.
        found[f"{name} right"] = found.pop(name) * sizes.get(name.split("/")[1], sizes["test"])
    return {
        name: value
        for name, value in found.items()
        if not (name.removeprefix("end/").startswith(_LEFT_OUT) or _NORM_OF_A_GATE.search(name) or _DERIVED.match(name))
        and not name.endswith(_OF_WORDS)
    }


def versions() -> dict[str, int]:
    """Of every part whose change can change a result."""
    tasks = {f"task {name}": registry.tasks[name].version for name in TASKS}
    models = {f"model {name}": registry.models[name].version for name in MODELS}
    return {**PART_VERSIONS, **tasks, **models}


def agree(name: str, found: float, recorded: float) -> bool:
    """Whether a metric is what it was, but for rounding, which differs between kinds of processors."""
    if math.isnan(found) or math.isnan(recorded):
        return math.isnan(found) and math.isnan(recorded)
    if name.endswith(" right"):
        return abs(found - recorded) <= 2.01
    if "/saturation/" in name or name.endswith(("/clipped", "/reach")):
        return abs(found - recorded) <= 0.02 * max(1.0, abs(recorded))
    return abs(found - recorded) <= 1e-4 * max(abs(recorded), 1e-2)


def moved(found: dict[str, Metrics], recorded: dict[str, Metrics]) -> dict[str, list[str]]:
    """Of each run that changed, the metrics that differ, are gone or are new."""
    changes = {}
    for run in sorted(found.keys() | recorded.keys()):
        now, before = found.get(run, {}), recorded.get(run, {})
        names = [
            name
            for name in sorted(now.keys() | before.keys())
            if name not in now or name not in before or not agree(name, now[name], before[name])
        ]
        if names:
            changes[run] = names
    return changes


def suspect(changes: dict[str, list[str]]) -> str:
    """The part whose version is to be raised: of those that all changed runs share, that of the fewest runs."""
    if all(_is_of_a_probe(name) for names in changes.values() for name in names):
        return "probes"
    named = dict(specs())
    affected = {"training": set(named), "layers": {name for name in named if name.endswith(" fast")}}
    affected |= {f"task {task}": {name for name in named if name.split()[0] == task} for task in TASKS}
    affected |= {f"model {model}": {name for name in named if name.split()[1] == model} for model in MODELS}
    return min((part for part in affected if set(changes) <= affected[part]), key=lambda part: len(affected[part]))


def _is_of_a_probe(name: str) -> bool:
    return name.partition("/")[2].startswith(
        ("gradient_profile", "recurrent_kernel/", "saturation/", "time_constant/", "gradient_share/")
    ) or name in (
        "end/survival",
        "end/decay_per_step",
        "end/reach",
    )


def record() -> None:
    """Write what the runs give now."""
    runs = {name: {key: float(f"{value:.7g}") for key, value in measure(spec).items()} for name, spec in specs()}
    FILE.write_text(json.dumps({"versions": versions(), "runs": runs}, indent=1, sort_keys=True) + "\n")


def load() -> Recorded:
    """What was recorded."""
    recorded: Recorded = json.loads(FILE.read_text())
    return recorded


if __name__ == "__main__":
    quiet_tensorflow()
    training.configure(threads=1)
    record()

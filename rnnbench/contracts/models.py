"""What every task and model must keep, built in or plugged in. A broken contract raises `AssertionError`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnbench.diagnostics import Diagnostics, cells
from rnnbench.gradients import GradientProbe
from rnnbench.models.base import Model
from rnnbench.models.network import build
from rnnbench.tasks.base import Features, Task
from rnnbench.tasks.copy_memory import CopyMemory

_LAGS = (3, 8)
_BATCH = 6


def stand_in(task_class: type[Task], **settings: object) -> Task:
    """The task on its synthetic data, if it knows any other."""
    if "source" in task_class.model_fields:
        settings["source"] = "synthetic"
    return task_class(**settings)  # type: ignore[arg-type]


def check_task(task_class: type[Task]) -> None:
    """Check the data, the loss and the scores of a task at two lags and with both fillers."""
    for filler in ("blank", "distractor"):
        short, long = (stand_in(task_class, lag=lag, filler=filler) for lag in _LAGS)
        for task in (short, long):
            _check_batches(task)
            _check_scores(task)
        _check_same_evidence(short, long)
        _check_loss(short, long)
    _check_fillers(*(stand_in(task_class, lag=_LAGS[1], filler=filler) for filler in ("blank", "distractor")))


def check_model(model_class: type[Model]) -> None:
    """Check size, seed, gradient probe and gates of a model, on a short copy-memory task."""
    task = CopyMemory(lag=4, symbols=2)
    for model in (model_class(units=5), model_class(units=4, layers=2)):
        _check_size(task, model)
        _check_seed(task, model)
        _check_probe(task, model)
        _check_gates(task, model)


def _check_batches(task: Task) -> None:
    layout, (inputs, targets) = task.layout, task.train_batch(3, 5, _BATCH)
    assert layout.lag == task.lag, "layout.lag must be the task's lag"
    if isinstance(task.inputs, Features):
        assert inputs.shape == (_BATCH, layout.length, task.inputs.width), "inputs: (batch, time, width)"
        assert inputs.dtype == np.float32, "inputs: float32"
    else:
        assert inputs.shape == (_BATCH, layout.length), "token inputs: (batch, time)"
        assert inputs.dtype == np.int32, "token inputs: int32"
        assert 0 <= inputs.min() <= inputs.max() < task.inputs.vocabulary, "tokens: below the vocabulary"
    assert len(targets) == _BATCH, "targets: one row an example"
    _assert_same((inputs, targets), task.train_batch(3, 5, _BATCH), "a batch must be a function of (seed, step)")
    assert not np.array_equal(inputs, task.train_batch(3, 6, _BATCH)[0]), "two steps must not get one batch"
    assert not np.array_equal(inputs, task.train_batch(4, 5, _BATCH)[0]), "two seeds must not get one batch"
    for name in ("validation", "test"):
        _assert_same(task.split(name), task.split(name), f"the {name} split must be the same at every call")
    validation, test = task.split("validation")[0], task.split("test")[0]
    assert not np.array_equal(validation[:_BATCH], test[:_BATCH]), "validation and test must hold different examples"


def _check_scores(task: Task) -> None:
    targets = task.split("test")[1]
    steps = (task.layout.length,) if task.answers_every_step else ()
    outputs = np.random.default_rng(0).normal(size=(len(targets), *steps, task.outputs))
    scores = task.scores(targets, outputs)
    assert {task.score_name, "loss"} <= set(scores), f"scores must hold '{task.score_name}' and 'loss'"
    assert all(np.isfinite(value) for value in scores.values()), "scores must be finite"
    assert abs(task.skill(task.floor())) < 1e-12, "the floor has skill 0"
    assert abs(task.skill(task.perfect) - 1) < 1e-12, "the perfect score has skill 1"
    assert task.better(task.perfect, task.floor()), "perfect must be better than the floor"
    assert task.levels(), "levels must hold at least the floor"


def _check_same_evidence(short: Task, long: Task) -> None:
    for of in (lambda task: task.train_batch(1, 2, _BATCH), lambda task: task.split("test")):
        (a, a_targets), (b, b_targets) = of(short), of(long)
        steps = short.layout.evidence
        assert np.array_equal(a[:, :steps], b[:, :steps]), "the evidence must be the same at every lag"
        readout = short.layout.readout
        assert np.array_equal(a_targets[..., -readout:], b_targets[..., -readout:]), "so must the answers"


def _check_loss(short: Task, long: Task) -> None:
    _, targets = short.train_batch(0, 0, _BATCH)
    steps = (short.layout.length,) if short.answers_every_step else ()
    outputs = np.random.default_rng(0).normal(size=(_BATCH, *steps, short.outputs)).astype(np.float32)
    for name in ("loss", "readout_loss"):
        losses = [np.asarray(getattr(task, name)(targets, outputs)) for task in (short, long)]
        assert losses[0].shape == (_BATCH,), f"{name} must be one number an example"
        assert np.array_equal(losses[0], losses[1]), f"{name} must not look at the lag: one compiled step serves all"


def _check_fillers(blank: Task, distractor: Task) -> None:
    quiet, noisy = blank.train_batch(0, 0, _BATCH)[0], distractor.train_batch(0, 0, _BATCH)[0]
    evidence, readout = blank.layout.evidence, blank.layout.first_readout
    if quiet.ndim == 3:
        quiet, noisy = (batch[..., : min(quiet.shape[-1], noisy.shape[-1])] for batch in (quiet, noisy))
    assert np.array_equal(quiet[:, :evidence], noisy[:, :evidence]), "a filler must not change the evidence"
    assert np.array_equal(quiet[:, readout:], noisy[:, readout:]), "a filler must not change the readout"
    lag = slice(evidence, readout)
    full_noise = distractor.train_batch(0, 0, _BATCH)[0][:, lag]
    assert len(np.unique(full_noise.reshape(_BATCH, -1), axis=0)) == _BATCH, "distractors must differ by example"


def _check_size(task: Task, model: Model) -> None:
    network = build(task, model, seed=0)
    recurrent = sum(layer.count_params() for layer in network.layers if layer.name.startswith("recurrent"))
    expected = model.recurrent_parameters(task.inputs.width)
    assert recurrent == expected, f"layer_parameters says {expected}, the network has {recurrent}"


def _check_seed(task: Task, model: Model) -> None:
    first, again, other = (build(task, model, seed).get_weights() for seed in (0, 0, 1))
    _assert_same(first, again, "the same seed must give the same weights")
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True)), "another seed, other weights"


def _check_probe(task: Task, model: Model) -> None:
    """Zero probes must change nothing, and the derivative by a probe must be what finite differences say."""
    network, probe = build(task, model, seed=0), GradientProbe(task, model)
    inputs, targets = task.train_batch(0, 0, 3)
    probe.load(network.get_weights())
    probes = np.zeros((*inputs.shape[:2], probe.width))
    outputs = probe.outputs(inputs, probes)
    assert np.allclose(outputs, network.predict_on_batch(inputs), atol=1e-5), "the probed network must answer alike"
    direction, size = np.random.default_rng(0).normal(size=probes.shape), 1e-6
    ahead, behind = (
        np.sum(task.readout_loss(targets, probe.outputs(inputs, probes + shift * direction))) for shift in (size, -size)
    )
    found, expected = np.sum(probe.gradient((inputs, targets)) * direction), (ahead - behind) / (2 * size)
    assert abs(found - expected) <= 1e-3 * abs(expected), f"probe says {found}, finite differences say {expected}"


def _check_gates(task: Task, model: Model) -> None:
    """What a model says of its gates must fit its cell; it may say nothing."""
    network = build(task, model, seed=0)
    kernels = [cell.recurrent_kernel for cell in cells(network) if hasattr(cell, "recurrent_kernel")]
    for kernel in kernels if model.gate_names else []:
        assert kernel.shape[-1] == len(model.gate_names) * model.units, "gate_names: one for each block of the weights"
    # Runs the hook on a batch; a share that is no number is left out.
    found = Diagnostics(task, model, network).measure(task.split("validation")[0][:_BATCH])
    gates = {name.rpartition("/")[2] for name in found if name.startswith("saturation/closed/")}
    assert gates <= set(model.gate_names), "activations: each gate by its name among gate_names"


def _assert_same(a: Sequence[np.ndarray], b: Sequence[np.ndarray], message: str) -> None:
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True)), message

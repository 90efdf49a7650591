"""The contract of a model, check by check, on a short copy-memory task."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np

from rnnbench.checks.contracts.check import Check, NotCheckedError, require
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build, cells

TASK = CopyMemory(lag=4, symbols=2)
_NARROW = CopyMemory(lag=4, symbols=2, alphabet=3)
_BATCH = 6
_SHIFT = 1e-6


class Sized:
    """A model in one size, the task that it is checked on, and its network, built once.

    `probe_is_checked`: whether another check takes the finite differences of its gradient probe.
    """

    def __init__(self, model: Model, task: Task = TASK, probe_is_checked: bool = False) -> None:
        self.model, self.task, self.probe_is_checked = model, task, probe_is_checked

    @cached_property
    def network(self) -> Any:
        return build(self.task, self.model, seed=0)

    def weights(self, seed: int) -> list[np.ndarray]:
        return build(self.task, self.model, seed).get_weights()


def sizes_of_class(model_class: type[Model], probe_is_checked: bool = False) -> tuple[Sized, ...]:
    """A class at one layer of five units, whose probe may have been checked, and at two layers of four.

    Raises `NotCheckedError` for a class with settings that have no default.
    """
    needed = [name for name, field in model_class.model_fields.items() if field.is_required()]
    if needed:
        raise NotCheckedError(f"needs settings ({', '.join(needed)}); name it in an experiment file")
    return Sized(model_class(units=5), probe_is_checked=probe_is_checked), Sized(model_class(units=4, layers=2))


def _layer(sizes: tuple[Sized, ...]) -> None:
    """`recurrent_layer` gives a Keras RNN over a cell."""
    import keras

    for sized in sizes:
        layer = sized.model.recurrent_layer(return_sequences=True, name="recurrent_0")
        kind = type(layer).__name__
        require(isinstance(layer, keras.layers.RNN), f"recurrent_layer must give a keras.layers.RNN, not a {kind}")
        require(layer.name == "recurrent_0" and layer.return_sequences, "recurrent_layer must pass its arguments on")
        answered = sized.network(sized.task.train_batch(0, 0, _BATCH)[0])
        require(np.isfinite(np.asarray(answered)).all(), "the untrained network must give finite answers")


def _parameters(sizes: tuple[Sized, ...]) -> None:
    """`layer_parameters` counts what a layer has, whatever the width of its inputs."""
    for sized in sizes:
        for network, task in ((sized.network, sized.task), (build(_NARROW, sized.model, 0), _NARROW)):
            layers = [layer for layer in network.layers if layer.name.startswith("recurrent")]
            found = sum(int(np.prod(weight.shape)) for layer in layers for weight in layer.trainable_weights)
            width = task.inputs.width
            expected = sized.model.recurrent_parameters(width)
            require(found == expected, f"layer_parameters says {expected} of {width} inputs, the network has {found}")


def _seed(sizes: tuple[Sized, ...]) -> None:
    """The initial weights are a function of the seed."""
    import tensorflow as tf

    for sized in sizes:
        tf.random.set_seed(1)
        first = sized.weights(0)
        tf.random.set_seed(2)
        again, other = sized.weights(0), sized.weights(1)
        same = all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        require(same, "the same seed must give the same weights")
        differ = any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))
        require(differ, "another seed must give other weights")


def _initialize(sizes: tuple[Sized, ...]) -> None:
    """`initialize` draws from the generator that it is given, if it draws at all."""
    for sized in sizes:
        one, again, other = (_initialized(sized, seed) for seed in (0, 0, 1))
        for at, written in enumerate(one.weights):
            require(
                np.array_equal(written, again.weights[at]), "initialize: the same generator must give the same weights"
            )
        drawn = one.drew_elsewhere and any(np.any(a != b) for a, b in zip(one.before, one.weights, strict=True))
        fixed = all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))
        require(not (drawn and fixed), "initialize must draw from its generator: another gives the same random weights")


class _Initialized:
    """A cell's weights before and after `initialize`, from the same start."""

    def __init__(self, before: list[np.ndarray], weights: list[np.ndarray], drew_elsewhere: bool) -> None:
        self.before, self.weights, self.drew_elsewhere = before, weights, drew_elsewhere


def _initialized(sized: Sized, seed: int) -> _Initialized:
    network = build(sized.task, sized.model.model_copy(update={"layers": 1}), 0)
    cell = network.get_layer("recurrent_0").cell
    start = np.random.default_rng(9)
    before = [0.1 * start.normal(size=weight.shape).astype(np.float32) for weight in cell.weights]
    for weight, value in zip(cell.weights, before, strict=True):
        weight.assign(value)
    # As `build` does, so that draws from these generators depend on the seed.
    random.seed(seed)
    np.random.seed(seed)
    given = np.random.default_rng(seed)
    with _watched(type(sized.model)) as drew:
        sized.model.initialize(cell, sized.task.layout.length, given)
    return _Initialized(before, [np.array(weight) for weight in cell.weights], drew())


@contextmanager
def _watched(model_class: type[Model]) -> Iterator[Callable[[], bool]]:
    """Tells whether any generator other than the given one was made or used inside."""
    import sys

    import keras
    import tensorflow as tf

    made: list[str] = []

    def noting(function: Any) -> Any:
        if isinstance(function, type):
            start = vars(function)["__init__"]
            return type(function.__name__, (function,), {"__init__": noting(start)})

        def called(*args: Any, **kwargs: Any) -> Any:
            made.append(function.__name__)
            return function(*args, **kwargs)

        return called

    sources = [(np.random, name) for name in ("default_rng", "RandomState", "seed")] + [(random, "seed")]
    sources += [(keras.random, name) for name in ("normal", "uniform", "truncated_normal")]
    sources += [(tf.random, name) for name in ("normal", "uniform", "stateless_normal", "stateless_uniform")]
    originals = {id(getattr(module, name)) for module, name in sources}
    module = sys.modules.get(model_class.__module__)
    # `from numpy.random import default_rng` gives the plug-in a name of its own.
    sources += [(module, name) for name, value in vars(module).items() if id(value) in originals] if module else []
    orthogonal = keras.initializers.Orthogonal
    drawing = next(kind for kind in orthogonal.__mro__ if kind.__name__ == "RandomInitializer")
    patches = [patch.object(module, name, noting(getattr(module, name))) for module, name in sources]
    patches.append(patch.object(drawing, "__init__", noting(vars(drawing)["__init__"])))
    for one in patches:
        one.start()
    before = str(np.random.get_state()), random.getstate()
    try:
        yield lambda: bool(made) or (str(np.random.get_state()), random.getstate()) != before
    finally:
        for one in patches:
            one.stop()


def _states(sizes: tuple[Sized, ...]) -> None:
    """The tapped states hold all that the network knows of the past, at any weights."""
    from rnnbench.training.probes.tapped_states import hold_the_past

    for sized in sizes:
        network, rng = build(sized.task, sized.model, 0), np.random.default_rng(0)
        # A path whose weights start at 0 would not show.
        network.set_weights([weight + 0.2 * rng.normal(size=weight.shape) for weight in network.get_weights()])
        held = hold_the_past(network, sized.task.train_batch(0, 0, _BATCH)[0])
        lost = "the states of the cell must hold all that the network knows of the past"
        require(held, f"{lost}: continuing from them gives another answer")


def _probe(sizes: tuple[Sized, ...]) -> None:
    """Zero probes change nothing, and the derivative w.r.t. a probe agrees with finite differences."""
    from rnnbench.training.probes.gradient_probe import GradientProbe

    for sized in sizes:
        task, network, probe = sized.task, sized.network, GradientProbe(sized.task, sized.model)
        inputs, targets = task.train_batch(0, 0, 3)
        probe.load(network.get_weights())
        zero = np.zeros((*inputs.shape[:2], probe.width))
        same = np.allclose(probe.outputs(inputs, zero), network.predict_on_batch(inputs), atol=1e-5)
        require(same, "the probed network must answer as the network does")
        if sized.probe_is_checked:
            continue
        gradient = probe.gradient((inputs, targets))
        direction = np.random.default_rng(0).normal(size=zero.shape)
        places = probe.by_state(np.broadcast_to(np.arange(probe.width), zero.shape).copy())
        for state, at in places.items():
            only = np.where(np.isin(np.arange(probe.width), at[0, 0]), direction, 0.0)
            ahead, behind = (
                np.sum(task.readout_loss(targets, probe.outputs(inputs, side * _SHIFT * only))) for side in (1, -1)
            )
            found, expected = np.sum(gradient * only), (ahead - behind) / (2 * _SHIFT)
            near = abs(found - expected) <= 1e-3 * abs(expected) + 1e-9
            require(near, f"d loss / d{state}: the probe says {found:.6g}, finite differences {expected:.6g}")


def _gates(sizes: tuple[Sized, ...]) -> None:
    """What a model declares about its gates fits its cell; it may declare nothing."""
    from rnnbench.training.probes.diagnostics import Diagnostics

    for sized in sizes:
        model, network = sized.model, sized.network
        kernels = [cell.recurrent_kernel for cell in cells(network) if hasattr(cell, "recurrent_kernel")]
        for kernel in kernels if model.gate_names else []:
            fits = kernel.shape[-1] == len(model.gate_names) * model.units
            require(fits, "gate_names: one for each block of the weights")
        # This calls the hook on a batch.
        found = Diagnostics(sized.task, model, network).measure(sized.task.split("validation")[0][:_BATCH])
        gates = {name.rpartition("/")[2] for name in found if name.startswith("saturation/closed/")}
        require(gates <= set(model.gate_names), "activations: each gate by its name among gate_names")


MODEL_CHECKS: tuple[Check[tuple[Sized, ...]], ...] = (
    Check("layer", "a keras.layers.RNN over a cell", _layer),
    Check("parameters", "as layer_parameters counts them", _parameters, ("layer",)),
    Check("seed", "the initial weights are a function of it", _seed, ("layer",)),
    Check("initialize", "draws from its generator, if at all", _initialize, ("layer", "seed")),
    Check("states", "hold all that the network knows of the past", _states, ("layer",)),
    Check("gradient probe", "within 1e-3 of finite differences", _probe, ("layer", "states")),
    Check("gates", "as the cell has them", _gates, ("layer",)),
)

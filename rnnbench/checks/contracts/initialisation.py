"""The initial weights of a model: a function of the seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from rnnbench.checks.contracts.check import require
from rnnbench.checks.contracts.sized import Sized
from rnnbench.models.base import Model
from rnnbench.training.network import build, model_layers


def seed(sizes: tuple[Sized, ...]) -> None:
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


def initialize(sizes: tuple[Sized, ...]) -> None:
    """`initialize` draws from the generator that it is given, if it draws at all."""
    for sized in sizes:
        one, again, other = (_initialized(sized, seed) for seed in (0, 0, 1))
        require(all(np.isfinite(weight).all() for weight in one.weights), "initialize must leave finite weights")
        for at, written in enumerate(one.weights):
            require(
                np.array_equal(written, again.weights[at]), "initialize: the same generator must give the same weights"
            )
        drawn = one.drew_elsewhere and any(np.any(a != b) for a, b in zip(one.before, one.weights, strict=True))
        fixed = all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))
        require(not (drawn and fixed), "initialize must draw from its generator: another gives the same random weights")


class _Initialized:
    """A layer's weights before and after `initialize`, from the same start."""

    def __init__(self, before: list[np.ndarray], weights: list[np.ndarray], drew_elsewhere: bool) -> None:
        self.before, self.weights, self.drew_elsewhere = before, weights, drew_elsewhere


def _initialized(sized: Sized, seed: int) -> _Initialized:
    network = build(sized.task, sized.model.model_copy(update={"layers": 1}), 0)
    layer = model_layers(network)[0]
    start = np.random.default_rng(9)
    before = [0.1 * start.normal(size=weight.shape).astype(np.float32) for weight in layer.weights]
    for weight, value in zip(layer.weights, before, strict=True):
        weight.assign(value)
    # As `build` does, so that draws from these generators depend on the seed.
    random.seed(seed)
    np.random.seed(seed)
    given = np.random.default_rng(seed)
    with _watched(type(sized.model)) as drew:
        sized.model.initialize(layer, sized.task.layout.length, given)
    return _Initialized(before, [np.array(weight) for weight in layer.weights], drew())


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

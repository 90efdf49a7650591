"""The tapped network: what `training.network` builds, in float64 and with taps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from rnnbench.experiment.settings import Implementation
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task
from rnnbench.training.network import connected
from rnnbench.training.probes.taps import tap_widths, tapped_call


def tapped_network(
    task: Task, model: Model, implementation: Implementation, truncate: int | None = None
) -> tuple[keras.Model, np.ndarray]:
    """The twin of a run's network, whose last input is the taps, and the name of each tap's signal.

    Taps: (batch, time, width), those of all layers beside each other, the lowest layer first. The names: (width,).
    """
    names: list[str] = []
    slices: list[slice] = []
    taps: Any = None

    def widths(index: int, layer: Any, inputs: Any) -> Any:
        of_layer = tap_widths(index, layer, inputs.shape[-1])
        slices.append(slice(len(names), len(names) + sum(of_layer.values())))
        for name, width in of_layer.items():
            names.extend([name] * width)
        return layer(inputs)

    def call(index: int, layer: Any, inputs: Any) -> Any:
        own = slices[index]
        return tapped_call(layer, inputs, taps[:, :, own] if own.stop > own.start else None, truncate)

    with _in_float64():
        # How many taps there are is known once the layers have been connected without any.
        connected(task, model, implementation, None, widths, dtype="float64")
        taps = keras.Input((None, len(names)), dtype="float64")
        inputs, outputs = connected(task, model, implementation, truncate, call, dtype="float64")
    return keras.Model([*inputs.values(), taps], outputs), np.array(names)


@contextmanager
def _in_float64() -> Iterator[None]:
    """Layers that are made here compute in float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)

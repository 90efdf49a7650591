"""The peers that are compared."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol

from rnnbench.bench.problem import Problem


class Step(Protocol):
    """A training step, ready to run in this process."""

    steps_per_call: int

    def run(self, steps: int) -> float | None:
        """Do `steps`, a multiple of `steps_per_call`, to their end; the mean of their losses, if they have any."""

    def close(self) -> None:
        """Free its memory."""


@dataclass(frozen=True)
class Peer:
    """One way to do a training step."""

    label: str
    description: str
    step: str
    """Module and class of its `Step`."""
    packages: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """The packages it needs that are not installed."""
        return [name for name in self.packages if find_spec(name) is None]

    def load(self) -> type[Step]:
        """Its class; imports its packages."""
        module, _, name = self.step.partition(":")
        found: type[Step] = getattr(importlib.import_module(module), name)
        return found

    def prepare(self, problem: Problem) -> Step:
        """Its step for `problem`."""
        return self.load()(problem, **self.options)  # type: ignore[call-arg]


_TENSORFLOW = {"KERAS_BACKEND": "tensorflow"}


def _on_tensorflow(label: str, description: str, **options: Any) -> Peer:
    return Peer(
        label,
        description,
        "rnnbench.bench.tensorflow_step:TensorFlowStep",
        ("tensorflow", "keras"),
        options,
        _TENSORFLOW,
    )


OURS = "rnnbench"
FLOOR = "floor"
STOCK = ("keras", "keras_no_jit", "keras_jit")
"""Stock Keras on TensorFlow; the fastest of these counts."""
PEERS = {
    OURS: Peer(
        "rnnbench", "rnnbench.layers, compiled by XLA as in `rnnbench run`; on several cores in as many shards",
        "rnnbench.bench.our_step:OurStep", ("tensorflow", "keras"), environment=_TENSORFLOW,
    ),
    "keras": _on_tensorflow(
        "Keras/TF, default", "keras.layers on TensorFlow, compile() defaults: without a GPU they leave XLA off",
        jit_compile="auto", many_a_call=False,
    ),
    "keras_no_jit": _on_tensorflow(
        "Keras/TF, no jit", "keras.layers on TensorFlow, jit_compile=False", jit_compile=False
    ),
    "keras_jit": _on_tensorflow(
        "Keras/TF, jit", "keras.layers on TensorFlow, jit_compile=True", jit_compile=True
    ),
    "keras_jax": Peer(
        "Keras/JAX", "keras.layers on JAX, the whole step under jax.jit", "rnnbench.bench.jax_step:JaxStep",
        ("jax", "keras"), environment={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    ),
    "torch": Peer(
        "PyTorch", "torch.nn.RNN, LSTM and GRU", "rnnbench.bench.torch_step:TorchStep", ("torch",)
    ),
    FLOOR: Peer(
        "floor", "only the matrix products of the recurrence, in NumPy on one thread, as they are small",
        "rnnbench.bench.matrix_products:MatrixProducts", ("numpy",),
        environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    ),
}  # fmt: skip
"""By their names in the tables."""

"""What is timed: one training step on copy-memory, from the same data and the same weights for every peer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from rnnbench.errors import UserError
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.stream import Ports

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
"""The cells, and the number of blocks of units in their kernels."""
SIZES = ((32, 500, 128), (128, 500, 64), (32, 100, 32), (8, 500, 128), (32, 1000, 128))
"""Batch, length and units that are timed by default."""
PLAIN_CELLS = ("layer_norm_lstm", "janet", "peephole_lstm")
"""Cells that have no loop of their own, see `cells`."""
PLAIN_SIZES = ((64, 100, 64), (32, 500, 128))
"""Batch, length and units at which they are timed."""
LEARNING_RATE = 1e-3
EPSILON = 1e-7
"""Adam's, as in Keras."""
GLOBAL_CLIPNORM = 1.0
_SHORT = 3_000_000
"""Batch x length x units below which ten steps share a call, as in training; else the overhead of a call would show."""

Weights = dict[str, np.ndarray]


class _WithoutDistractors(CopyMemory):
    """The literature's one-hot of 10, without the places of a second alphabet."""

    @property
    def ports(self) -> Ports:
        return Ports(features=self.alphabet + 2)


@dataclass(frozen=True)
class Problem:
    """A recurrent layer over the whole sequence, a dense readout of the recall steps, softmax cross entropy, Adam and
    clipping by the global norm."""

    cell: str
    batch: int
    length: int
    units: int
    shards: int = 1
    """Equal parts of the batch that ours computes side by side; peers know only 1."""
    buffer: int | None = None
    """Steps of the buffer in which ours is given sequences, their length as data; None: in none."""

    @property
    def size(self) -> str:
        """`"32,500,128"`: batch, length, units."""
        return f"{self.batch},{self.length},{self.units}"

    @property
    def steps_per_call(self) -> int:
        """Training steps per call of a compiled function (Keras' `steps_per_execution`)."""
        return 10 if self.batch * self.length * self.units < _SHORT else 1

    @property
    def recalled(self) -> int:
        """Steps read out at the end: 10 as in the literature, fewer in very short sequences."""
        return min(10, self.length // 3)

    @property
    def task(self) -> CopyMemory:
        return _WithoutDistractors(lag=self.length - 2 * self.recalled, symbols=self.recalled)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """One-hot inputs (batch, length, 10) float32, and targets (batch, recalled) int32."""
        stream = self.task.train_batch(0, 0, self.batch)
        return stream.inputs, stream.targets

    def weights(self) -> Weights:
        """Initial weights, of a plain cell those of the head alone.

        In Keras' layout: Glorot and orthogonal kernels as its defaults, biases that are not 0.

        A bias of 0 would hide that a peer leaves it out. The GRU's is that of `reset_after=True`, (2, 3 units).
        """
        rng = np.random.default_rng(0)
        width = self.task.ports.width
        weights = self._of_cell(rng, width) if self.cell in GATES else {}
        weights |= {
            "head_kernel": _glorot(rng, self.units, self.task.outputs),
            "head_bias": np.zeros(self.task.outputs),
        }
        return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in weights.items()}

    def _of_cell(self, rng: np.random.Generator, width: int) -> Weights:
        gates = GATES[self.cell]
        orthogonal, _ = np.linalg.qr(rng.normal(size=(gates * self.units, self.units)))
        bias = rng.uniform(-0.1, 0.1, size=(2, gates * self.units) if self.cell == "gru" else gates * self.units)
        if self.cell == "lstm":
            bias[self.units : 2 * self.units] += 1
        return {
            "kernel": _glorot(rng, width, gates * self.units),
            "recurrent_kernel": orthogonal.T,
            "bias": bias,
        }

    def on_cores(self, cores: int) -> Problem:
        """As ours computes it on so many cores: in as many shards, or the most below that divide the batch."""
        return replace(self, shards=next(k for k in range(cores, 0, -1) if self.batch % k == 0))

    def as_dict(self) -> dict[str, str | int | None]:
        return asdict(self)


def parse_size(text: str) -> tuple[int, int, int]:
    """Batch, length and units of `"32,500,128"`; raises `UserError`."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) for part in parts):
        raise UserError(f"--size {text}: give batch, length and units, such as 32,500,128")
    batch, length, units = map(int, parts)
    if length < 4:
        raise UserError(f"--size {text}: copy-memory needs a length of at least 4")
    return batch, length, units


def _glorot(rng: np.random.Generator, inputs: int, outputs: int) -> np.ndarray:
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, size=(inputs, outputs))

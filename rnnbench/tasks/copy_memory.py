"""Copy-memory: recall K symbols after a lag of T steps, as in Arjovsky, Shah & Bengio 2016."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.registry import register_task
from rnnbench.tasks.base import Batch, ClassificationTask, Features, Layout, Split, accuracy, cross_entropy

_STREAMS = {"train": 0, "validation": 1, "test": 2}


@register_task("copy_memory")
class CopyMemory(ClassificationTask):
    """Repeat the first `symbols` symbols after `lag` steps of blanks or noise.

    With K = `symbols` and T = `lag`. Input, one-hot: K symbols from 1..`alphabet`, T-1 blanks (0), the marker
    `alphabet`+1 at index T+K-1, K blanks; length T+2K. Target: T+K blanks, then the K symbols. A distractor filler
    replaces each of the T-1 blanks with a random symbol of a second alphabet, of the same size and never a target.
    Source: Arjovsky, Shah & Bengio 2016, section 5.1, and its `memory_problem.py`.
    """

    lag: int = Field(ge=1)
    """Steps between the last symbol and the first recall step: T in the papers."""
    symbols: int = Field(10, ge=1)
    """Number of symbols to remember: K in the papers."""
    alphabet: int = Field(8, ge=2)
    """Number of distinct symbols."""
    objective: Literal["recall", "all"] = "recall"
    """The training loss covers `recall`: the K recall steps only; `all`: all T+2K steps, as in the papers."""
    examples: int = Field(1000, ge=1)
    """Number of examples in the validation split, and in the test split."""

    solved_score: ClassVar[float | None] = 0.99
    answers_every_step: ClassVar[bool] = True

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.symbols, lag=self.lag, readout=self.symbols)

    @property
    def inputs(self) -> Features:
        return Features(width=self.alphabet + 2 + (self.alphabet if self.filler == "distractor" else 0))

    @property
    def outputs(self) -> int:
        return self.alphabet + 1

    def split_sizes(self) -> dict[str, int]:
        return dict.fromkeys(("validation", "test"), self.examples)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Batch:
        return self._draw(np.random.default_rng([_STREAMS["train"], seed, step]), batch_size)

    def split(self, name: Split) -> Batch:
        return self._draw(np.random.default_rng([_STREAMS[name]]), self.examples)

    def _draw(self, rng: np.random.Generator, n: int) -> Batch:
        symbols = rng.integers(1, self.alphabet + 1, size=(n, self.symbols))
        index = np.zeros((n, self.layout.length), dtype=np.int32)
        index[:, : self.symbols] = symbols
        if self.filler == "distractor":
            first = self.alphabet + 2
            noise = rng.integers(first, first + self.alphabet, size=(n, self.lag - 1))
            index[:, self.symbols : self.symbols + self.lag - 1] = noise
        index[:, self.symbols + self.lag - 1] = self.alphabet + 1
        targets = np.zeros_like(index)
        targets[:, -self.symbols :] = symbols
        return np.eye(self.inputs.width, dtype=np.float32)[index], targets

    def loss(self, targets: Any, outputs: Any) -> Any:
        """Mean cross entropy, in nats, over the steps that `objective` selects."""
        import keras

        if self.objective == "recall":
            return self.readout_loss(targets, outputs)
        per_step = keras.losses.sparse_categorical_crossentropy(targets, outputs, from_logits=True)
        return keras.ops.mean(per_step, axis=-1)

    def readout_loss(self, targets: Any, outputs: Any) -> Any:
        """Mean cross entropy, in nats, over the K recall steps (memoryless: ln `alphabet`)."""
        import keras

        recall = slice(-self.symbols, None)
        per_step = keras.losses.sparse_categorical_crossentropy(
            targets[:, recall], outputs[:, recall], from_logits=True
        )
        return keras.ops.mean(per_step, axis=-1)

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Recall accuracy and both cross entropies; `loss` is the training loss."""
        per_step = cross_entropy(targets, outputs)
        recall = slice(-self.symbols, None)
        losses = {"recall_loss": float(per_step[:, recall].mean()), "all_position_loss": float(per_step.mean())}
        trained = "recall_loss" if self.objective == "recall" else "all_position_loss"
        return {"accuracy": accuracy(targets[:, recall], outputs[:, recall]), "loss": losses[trained], **losses}

    def memoryless(self) -> float:
        """Chance: 1 / `alphabet`."""
        return 1 / self.alphabet

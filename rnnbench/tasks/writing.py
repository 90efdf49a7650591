"""Text that a network writes: one character after the other, each read before the next is chosen. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from rnnbench.tasks.stream import Layout


class Reader(Protocol):
    """A trained network that reads some tokens at a time."""

    def read(self, tokens: np.ndarray, before: Any) -> tuple[np.ndarray, Any]:
        """The raw outputs after `tokens`, (T,), and what to give as `before` to go on from there; None: the start."""


class Choice(NamedTuple):
    """How a character is chosen from the network's logits."""

    temperature: float = 1.0
    """Logits are divided by it; 0: the likeliest character."""
    top_k: int | None = None
    """Only so many of the likeliest characters; None: all."""

    def of(self, logits: np.ndarray, rng: np.random.Generator) -> int:
        """The id of a character, from logits (outputs,)."""
        logits = logits.astype(np.float64)
        if self.temperature == 0:
            return int(logits.argmax())
        if self.top_k is not None and self.top_k < len(logits):
            # By rank and not by value, of which several may be equal.
            logits[np.argsort(-logits, kind="stable")[self.top_k :]] = -np.inf
        shares = np.exp((logits - logits.max()) / self.temperature)
        return int(rng.choice(len(shares), p=shares / shares.sum()))


def streamed(reader: Reader, prompt: np.ndarray, choice: Choice, rng: np.random.Generator) -> Iterator[int]:
    """Ids without end, of a network that is asked for the next character at each: it reads on where it was."""
    logits, state = reader.read(prompt, None)
    while True:
        chosen = choice.of(logits, rng)
        yield chosen
        logits, state = reader.read(np.array([chosen], np.int32), state)


def continued(
    reader: Reader, prompt: np.ndarray, layout: Layout, between: np.ndarray, choice: Choice, rng: np.random.Generator
) -> Iterator[int]:
    """Ids without end, of a network that is asked behind a lag for `layout.readout` characters at a time.

    Then the last `layout.evidence` characters, of the prompt and of what was written, are read anew as evidence, before
    `between`: the lag's filler and the marker, (lag + 1,).
    """
    text = prompt
    while True:
        logits, state = reader.read(np.concatenate([text[-layout.evidence :], between]), None)
        for place in range(layout.readout):
            chosen = np.array([choice.of(logits, rng)], np.int32)
            yield int(chosen[0])
            text = np.concatenate([text, chosen])
            if place < layout.readout - 1:
                logits, state = reader.read(chosen, state)

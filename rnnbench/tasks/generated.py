"""Tasks whose sequences are drawn by definition: no data set, any number of examples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from pydantic import Field

from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.stream import Stream

_STREAMS = {"train": 0, "validation": 1, "test": 2}


class GeneratedTask(Task, ABC):
    """Sequences drawn anew for each training batch, and once for each split."""

    examples: int = Field(1000, ge=1)
    """Number of examples in the validation split, and in the test split."""

    @abstractmethod
    def _draw(self, rng: np.random.Generator, n: int) -> Stream:
        """`n` sequences at `lag`."""

    def split_sizes(self) -> dict[str, int]:
        return dict.fromkeys(("validation", "test"), self.examples)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        return self._draw(np.random.default_rng([_STREAMS["train"], seed, step]), batch_size)

    def split(self, name: Split) -> Iterator[Stream]:
        yield self._draw(np.random.default_rng([_STREAMS[name]]), self.examples)

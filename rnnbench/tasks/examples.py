"""One split of a data set before the lag is added, and what a simple model makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnbench.datasets.cache import cached, in_memory
from rnnbench.tasks import simple_models

TRAINED_ON = 20_000
"""At most so many training examples are fitted."""
_VERSION = 3
"""Raise it when a fit changes: what is stored is then computed again."""


class Examples(NamedTuple):
    """One split before the lag is added."""

    evidence: np.ndarray
    """(n, steps, width) float32, or (n, steps) int32 tokens."""
    targets: np.ndarray
    """One answer: (n,) classes or (n, outputs) values. Or one for each of R readout steps: (n, R), (n, R, outputs)."""


def evidence_in_view(task: Any) -> dict[str, float]:
    """Accuracy, by split, of a logistic regression that sees the whole evidence of a task at once.

    Features are flattened; of tokens it sees the bag of words. The same at every lag and with every filler. For real
    data it is computed once and stored; otherwise once a process. (`Any` because tasks import this module.)
    """
    filler = task.fillers[0]
    return _in_view(task.model_copy(update={"filler": filler, "training_lags": "fixed", "lead": "none", "lag": 0}))


@in_memory(maxsize=16)
def _in_view(task: Any) -> dict[str, float]:
    return stored(task, "reference", {"lag", "filler"}, lambda: _fit(task))


def stored(task: Any, name: str, apart_from: set[str], fit: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What `fit` gives, kept on disk for tasks with a `data_key`.

    It depends on the data and on the settings, but for protocols and those in `apart_from`.
    """
    key = getattr(task, "data_key", None)
    if key is None:
        return fit()
    versions = {"fit": _VERSION, "task": type(task).version, "data": key}
    settings = task.model_dump(mode="json", exclude={"training_lags", "lead", *apart_from})
    found = cached(
        name,
        {"class": type(task).__name__, "settings": settings, **versions},
        lambda: {key: np.array(value) for key, value in fit().items()},
    )
    return {key: float(value) for key, value in found.items()}


def _fit(task: Any) -> dict[str, float]:
    splits = {split: task.examples(split) for split in ("train", "validation", "test")}
    words = bool(task.ports.vocabulary)
    seen = {
        split: simple_models.counts(examples.evidence, task.ports.vocabulary)
        if words
        else examples.evidence.reshape(len(examples.evidence), -1)
        for split, examples in splits.items()
    }
    model = simple_models.of_words if words else simple_models.logistic
    chosen = np.random.default_rng(0).permutation(len(splits["train"].targets))[:TRAINED_ON]
    answers = model(
        seen["train"][chosen], splits["train"].targets[chosen], seen["validation"], splits["validation"].targets
    )
    return {
        split: simple_models.accuracy(answers(seen[split]), splits[split].targets) for split in ("validation", "test")
    }

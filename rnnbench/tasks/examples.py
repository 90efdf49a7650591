"""One split of a data set before the lag is added, and what a simple model makes of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnbench.datasets import catalogue
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.tasks import simple_models

TRAINED_ON = 20_000
"""At most so many training examples are fitted."""
_VERSION = 1
"""Raise it when the fit changes: stored accuracies are then computed again."""


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
    def fit() -> dict[str, np.ndarray]:
        return {split: np.array(accuracy) for split, accuracy in _fit(task).items()}

    if task.source in catalogue.DATA_SETS and type(task).__module__.startswith("rnnbench."):
        settings = task.model_dump(mode="json", exclude={"lag", "filler", "training_lags", "lead"})
        versions = {"reference": _VERSION, "task": type(task).version, "data": catalogue.fingerprint(task.source)}
        found = cached("reference", {"class": type(task).__name__, "settings": settings, **versions}, fit)
    else:
        found = fit()
    return {split: float(accuracy) for split, accuracy in found.items()}


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

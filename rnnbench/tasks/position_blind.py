"""What can be told of the answer by who sees all steps, filler included, but not where each stands.

Where decoys fill the lag this is what counting alone gives: the rest is the cue's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnbench.datasets.cache import in_memory
from rnnbench.tasks import simple_models
from rnnbench.tasks.examples import stored
from rnnbench.tasks.stream import Stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

TRAINED_ON = 20_000
"""At most so many training examples."""
_BATCH = 500


def position_blind(task: Any) -> float:
    """Test score of a simple model that sees the stream at the task's lag as a bag of steps.

    Tokens: logistic regression on their tf-idf. Features: on their mean over all steps, which tells the cue's share and
    not what it marks; for values, ridge regression. Of several answers each is told alike, as all see the same bag.
    Tasks have type `Any` because they import this module. Computed once a process, and kept on disk for real data.
    """
    bare = task.model_copy(update={"training_lags": "fixed", "lead": "none"})
    return _position_blind(bare)


@in_memory(maxsize=32)
def _position_blind(task: Any) -> float:
    return stored(task, "position-blind", set(), lambda: {"test": _fit(task)})["test"]


def _fit(task: Any) -> float:
    train_x, train_y = _bags(task, _training(task))
    held_x, held_y = _bags(task, task.split("validation"))
    test_x, test_y = _bags(task, task.split("test"))
    if np.issubdtype(train_y.dtype, np.integer):
        model = simple_models.of_words if task.ports.vocabulary else simple_models.logistic
        return simple_models.accuracy(model(train_x, train_y, held_x, held_y)(test_x), test_y)
    answers = simple_models.ridge(train_x, train_y, held_x, held_y)(test_x)
    return float(np.mean((answers - test_y) ** 2))


def _training(task: Any) -> Iterator[Stream]:
    # What is drawn has no end.
    size = len(task.examples("train").targets) if callable(getattr(task, "examples", None)) else TRAINED_ON
    most = min(size, max(1, TRAINED_ON // task.layout.readout))
    batch = min(_BATCH, most)
    return (task.train_batch(0, step, batch) for step in range(most // batch))


def _bags(task: Any, streams: Iterable[Stream]) -> tuple[Any, np.ndarray]:
    """A row for each answer, and the answer: counts of tokens, or mean features."""
    bags, answers = [], []
    for stream in streams:
        # Tokens alone, where there are both: beside them stands the cue.
        if stream.tokens is not None:
            seen = simple_models.counts(stream.tokens, task.ports.vocabulary)
        else:
            seen = stream.features.mean(axis=1, dtype=np.float64)  # type: ignore[union-attr]
        if stream.targets.shape[1] == 1:
            bags.append(seen)
            answers.append(stream.targets[:, 0])
            continue
        weights = stream.scored_only.weights
        example, read = np.nonzero(np.ones(stream.targets.shape[:2]) if weights is None else weights)
        bags.append(seen[example])
        answers.append(stream.targets[example, read])
    return _stacked(bags), np.concatenate(answers)


def _stacked(bags: list[Any]) -> np.ndarray | csr_matrix:
    if isinstance(bags[0], np.ndarray):
        return np.concatenate(bags)
    from scipy.sparse import vstack

    return vstack(bags, format="csr")

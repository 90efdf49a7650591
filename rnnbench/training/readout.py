"""What a linear readout finds of the answer in a network's states: the frozen level, and what can be read.

A ridge regression on the states, whose targets are one-hot for classes and the numbers themselves for numbers. It is
fitted on some training examples at exactly the run's lag, behind the leads of training; its penalty is the one of the
best score on validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream, chunks
from rnnbench.training.metrics import results
from rnnbench.training.probes.profile import first_scored_steps
from rnnbench.training.ridge import PENALTIES, Line, Ridge

if TYPE_CHECKING:
    from rnnbench.training.probes.states import States

EXAMPLES = 1000
"""About how many training examples a readout is fitted on, and at most how many of validation it is judged by."""
RESOLUTION = 1e-6
"""To how much of their size (root mean square, at least 1) states are read: some ten times float32's own rounding."""
_NOISE = 0x40155
_DISTANCES = 6
_MOST_TARGETS = 20_000
"""Numbers that the answer to one example may consist of; beyond it, what can be read is not measured."""


class Reader(Protocol):
    """Reads the states of a network: see `probes.states.StateReader`."""

    def read(
        self, streams: Sequence[Stream], shown: Sequence[np.ndarray], read: Sequence[np.ndarray]
    ) -> Sequence[States]: ...


class Reading(NamedTuple):
    """Streams, and of each the states of a network at the distances shown, and what its head reads."""

    streams: Sequence[Stream]
    states: Sequence[States]


def reading(task: Task, reader: Reader, streams: Sequence[Stream]) -> Reading:
    """Read the states of some streams, to `RESOLUTION`.

    A network that has forgotten runs into a state that depends on the past in its last bits alone. With noise of their
    size those tell nothing.
    """
    distances = np.array(shown_distances(task))
    shown = [np.maximum(first_scored_steps(one, task.layout)[:, None] - distances, 0) for one in streams]
    found = reader.read(streams, shown, [read_steps(task, one) for one in streams])
    rng = np.random.default_rng(_NOISE)
    return Reading(streams, [type(one)(*(_blurred(part, rng) for part in one)) for one in found])


def _blurred(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(B, S, width), with noise of the size of each step's rounding."""
    exact = values.astype(np.float64)
    return exact + RESOLUTION * _size(exact, axis=(0, 2)) * rng.standard_normal(exact.shape)


def _size(values: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """Root mean square, at least 1; what is not finite counts as 0."""
    known = np.where(np.isfinite(values), values, 0.0)
    return np.maximum(1.0, np.sqrt(np.mean(np.square(known), axis=axis, keepdims=True)))


def _ridge(features: np.ndarray, targets: np.ndarray) -> Ridge:
    """Of features, (n, width), whose noise alone has no weight."""
    return Ridge(features, targets, least=3 * RESOLUTION * float(_size(features, axis=(0, 1))[0, 0]))


def training_streams(task: Task, seed: int, batch_size: int) -> list[Stream]:
    """The first training examples at exactly the task's lag, behind the leads of their steps."""
    at_its_lag = task.model_copy(update={"training_lags": "fixed"})
    count = -(-EXAMPLES // batch_size)
    return [at_its_lag.training_stream(seed, step, batch_size) for step in range(count)]


def first_of(streams: Iterable[Stream], size: int) -> list[Stream]:
    """The first `EXAMPLES` examples of a split, at most `size` in each stream."""
    found: list[Stream] = []
    for stream in chunks(streams, size):
        left = EXAMPLES - sum(one.examples for one in found)
        if left <= 0:
            break
        found.append(stream.rows(slice(left)))
    return found


def numbers(task: Task, targets: np.ndarray) -> np.ndarray | None:
    """Targets, (B, R) of classes or (B, R, outputs), as (B, R, outputs); None: a line cannot answer with them."""
    if not (task.aligned and task.least_squares):
        return None
    if targets.ndim == 2 and np.issubdtype(targets.dtype, np.integer):
        fits = task.outputs > 1 and targets.min(initial=0) >= 0 and targets.max(initial=0) < task.outputs
        return np.eye(task.outputs, dtype=np.float32)[targets] if fits else None
    return targets if targets.ndim == 3 and targets.shape[2] == task.outputs else None


def asked(stream: Stream) -> np.ndarray:
    """(B, R) bool: the read steps that are scored and have a weight."""
    weights = stream.scored_only.weights
    return np.ones(stream.targets.shape[:2], bool) if weights is None else weights > 0


def readout(task: Task, trained: Reading, chosen_on: Reading) -> Line | None:
    """The answer at each scored step from the output of the last layer there: what a trained head would be.

    None where the targets are neither classes nor as many numbers as the network answers with, are not `aligned`, or
    are not fitted by `least_squares`.
    """
    rows, values = [], []
    for stream, states in zip(*trained, strict=True):
        of_stream = numbers(task, stream.targets)
        if of_stream is None:
            return None
        rows.append(states.output[asked(stream)])
        values.append(of_stream[asked(stream)])

    def answers(line: Line) -> list[np.ndarray]:
        # In float32, as a head computes: a line that lives on more digits is of no use to it.
        weights, bias = line.weights.astype(np.float32), line.bias.astype(np.float32)
        return [states.output.astype(np.float32) @ weights + bias for states in chosen_on.states]

    return best(task, _ridge(np.concatenate(rows), np.concatenate(values)), chosen_on.streams, answers)


def readable(task: Task, trained: Reading, validation: Reading) -> dict[int, float]:
    """The score of the whole answer, read from the joint state at a single step, by its distance from the readout.

    Of the validation examples every other one chooses the penalty, and the rest are scored. Empty where `readout` has
    no answer, and where an answer is of very many numbers.
    """
    answered = min(task.layout.readout, trained.streams[0].targets.shape[1])
    if answered * task.outputs > _MOST_TARGETS or numbers(task, trained.streams[0].targets) is None:
        return {}

    def wanted(stream: Stream) -> np.ndarray:
        values = numbers(task, stream.targets) * asked(stream)[..., None]
        return values[:, -answered:].reshape(stream.examples, -1)

    states = np.concatenate([one.joint for one in trained.states])
    targets = np.concatenate([wanted(one) for one in trained.streams])
    choosing, judged = (_every_other(validation, start) for start in (0, 1))
    judged = judged if judged.streams else choosing

    def answers(part: Reading, at: int, line: Line) -> list[np.ndarray]:
        found = []
        for stream, read in zip(*part, strict=True):
            outputs = np.zeros((*stream.targets.shape[:2], task.outputs))
            outputs[:, -answered:] = line(read.joint[:, at]).reshape(stream.examples, answered, -1)
            found.append(outputs)
        return found

    scores = {}
    for at, distance in enumerate(shown_distances(task)):
        line = best(task, _ridge(states[:, at], targets), choosing.streams, partial(answers, choosing, at))
        scores[distance] = score_of(task, judged.streams, answers(judged, at, line))
    return scores


def _every_other(whole: Reading, start: int) -> Reading:
    """Every other example of each stream, from `start` on."""
    rows = slice(start, None, 2)
    pairs = [(one.rows(rows), type(read)(*(part[rows] for part in read))) for one, read in zip(*whole, strict=True)]
    kept = [pair for pair in pairs if pair[0].examples]
    return Reading([stream for stream, _ in kept], [read for _, read in kept])


def shown_distances(task: Task) -> list[int]:
    """Distances from the first readout step at which states are read: evenly spread, 0 and the last evidence step
    among them."""
    return sorted({round(part * (task.layout.lag + 1) / (_DISTANCES - 1)) for part in range(_DISTANCES)})


def read_steps(task: Task, stream: Stream) -> np.ndarray:
    """The steps of a stream that are read, (B, R)."""
    if stream.readout is not None:
        return stream.readout
    count = stream.targets.shape[1]
    return np.broadcast_to(np.arange(stream.steps - count, stream.steps), (stream.examples, count))


def best(task: Task, ridge: Ridge, streams: Sequence[Stream], answers: Callable[[Line], Sequence[np.ndarray]]) -> Line:
    """The line of the penalty whose answers score best; of equal ones the largest."""
    lines = [ridge.line(penalty) for penalty in reversed(PENALTIES)]
    scores = [score_of(task, streams, answers(line)) for line in lines]
    chosen = 0
    for at, score in enumerate(scores):
        if task.better(score, scores[chosen]):
            chosen = at
    return lines[chosen]


def score_of(task: Task, streams: Sequence[Stream], answers: Sequence[np.ndarray]) -> float:
    """The task's score of some answers, (B, R, outputs) for each stream. Raises `UserError` as `metrics.results`."""
    metric = task.metric()
    for stream, outputs in zip(streams, answers, strict=True):
        metric.update(stream, outputs)
    return results(task, metric)[task.score.name].value

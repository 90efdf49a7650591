"""The data of a task: shapes, values, and what they depend on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.tasks.base import Batch, ClassificationTask, Features, RegressionTask, Split, Task

SPLITS: tuple[Split, ...] = ("validation", "test")
_STEPS = range(5, 13)
_DISTINCT = 8
"""Distinct sequences in a batch, from which on two batches are not equal by chance."""


def inputs(points: Points) -> None:
    """Shape, dtype and range of the inputs of training batches and splits."""
    for point in points:
        task, layout = point.task, point.task.layout
        require(layout.lag == task.lag, f"layout.lag is {layout.lag}; the task's lag is {task.lag}")
        require(layout.evidence >= 1, "layout.evidence is 0; it needs at least one step")
        require(layout.readout >= 1, "layout.readout is 0; it needs at least one step")
        require(
            len(point.batch[0]) == point.batch_size, f"a batch of {point.batch_size} has {len(point.batch[0])} rows"
        )
        for of, (found, _) in _all(point).items():
            _inputs_fit(task, of, found)


def targets(points: Points) -> None:
    """Shape, dtype and range of the targets."""
    for point in points:
        for of, (found, answers) in _all(point).items():
            require(
                len(answers) == len(found), f"targets of the {of}: {len(answers)} rows, the inputs have {len(found)}"
            )
            _targets_fit(point.task, of, np.asarray(answers))


def functions_of_their_arguments(points: Points) -> None:
    """A batch depends on seed and step, and on nothing else; a split is the same at every call."""
    for point in points:
        task, size = point.task, point.batch_size
        _same(point.batch, task.train_batch(3, 5, size), "a batch must be a function of (seed, step): two calls differ")
        for name in SPLITS:
            _same(point.split(name), task.split(name), f"the {name} split must be the same at every call")
        _looks_at_seed_and_step(point)


def same_at_every_lag(points: Points) -> None:
    """The evidence and the answers do not depend on the lag."""
    for short, long in points.ends:
        steps = short.task.layout.evidence
        if steps != long.task.layout.evidence:
            continue
        for of in ("batch", *SPLITS):
            (a, a_targets), (b, b_targets) = getattr(short, of), getattr(long, of)
            require(np.array_equal(a[:, :steps], b[:, :steps]), "the evidence must be the same at every lag")
            same = np.array_equal(short.readout(a_targets), long.readout(b_targets))
            require(same, "the answers must be the same at every lag")


def fillers(points: Points) -> None:
    """A filler changes neither evidence nor readout; distractors differ by example."""
    for quiet, noisy in zip(points.by_filler.get("blank", ()), points.by_filler.get("distractor", ()), strict=False):
        if quiet.task.lag == noisy.task.lag:
            _only_the_lag_changes(quiet, noisy)
    for point in points.by_filler.get("distractor", ()):
        layout = point.task.layout
        noise = point.batch[0][:, layout.evidence : layout.first_readout]
        # A single step may be a marker, and where there are few distractors two examples may share one.
        if points.spread or noise.shape[1] < 3:
            continue
        differ = len(np.unique(noise.reshape(len(noise), -1), axis=0)) > 1
        if not (differ or points.asked_for):
            raise NotCheckedError("the task accepts 'filler: distractor' but fills in nothing; do not use it")
        require(differ, "distractors must differ by example")


def _all(point: Point) -> dict[str, Batch]:
    return {"training batch": point.batch, "validation split": point.validation, "test split": point.test}


def _inputs_fit(task: Task, of: str, found: np.ndarray) -> None:
    features = isinstance(task.inputs, Features)
    name, wanted = ("inputs", "float32") if features else ("token inputs", "int32")
    require(isinstance(found, np.ndarray), f"{name} of the {of} are not a NumPy array but {type(found).__name__}")
    shape = (task.layout.length, *([task.inputs.width] if features else []))
    said = f"(batch, {', '.join(map(str, shape))})"
    require(found.shape[1:] == shape, f"{name} of the {of} have shape {found.shape}; {said} is wanted")
    require(len(found) > 0, f"the {of} is empty")
    require(found.dtype == wanted, f"{name} are {found.dtype}; {wanted} is wanted ({of})")
    if features:
        wrong = np.count_nonzero(~np.isfinite(found))
        require(not wrong, f"{name} of the {of} hold {wrong} values that are NaN or infinite")
    else:
        vocabulary = task.inputs.vocabulary  # type: ignore[union-attr]
        low, high = found.min(), found.max()
        require(low >= 0 and high < vocabulary, f"tokens of the {of} go from {low} to {high}; vocabulary: {vocabulary}")


def _targets_fit(task: Task, of: str, found: np.ndarray) -> None:
    name, steps = f"targets of the {of}", (task.layout.length,) if task.answers_every_step else ()
    if isinstance(task, ClassificationTask):
        require(found.shape[1:] == steps, f"{name} have shape {found.shape}; {_shape(steps)} is wanted")
        require(np.issubdtype(found.dtype, np.integer), f"targets are {found.dtype}; int32 is wanted ({of})")
        low, high = found.min(), found.max()
        require(low >= 0 and high < task.outputs, f"{name} go from {low} to {high}; there are {task.outputs} outputs")
        return
    if isinstance(task, RegressionTask):
        wanted = (*steps, task.outputs)
        require(found.shape[1:] == wanted, f"{name} have shape {found.shape}; {_shape(wanted)} is wanted")
        require(found.dtype == np.float32, f"targets are {found.dtype}; float32 is wanted ({of})")
    if np.issubdtype(found.dtype, np.floating):
        wrong = np.count_nonzero(~np.isfinite(found))
        require(not wrong, f"{name} hold {wrong} values that are NaN or infinite")


def _shape(after_batch: Sequence[int]) -> str:
    return f"({', '.join(['batch', *map(str, after_batch)])}{'' if after_batch else ','})"


def _same(a: Batch, b: Batch, message: str) -> None:
    require(all(np.array_equal(x, y) for x, y in zip(a, b, strict=True)), message)


def _looks_at_seed_and_step(point: Point) -> None:
    """Compare evidence and answers alone: fresh distractors would hide that the examples are the same."""

    def examples(seed: int) -> list[bytes]:
        batches = (point.task.train_batch(seed, step, point.batch_size) for step in _STEPS)
        return [point.evidence(inputs).tobytes() + point.readout(targets).tobytes() for inputs, targets in batches]

    one, other = examples(3), examples(4)
    evidence = point.evidence(point.batch[0])
    telling = len(np.unique(evidence.reshape(len(evidence), -1), axis=0)) >= _DISTINCT
    again = any(a == b for a, b in itertools.pairwise(one)) if telling else len(set(one)) == 1
    require(not again, "two steps must not get the same batch")
    again = any(a == b for a, b in zip(one, other, strict=True)) if telling else one == other
    require(not again, "two seeds must not get the same batch")


def _only_the_lag_changes(quiet: Point, noisy: Point) -> None:
    layout = quiet.task.layout
    if layout != noisy.task.layout:
        return
    a, b = quiet.batch[0], noisy.batch[0]
    if a.ndim == 3:
        # Distractors may have channels of their own, after the others.
        shared = min(a.shape[-1], b.shape[-1])
        a, b = a[..., :shared], b[..., :shared]
    require(np.array_equal(a[:, : layout.evidence], b[:, : layout.evidence]), "a filler must not change the evidence")
    readout = layout.first_readout
    require(np.array_equal(a[:, readout:], b[:, readout:]), "a filler must not change the readout")

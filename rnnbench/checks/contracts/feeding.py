"""Tasks whose answers are fed back: what a step reads is what `fed_back` makes of the answer before."""

from __future__ import annotations

import numpy as np

from rnnbench.checks.contracts import answers
from rnnbench.checks.contracts.check import NotCheckedError, require
from rnnbench.checks.contracts.data import SPLITS
from rnnbench.checks.contracts.points import Point, Points
from rnnbench.checks.contracts.scoring import metrics
from rnnbench.tasks.stream import Stream


def fed_back(points: Points) -> None:
    """Streams are teacher-forced, and the first step that is read tells nothing."""
    for point in points:
        task = point.task
        if not task.feeds_back:
            continue
        require(task.reads == "end", f"a task that feeds answers back must read the 'end', not '{task.reads}'")
        streams = {"the training batch": [point.batch]}
        streams |= {f"the {name} split": point.streams(name) for name in SPLITS}
        for what, of_split in streams.items():
            for stream in of_split:
                _teacher_forced(point, stream, what)
        known = metrics(task, [point.test], [answers.random(task, point.test)])
        for name in ("loss", *task.teacher_forced):
            require(name in known, f"teacher_forced names {name}, which is no metric of the task: {', '.join(known)}")
            require(name in task.teacher_forced, "teacher_forced must name the loss: it is what is trained on")


def _teacher_forced(point: Point, stream: Stream, what: str) -> None:
    task, first = point.task, point.task.layout.first_readout
    right = answers.right(task, stream)
    if right is None:
        raise NotCheckedError("only the task knows what its outputs mean")
    asked = np.ones(stream.targets.shape[:2], bool) if stream.weights is None else stream.weights > 0
    kinds = {
        name: part for name, part in (("features", stream.features), ("tokens", stream.tokens)) if part is not None
    }
    for part in kinds.values():
        same = (part[:, first] == part[:1, first]).all()
        require(same, f"{what}: the first step that is read must be the marker alone")
    for read in range(right.shape[1] - 1):
        given = task.fed_back(right[:, read])
        require(set(given) == set(kinds), f"fed_back must give {' and '.join(kinds)}; it gives {', '.join(given)}")
        for name, part in kinds.items():
            wanted, found = part[asked[:, read + 1], first + read + 1], given[name]
            fits = (found.shape, found.dtype) == ((stream.examples, *part.shape[2:]), part.dtype)
            say = f"fed_back gives {name} {found.shape} {found.dtype}"
            require(fits, f"{say}; {(stream.examples, *part.shape[2:])} {part.dtype} is wanted")
            same = np.array_equal(found[asked[:, read + 1]], wanted)
            say = f"{what}: what read step {read + 2} reads must be what fed_back makes of the target before"
            require(same, f"{say}: {name} differ")
    _of_each(point, right[:, 0])


def _of_each(point: Point, given: np.ndarray) -> None:
    """An answer is fed back to its own example alone."""
    whole = point.task.fed_back(given)
    for name, alone in point.task.fed_back(given[1:2]).items():
        require(np.array_equal(alone, whole[name][1:2]), f"fed_back must not look at other examples: {name} differ")

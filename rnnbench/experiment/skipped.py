"""Runs that a model says it cannot do, told by their reasons: a statement of the plan, never a result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnbench.experiment.run_spec import RunSpec
from rnnbench.text.wording import count_of

SKIPPED = "skipped"
"""The status of such a run."""
Point = tuple[str, str, str, str, int]
"""Key of the run, reason, label of its model, label of its task, lag."""


@dataclass(frozen=True)
class SkippedRuns:
    """The runs that are skipped for one reason."""

    reason: str
    runs: int
    models: tuple[str, ...]
    tasks: tuple[str, ...]
    lags: tuple[int, ...]

    @property
    def lags_text(self) -> str:
        """`20`, or `20, 50, 100`."""
        return ", ".join(map(str, self.lags))

    def __str__(self) -> str:
        """`4 runs (gru, lstm; copy_memory; lags 20, 50): it takes 10 steps at most`."""
        lags = f"lag{'s' * (len(self.lags) > 1)} {self.lags_text}"
        return (
            f"{count_of(self.runs, 'run')} ({', '.join(self.models)}; {', '.join(self.tasks)}; {lags}): {self.reason}"
        )


def by_reason(points: Iterable[Point]) -> list[SkippedRuns]:
    """One entry for each reason, in the order of the points; points that are one run count once."""
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point[1], []).append(point)
    return [
        SkippedRuns(
            reason,
            len({key for key, *_ in same}),
            tuple(dict.fromkeys(model for _, _, model, _, _ in same)),
            tuple(dict.fromkeys(task for _, _, _, task, _ in same)),
            tuple(sorted({lag for *_, lag in same})),
        )
        for reason, same in found.items()
    ]


def skipped_runs(points: Iterable[RunSpec]) -> list[SkippedRuns]:
    """The same of the points of a grid, of which those that can be done are left out."""
    return by_reason(
        (point.key, point.skipped, point.model_label, point.task_label, point.task.lag)
        for point in points
        if point.skipped is not None
    )

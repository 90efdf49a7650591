"""What a trained network does away from its own lag: at other lags, behind other leads, and without the marker.

Forward only. Whether an answer is held or timed shows here and nowhere else: a network that was trained at one lag may
put it out after exactly so many steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rnnbench.tasks.base import Task
from rnnbench.tasks.lag_curve import clock, generalises_to, shown_leads
from rnnbench.tasks.metric import Estimate
from rnnbench.tasks.protocol import longest_lead
from rnnbench.tasks.stream import Stream
from rnnbench.training.metrics import forced_name, is_solved, over_distinct

Evaluate = Callable[[Iterable[Stream]], Mapping[str, Estimate]]
"""The metrics of a network on some streams."""


def longest_tested(task: Task, lags: Sequence[int]) -> int:
    """Steps of the longest stream that `lag_curve` and `start_shift` test."""
    behind_leads = 0 if task.lead == "none" else longest_lead(task.lag)
    shifted = max(shown_leads(task.lag)) if task.has_lead else 0
    return max(
        task.layout.length + shifted, *(task.at_lag(lag).layout.length + behind_leads for lag in {*lags, task.lag})
    )


def lag_curve(
    task: Task, lags: Iterable[int], own: Mapping[str, Estimate], evaluate: Evaluate, examples: int
) -> Iterator[tuple[int, dict[str, float]]]:
    """At each lag the metrics `<score>`, `skill`, `solved` (0 or 1) and `standard_error`, without what is undefined; of
    a task that feeds its answers back also `forced_<score>`.

    The evidence stands behind the leads of the task's own lag, whatever the tested lag is. `own`: the metrics at the
    task's lag. `examples`: of the test split, some of which may be alike.
    """
    for lag in lags:
        there = task.at_lag(lag)
        scores = own if lag == task.lag else evaluate(task.tested("test", lag=lag))
        score = over_distinct(there, scores[task.score.name], examples)
        found = {"skill": there.skill(score.value), "standard_error": score.standard_error}
        if task.feeds_back:
            found[forced_name(task)] = scores[forced_name(task)].value
        yield (
            lag,
            {task.score.name: score.value, "solved": float(is_solved(there, score))}
            | {name: value for name, value in found.items() if math.isfinite(value)},
        )


def start_shift(task: Task, evaluate: Evaluate) -> Iterator[tuple[int, float]]:
    """The score at the task's lag behind each of `shown_leads`, all examples behind the same."""
    for lead in shown_leads(task.lag) if task.has_lead else ():
        yield lead, evaluate(task.tested("test", leads=[lead]))[task.score.name].value


def without_marker(task: Task, evaluate: Evaluate) -> float | None:
    """The score where the marker is replaced by filler; None for a task that has none."""
    first = task.without_marker(next(iter(task.tested("test"))))
    if first is None:
        return None
    unmarked = (task.without_marker(stream) for stream in task.tested("test"))
    return evaluate(stream for stream in unmarked if stream is not None)[task.score.name].value


def outcome(
    task: Task, solved: bool, curve: Mapping[int, Mapping[str, float]], shift: Mapping[int, float]
) -> dict[str, float]:
    """`clock` and `generalises_to` of a run that solves its own lag, and `start_shift`: the worst score over the leads
    up to the longest that is trained."""
    found: dict[str, float] = {}
    if solved and task.has_clock:
        skills = {lag: metrics["skill"] for lag, metrics in curve.items() if "skill" in metrics}
        found["clock"] = clock(skills, task.lag)
        found["generalises_to"] = generalises_to({lag: bool(one["solved"]) for lag, one in curve.items()}, task.lag)
    trained = [score for lead, score in shift.items() if lead <= longest_lead(task.lag)]
    if trained:
        worst = min if task.score.higher_is_better else max
        found["start_shift"] = math.nan if any(map(math.isnan, trained)) else worst(trained)
    return {name: value for name, value in found.items() if name == "start_shift" or math.isfinite(value)}

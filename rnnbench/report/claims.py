"""What a headline claims, as numbers: from the tables of a report, before any sentence is made of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from rnnbench.analysis.horizon import Horizon
from rnnbench.analysis.outcomes import ended
from rnnbench.report.data import Problem, ReportData, rows_of


@dataclass(frozen=True)
class Reach:
    """Models that do the same through one filler."""

    models: tuple[str, ...]
    lag: int | None
    """Their memory horizon; None where they do not solve the shortest lag."""
    beyond: bool = False
    """Whether it is the longest lag that any model tried."""
    in_all: bool = False
    """Whether all runs solved every lag tried up to there."""
    never: int | None = None
    """The first lag beyond it, where no run solved that one or any longer one."""


@dataclass(frozen=True)
class Clock:
    """A model that answers by timing: most of the runs that solve a lag are clocks."""

    model: str
    filler: str
    lags: tuple[int, ...]


@dataclass(frozen=True)
class Course:
    """The mean score of a model at the shortest and at the longest lag."""

    model: str
    filler: str
    first: float
    last: float


@dataclass(frozen=True)
class Value:
    """A number of a model."""

    model: str
    value: float


@dataclass(frozen=True)
class Claims:
    """What is claimed of one task under one protocol."""

    training_lags: str
    steps: int
    """No run trained for more."""
    seeds: tuple[int, int]
    """Fewest and most at a lag."""
    choices: tuple[str, int] | None
    """What was chosen on validation and from how many values: `("learning rate", 3)`."""
    lags: tuple[int, ...]
    """Those tested by any model, ascending."""
    score: str
    distance: str
    """What a lag is called: `lag`, or `T`."""
    reaches: dict[str, tuple[Reach, ...]]
    """By filler, those that reach furthest first."""
    clocks: tuple[Clock, ...]
    courses: tuple[Course, ...]
    """The best and the worst model at the longest lag; one where there is only one."""
    memoryless: float | None
    """At the longest lag."""
    gradient: tuple[Value, ...]
    """Least and most survival at initialisation at the longest lag, medians over seeds; one where models agree."""
    solved_is_perfect: bool = False
    """Whether the reference is the perfect score, so that solving a lag tells the score there."""
    asks_memory: bool = True


def claims(data: ReportData, problem: Problem) -> list[Claims]:
    """One for each protocol under which any run ended, in the order of the file."""
    horizons = rows_of(data.horizons, problem)
    return [
        _of_protocol(data, problem, str(lags), block)
        for lags, block in horizons.groupby("training_lags", sort=False)
        if (block["n_high"] > 0).any()
    ]


def plain(name: str) -> str:
    """The name of a series without brackets: `lstm (units=32)` is `lstm units=32`."""
    return " ".join(re.sub(r"[()\[\]]", " ", name).split())


def _of_protocol(data: ReportData, problem: Problem, training_lags: str, horizons: pd.DataFrame) -> Claims:
    summary = rows_of(data.summary, problem)
    summary = summary[(summary["training_lags"] == training_lags) & (summary["n"] > 0)]
    runs = rows_of(data.runs, problem)
    runs = ended(runs[runs["training_lags"] == training_lags])
    lags = tuple(sorted({int(lag) for lag in summary["lag"]}))
    setups = set(summary["setup"])
    levels = rows_of(data.levels, problem)
    level = levels[(levels["level"] == "memoryless") & (levels["lag"] == lags[-1]) & levels["setup"].isin(setups)]
    return Claims(
        training_lags=training_lags,
        steps=int(runs["steps"].astype(float).fillna(0).max()),
        seeds=(int(horizons.loc[horizons["n_high"] > 0, "n_low"].min()), int(horizons["n_high"].max())),
        choices=_choices(data, problem, training_lags),
        lags=lags,
        score=problem.score_title,
        distance=problem.distance,
        reaches={
            str(filler): tuple(_reaches(block, lags[-1])) for filler, block in horizons.groupby("filler", sort=False)
        },
        clocks=tuple(_clocks(summary)),
        courses=_courses(summary, lags, problem.higher_is_better),
        memoryless=float(level["value"].iloc[0]) if level["value"].nunique() == 1 else None,
        gradient=_gradient(summary, lags[-1], set(data.by_input(problem))),
        solved_is_perfect=bool((runs["reference"] == float(problem.higher_is_better)).all()),
        asks_memory=data.asks_memory(problem),
    )


def _choices(data: ReportData, problem: Problem, training_lags: str) -> tuple[str, int] | None:
    if not data.selects:
        return None
    mine = rows_of(data.candidates, problem)
    tried = mine[mine["training_lags"] == training_lags].groupby(["setup", "series", "chosen_for"])["choice"].nunique()
    axes = [axis.replace("_", " ") for axis in data.chosen_axes]
    if tried.empty or tried.max() < 2:
        return None
    return (axes[0] if len(axes) == 1 else "combination"), int(tried.max())


def _reaches(horizons: pd.DataFrame, longest: int) -> Iterator[Reach]:
    groups: dict[Reach, list[str]] = {}
    for series, horizon in zip(horizons["series"], horizons["horizon"], strict=True):
        if horizon.counts:
            groups.setdefault(_reach(horizon, longest), []).append(plain(str(series)))
    for reach, models in sorted(groups.items(), key=lambda pair: _rank(pair[0]), reverse=True):
        yield Reach(tuple(models), reach.lag, reach.beyond, reach.in_all, reach.never)


def _reach(horizon: Horizon, longest: int) -> Reach:
    until = [count for count in horizon.counts if horizon.lag is not None and count.lag <= horizon.lag]
    after = horizon.counts[len(until) :]
    never = after[0].lag if after and not any(count.solved for count in after) else None
    in_all = bool(until) and all(count.solved == count.n for count in until)
    return Reach((), horizon.lag, horizon.lag == longest, in_all, never)


def _rank(reach: Reach) -> tuple[int, bool, bool]:
    return -1 if reach.lag is None else reach.lag, reach.beyond, reach.in_all


def _clocks(summary: pd.DataFrame) -> Iterator[Clock]:
    timed = summary[2 * summary["n_clock"] > summary["n_solved"]]
    for (series, filler), rows in timed.groupby(["series", "filler"], sort=False):
        yield Clock(plain(str(series)), str(filler), tuple(sorted(int(lag) for lag in rows["lag"])))


def _courses(summary: pd.DataFrame, lags: tuple[int, ...], rises: bool) -> tuple[Course, ...]:
    ends = summary[summary["lag"].isin((lags[0], lags[-1]))].dropna(subset=["score"])
    at = ends.pivot_table(index=["series", "filler"], columns="lag", values="score", sort=False)
    if lags[-1] not in at or lags[0] not in at:
        return ()
    found = [
        Course(plain(str(series)), str(filler), float(first), float(last))
        for (series, filler), first, last in zip(at.index, at[lags[0]], at[lags[-1]], strict=True)
        if not math.isnan(first + last)
    ]
    found.sort(key=lambda course: course.last, reverse=rises)
    return tuple(dict.fromkeys([*found[:1], *found[-1:]]))


def _gradient(summary: pd.DataFrame, lag: int, by_input: set[str]) -> tuple[Value, ...]:
    """Of models with states: gradients by an input are on another scale."""
    rows = summary[(summary["lag"] == lag) & ~summary["series"].isin(by_input)].dropna(subset=["survival_initial"])
    if rows.empty:
        return ()
    found = [
        Value(plain(str(series)), float(value))
        for series, value in zip(rows["series"], rows["survival_initial"], strict=True)
    ]
    found.sort(key=lambda one: one.value)
    return tuple(found[:1] if found[0].value == found[-1].value else [found[0], found[-1]])

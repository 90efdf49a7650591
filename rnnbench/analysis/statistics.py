"""From a table of runs to what can be said of them: success, IQM, steps to solve, memory horizon.

A run that finished or diverged is an outcome. A run that failed (crashed) is none, and is counted beside them. Nothing
is dropped: a diverged run did not solve its task, and a run whose score is missing, or no finite number, ranks below
every run that has one.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy
from scipy import stats

GROUP = ["task", "task_setting", "source", "filler", "model", "model_setting"]
"""What is held fixed while the lag grows: one line of a figure."""
OUTCOMES = ("finished", "diverged")
PASSING = 0.5
"""Share of seeds that must solve a lag for the lag to count for the memory horizon (docs/science.md, section 4)."""
RELATIVE = 0.9
"""Share of a model's own skill at lag 0 that counts as solved in tasks without a fixed score to reach."""
_TRIM = 0.25
_RESAMPLES = 2000


def wilson(solved: int, n: int) -> tuple[float, float] | None:
    """95% Wilson score interval of a success rate (Wilson 1927); None without a run."""
    if n == 0:
        return None
    interval = stats.binomtest(solved, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def iqm(values: Sequence[float]) -> float | None:
    """Interquartile mean: the mean without the floor(n/4) lowest and highest values (Agarwal et al. 2021).

    None without a value, where one is NaN, and where an infinite one (a run without a score) is not trimmed away.
    """
    if len(values) == 0 or np.isnan(np.asarray(values, dtype=float)).any():
        return None
    mean = float(stats.trim_mean(np.asarray(values, dtype=float), _TRIM))
    return mean if math.isfinite(mean) else None


def iqm_interval(*strata: Sequence[float], seed: int = 0) -> tuple[float, float] | None:
    """95% percentile bootstrap interval of the IQM of all values, from 2000 resamples drawn from `seed`.

    Each stratum (the runs at one lag, say) is resampled by itself, so that every resample has as many runs of each: the
    stratified bootstrap of Agarwal et al. 2021. A stratum of one value stays as it is. None where resampling can say
    nothing: no stratum with two different values, or a value that is not finite.
    """
    samples = [np.asarray(values, dtype=float) for values in strata if len(values)]
    drawn = [sample for sample in samples if len(sample) > 1]
    fixed = np.concatenate([sample for sample in samples if len(sample) == 1] or [np.empty(0)])
    if not all(np.isfinite(sample).all() for sample in samples) or not any(np.ptp(sample) for sample in drawn):
        return None

    def statistic(*resampled: np.ndarray, axis: int) -> np.ndarray:
        kept = np.broadcast_to(fixed, (*resampled[0].shape[:-1], len(fixed)))
        return stats.trim_mean(np.concatenate([*resampled, kept], axis=axis), _TRIM, axis=axis)

    interval = stats.bootstrap(
        drawn, statistic, n_resamples=_RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return float(interval.low), float(interval.high)


def unsolved(steps: Sequence[float | None], budgets: Sequence[float]) -> pd.DataFrame:
    """Share of runs that have not solved their task by a step, with censoring (Kaplan & Meier 1958).

    `steps`: when each run solved its task; missing (None or NaN) for a run that had not when its budget ended, which is
    censored there. `budgets`: the end of each run; infinite for one that can never solve (it diverged). Columns:
    `step`, `share`, and `low` and `high`, the 95% interval by Greenwood's formula on the log-log scale; NaN where it
    has none.
    """
    when = np.array([math.nan if pd.isna(step) or math.isinf(step) else float(step) for step in steps])
    ends = np.asarray(budgets, dtype=float)
    found, open_ends = when[~np.isnan(when)], ends[np.isnan(when)]
    # SciPy takes no infinity: after everything else is late enough.
    late = max([*found, *open_ends[np.isfinite(open_ends)], 0.0]) + 1
    censored = np.where(np.isfinite(open_ends), open_ends, late)
    curve = stats.ecdf(stats.CensoredData(uncensored=found, right=censored)).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        # Where the share is 1 or 0 the interval is undefined, and says so.
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = curve.confidence_interval(0.95, method="log-log")
    table = {"step": curve.quantiles, "share": curve.probabilities}
    return pd.DataFrame(table | {"low": interval.low.probabilities, "high": interval.high.probabilities})


def median_steps_to_solve(steps: Sequence[float | None], budgets: Sequence[float] | None = None) -> float | None:
    """The step by which half of the runs had solved their task: the median of `unsolved`; None if it is not reached.

    Without `budgets` the runs that did not solve are censored after all others.
    """
    if len(steps) == 0:
        return None
    curve = unsolved(steps, [math.inf] * len(steps) if budgets is None else budgets)
    # The shares are products of fractions: a half may come out a rounding above it.
    reached = curve.loc[curve["share"] <= 0.5 + 1e-12, "step"]
    return float(reached.iloc[0]) if len(reached) else None


def probability_of_improvement(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float] | None:
    """P(first > second) over pairs, a tie counting half, with its 95% Wilson interval: (probability, low, high).

    Values stand beside each other by seed, so that what a seed makes easy or hard for both cancels; Agarwal et al. 2021
    compare every run with every other. The interval takes the pairs as independent. It is not the bootstrap's, which
    shrinks to a point where a model wins all of three pairs. NaN is below every number. None without a pair.
    """
    a, b = (_ranked(pd.Series(values, dtype=float)) for values in (first, second))
    if len(a) == 0:
        return None
    n, p = len(a), float(np.mean(np.where(a == b, 0.5, a > b)))
    z = float(stats.norm.ppf(0.975))
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return p, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


@dataclass(frozen=True)
class Horizon:
    """How far a memory reaches over a grid of lags."""

    lag: int | None
    """The longest lag that passes together with every shorter one; None where the first does not."""
    beyond: bool = False
    """Every lag of the grid passes: the true horizon is `lag` or more."""
    unknown: int | None = None
    """The lag at which the count had to end because no run there could be judged."""
    again: tuple[int, ...] = ()
    """Lags that pass although a shorter one does not."""

    def __str__(self) -> str:
        if self.lag is None:
            return "-" if self.unknown is None else "?"
        return f">= {self.lag}" if self.beyond else str(self.lag)


def memory_horizon(success: Mapping[int, float | None]) -> Horizon:
    """The memory horizon of one model from its success rate at each lag; None or NaN where no run could be judged."""
    lags = sorted(success)
    rates = {lag: math.nan if (rate := success[lag]) is None else rate for lag in lags}
    passes = {lag: None if math.isnan(rates[lag]) else rates[lag] >= PASSING for lag in lags}
    longest = None
    for position, lag in enumerate(lags):
        if not passes[lag]:
            return Horizon(
                longest,
                unknown=lag if passes[lag] is None else None,
                again=tuple(later for later in lags[position + 1 :] if passes[later]),
            )
        longest = lag
    return Horizon(longest, beyond=longest is not None)


def with_relative_solved(runs: pd.DataFrame) -> pd.DataFrame:
    """A copy of `runs` with `solved` filled in where it is relative to lag 0, as a nullable boolean column.

    Missing `solved` of a finished run becomes `skill >= 0.9 x median skill at lag 0` of the same group. It is False
    where that median is not positive, and stays missing where no run at lag 0 has ended. A diverged run is False
    everywhere.
    """
    runs = runs.copy()
    runs["solved"] = runs["solved"].astype("boolean")
    runs.loc[runs["status"] == "diverged", "solved"] = False
    for _, group in _groups(with_group_names(runs), GROUP):
        ended = group[group["status"].isin(OUTCOMES)]
        reference = _ranked(ended.loc[ended["lag"] == 0, "skill"])
        open_ = ended.index[ended["solved"].isna()]
        if len(reference) and len(open_):
            median = reference.median()
            runs.loc[open_, "solved"] = (_ranked(runs.loc[open_, "skill"]) >= RELATIVE * median) & (median > 0)
    return runs


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each line and lag, lines in the order of `runs`, lags ascending.

    Columns: `GROUP`, `lag`, `score_name`, `n` (outcomes), `n_solved`, `n_diverged`, `n_failed`, `success` with
    `success_low` and `success_high`, `score` and `skill` (IQM) each with `_low` and `_high`, `survival`,
    `decay_per_step` (medians over seeds) and `steps_to_solve` (censored median). A value that cannot be had is NaN.
    `n_solved` and `success` are NaN where a run could not be judged (relative to a lag 0 that is not there).
    """
    runs = with_group_names(runs)
    higher = {task: higher_is_better(rows) for (task,), rows in _groups(runs, ["task"])}
    rows = [
        dict(zip(GROUP, key, strict=True)) | {"lag": lag} | _statistics(group, higher[key[0]])
        for key, line in _groups(runs, GROUP)
        for lag, group in line.groupby(line["lag"].astype(int))
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def horizons(table: pd.DataFrame) -> pd.DataFrame:
    """The memory horizon of each line of a `summary`.

    Columns: `GROUP`, `horizon` (a `Horizon`), `n_low` and `n_high` (fewest and most outcomes at a lag), `unjudged`
    (whether runs did end at the horizon's `unknown` lag, so that only their reference at lag 0 is missing). The grid of
    a line is every lag that any model met in the same task, setting and filler, so a lag that one model never ran ends
    its horizon.
    """
    shared = ["task", "task_setting", "source", "filler"]
    rows = []
    for _, block in _groups(table, shared):
        grid = sorted(int(lag) for lag in block["lag"].unique())
        for key, line in _groups(block, GROUP):
            at = line.set_index("lag")
            counts = at["n"].reindex(grid, fill_value=0)
            horizon = memory_horizon(dict(zip(grid, at["success"].reindex(grid), strict=True)))
            rows.append(
                dict(zip(GROUP, key, strict=True))
                | {"horizon": horizon, "n_low": int(counts.min()), "n_high": int(counts.max())}
                | {"unjudged": horizon.unknown is not None and bool(counts[horizon.unknown] > 0)}
            )
    return pd.DataFrame(rows, columns=[*GROUP, "horizon", "n_low", "n_high", "unjudged"])


def overall(runs: pd.DataFrame) -> pd.DataFrame:
    """Each line over all lags that every line of its task, setting, source and filler met.

    Columns: `GROUP`, `lags` (how many), `n` (runs), `skill` (IQM), `skill_low`, `skill_high` (stratified by lag).
    """
    rows = []
    for lines in _shared_lags(runs):
        for key, by_lag in lines.items():
            strata = [list(by_seed.values()) for by_seed in by_lag.values()]
            values = list(itertools.chain(*strata))
            rows.append(
                dict(zip(GROUP, key, strict=True))
                | {"lags": len(strata), "n": len(values)}
                | {"skill": _nan(iqm(values)), **_ends("skill", iqm_interval(*strata))}
            )
    return pd.DataFrame(rows, columns=[*GROUP, "lags", "n", "skill", "skill_low", "skill_high"])


def improvements(runs: pd.DataFrame) -> pd.DataFrame:
    """How likely the skill of each line is above that of each other line, paired by lag and seed.

    Columns: `GROUP`, `other` and `other_setting` (the line it is compared with), `n` (pairs), `probability`, `low`,
    `high`: see `probability_of_improvement`. A diverged run without a score ranks below all others.
    """
    rows = []
    for lines in _shared_lags(runs):
        for (key, mine), (other, theirs) in itertools.permutations(lines.items(), 2):
            pairs = [(mine[lag][seed], theirs[lag][seed]) for lag in mine for seed in mine[lag] if seed in theirs[lag]]
            found = probability_of_improvement([a for a, _ in pairs], [b for _, b in pairs])
            if found:
                rows.append([*key, *other[-2:], len(pairs), *found])
    return pd.DataFrame(rows, columns=[*GROUP, "other", "other_setting", "n", "probability", "low", "high"])


def solving(runs: pd.DataFrame) -> pd.DataFrame:
    """By which step how many runs of each line and lag had solved their task: one row a step of the curve.

    Columns: `GROUP`, `lag`, `step`, `share` (solved by then, the complement of `unsolved`), `low`, `high`, `n`.
    """
    ended = with_group_names(runs[runs["status"].isin(OUTCOMES)])
    curves = []
    for key, line in _groups(ended, [*GROUP, "lag"]):
        curve = unsolved(line["steps_to_solve"].tolist(), _budgets(line))
        solved = {
            "step": curve["step"],
            "share": 1 - curve["share"],
            "low": 1 - curve["high"],
            "high": 1 - curve["low"],
        }
        curves.append(pd.DataFrame(solved).assign(**dict(zip([*GROUP, "lag"], key, strict=True)), n=len(line)))
    columns = [*GROUP, "lag", "step", "share", "low", "high", "n"]
    return pd.concat(curves, ignore_index=True)[columns] if curves else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class Association:
    """Spearman's rank correlation (Spearman 1904) of two quantities over runs."""

    n: int
    """Runs with both."""
    rho: float
    """Over all of them; NaN where one quantity does not vary."""
    within: float
    """Between runs of the same stratum only: of the ranks within each, less their mean."""


def association(first: pd.Series, second: pd.Series, strata: pd.Series) -> Association:
    """How `first` and `second` go together, over all runs and within the strata (the lags, say).

    Both fall as the lag grows, so that they correlate over all runs even where neither tells anything about the other;
    within a lag they need not.
    """
    table = pd.DataFrame({"first": first.astype(float), "second": second.astype(float), "stratum": strata})
    table = table.replace([math.inf, -math.inf], math.nan).dropna()
    ranks = table.groupby("stratum")[["first", "second"]].rank()
    centred = ranks - ranks.groupby(table["stratum"]).transform("mean")
    return Association(len(table), _correlation(table[["first", "second"]].rank()), _correlation(centred))


def _correlation(table: pd.DataFrame) -> float:
    varies = len(table) > 2 and bool((table.max() > table.min()).all())
    return float(table.corr().to_numpy()[0, 1]) if varies else math.nan


SUMMARY_COLUMNS = [
    *GROUP, "lag", "score_name", "n", "n_solved", "n_diverged", "n_failed", "success", "success_low", "success_high",
    "score", "score_low", "score_high", "skill", "skill_low", "skill_high", "survival", "decay_per_step",
    "steps_to_solve",
]  # fmt: skip


def _groups(table: pd.DataFrame, columns: list[str]) -> DataFrameGroupBy:
    return table.groupby(columns, sort=False)


def _shared_lags(runs: pd.DataFrame) -> Iterator[dict[tuple[str, ...], dict[Any, dict[Any, float]]]]:
    """For each task, setting, source and filler: the skills of each line, by lag and seed.

    Only the lags at which a run of every line has ended.
    """
    ended = with_group_names(runs[runs["status"].isin(OUTCOMES)])
    ended = ended.assign(skill=_ranked(ended["skill"]))
    for _, block in _groups(ended, GROUP[:4]):
        lines = {
            key: {lag: at.set_index("seed")["skill"].to_dict() for lag, at in line.groupby("lag")}
            for key, line in _groups(block, GROUP)
        }
        shared = set.intersection(*map(set, lines.values()))
        yield {key: {lag: by_lag[lag] for lag in by_lag if lag in shared} for key, by_lag in lines.items()}


def with_group_names(runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` with no gap in the columns of `GROUP`."""
    # A run that crashed before its data were at hand knows no source; its neighbours do.
    source = runs.groupby(["task", "task_setting"], sort=False, dropna=False)["source"].transform("first")
    named = runs.assign(source=runs["source"].fillna(source))
    return named.assign(**{column: named[column].fillna("") for column in GROUP})


def _statistics(group: pd.DataFrame, higher: bool) -> dict[str, object]:
    ended = group[group["status"].isin(OUTCOMES)]
    solved = ended["solved"].astype("boolean").mask(ended["status"] == "diverged", False)
    judged = len(ended) > 0 and not solved.isna().any()
    n_solved = int(solved.sum()) if judged else None
    score, skill = _ranked(ended["score"], higher).tolist(), _ranked(ended["skill"]).tolist()
    return {
        "score_name": next(iter(group["score_name"].dropna()), "score"),
        "n": len(ended),
        "n_solved": _nan(n_solved),
        "n_diverged": int((ended["status"] == "diverged").sum()),
        "n_failed": int((group["status"] == "failed").sum()),
        "success": math.nan if n_solved is None else n_solved / len(ended),
        **_ends("success", None if n_solved is None else wilson(n_solved, len(ended))),
        "score": _nan(iqm(score)),
        **_ends("score", iqm_interval(score)),
        "skill": _nan(iqm(skill)),
        **_ends("skill", iqm_interval(skill)),
        "survival": ended["survival"].astype(float).median(),
        "decay_per_step": ended["decay_per_step"].astype(float).median(),
        "steps_to_solve": _nan(median_steps_to_solve(ended["steps_to_solve"].tolist(), _budgets(ended))),
    }


def _budgets(ended: pd.DataFrame) -> list[float]:
    """The steps of each run; infinite for one that diverged and has no more steps to solve its task in."""
    return ended["steps"].astype(float).mask(ended["status"] == "diverged", math.inf).fillna(math.inf).tolist()


def higher_is_better(rows: pd.DataFrame) -> bool:
    """Whether the score of a task is better when higher, as its runs carry it from the task's declaration."""
    declared = rows.get("higher_is_better", pd.Series(dtype=bool)).dropna()
    # A table from before there was the column knows accuracies and mean squared errors.
    return bool(declared.iloc[0]) if len(declared) else not (rows["score_name"] == "mse").any()


def _ranked(values: pd.Series, higher: bool = True) -> pd.Series:
    """Values for comparing: one that is missing or not finite is worse than every number."""
    numbers = values.astype(float)
    return numbers.where(np.isfinite(numbers), -math.inf if higher else math.inf)


def _ends(name: str, interval: tuple[float, float] | None) -> dict[str, float]:
    low, high = interval or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def _nan(value: float | None) -> float:
    return math.nan if value is None else value

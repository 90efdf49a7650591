"""Counts, horizons, intervals and medians of a report's `results.csv`, computed again with pandas and SciPy only."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from scipy import stats

PROTOCOLS = {"uniform": "uniform lags", "far": "far lags", "log": "log lags", "fixed": "one fixed lag"}
THROUGH = {"zeros": "zeros", "blank": "blanks", "distractor": "distractors", "decoy": "decoys"}
NEW = {"training_lags", "memoryless", "reference", "frozen", "test_se", "clock", "generalises_to", "start_shift"}


def read(file: Path) -> pd.DataFrame:
    return labelled(pd.read_csv(file, dtype={"signature": str, "run_id": str}, keep_default_na=True))


def labelled(runs: pd.DataFrame) -> pd.DataFrame:
    """The evaluated runs with the names that a report gives them: `problem, setup, series`."""
    runs = runs[runs["role"] == "evaluated"].copy()
    for column in ("task_setting", "model_setting", "source"):
        runs[column] = runs[column].fillna("").astype(str)
    runs["training_lags"] = runs["training_lags"].astype(str)
    source = runs.groupby(["task", "task_setting"])["source"].transform(lambda values: next(filter(None, values), ""))
    runs["source"] = runs["source"].where(runs["source"] != "", source)
    runs["problem"] = [
        named_problem(*row) for row in runs[["task", "task_setting", "source"]].itertuples(index=False, name=None)
    ]
    runs["setup"] = runs["training_lags"].map(PROTOCOLS) + ", " + runs["filler"] + " filler"
    runs["series"] = [
        f"{model} ({setting})" if setting else model
        for model, setting in runs[["model", "model_setting"]].itertuples(index=False, name=None)
    ]
    runs["solved"] = [str(one) == "True" for one in runs["solved"]]
    runs["is_clock"] = runs["solved"] & (runs["clock"].astype(float) > 0.5)
    return runs


def named_problem(task: str, setting: str, source: str) -> str:
    name = f"{task}, {setting}" if setting else task
    if source == "synthetic":
        return f"{name} (synthetic stand-in)"
    return name if source in ("", "generated") or task.startswith(source) else f"{name} ({source})"


def outcomes(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["status"].isin(["finished", "diverged"])]


def counts(runs: pd.DataFrame) -> dict[int, tuple[int, int]]:
    """Solved runs and all of them at each lag."""
    return {
        int(lag): (int((at["solved"] & (at["status"] == "finished")).sum()), len(at))
        for lag, at in outcomes(runs).groupby("lag")
    }


def fitted(solved: dict[int, tuple[int, int]]) -> dict[int, float]:
    """The falling fit by its min-max formula, without any algorithm."""
    lags = sorted(solved)

    def rate(first: int, last: int) -> float:
        part = [solved[lag] for lag in lags[first : last + 1]]
        return sum(k for k, _ in part) / sum(n for _, n in part)

    return {
        lags[at]: min(max(rate(a, b) for b in range(at, len(lags))) for a in range(at + 1)) for at in range(len(lags))
    }


def horizon(solved: dict[int, tuple[int, int]]) -> int | None:
    return max((lag for lag, value in fitted(solved).items() if value >= 0.5 - 1e-12), default=None)


def horizon_text(solved: dict[int, tuple[int, int]]) -> str:
    if not solved:
        return "?"
    found = horizon(solved)
    return "–" if found is None else f"≥ {found}" if found == max(solved) else str(found)


def horizon_counts(solved: dict[int, tuple[int, int]]) -> str:
    """`100, 5 of 5, then 200, 1 of 5`."""
    lags, found = sorted(solved), horizon(solved)
    start = 0 if found is None else lags.index(found)
    shown = lags[start : start + (1 if found is None else 2)]
    return ", then ".join(f"{lag}, {solved[lag][0]} of {solved[lag][1]}" for lag in shown)


def exact_interval(k: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson by quantiles of beta distributions."""
    low = 0.0 if k == 0 else float(stats.beta.ppf(0.025, k, n - k + 1))
    return low, 1.0 if k == n else float(stats.beta.ppf(0.975, k + 1, n - k))


def median_steps(runs: pd.DataFrame) -> float:
    """When half of the runs had solved their task, by the product of the shares that had not; NaN if never."""
    events = sorted(
        float(row["steps"] if pd.isna(row["steps_to_solve"]) else row["steps_to_solve"]) if solved else math.inf
        for row, solved in zip(runs.to_dict("records"), runs["solved"] & (runs["status"] == "finished"), strict=True)
    )
    ends = [
        (math.inf if status == "diverged" or pd.isna(steps) else float(steps))
        for status, steps, solved in zip(runs["status"], runs["steps"], runs["solved"], strict=True)
        if not (solved and status == "finished")
    ]
    share = 1.0
    for step in sorted({event for event in events if math.isfinite(event)}):
        at_risk = sum(math.isfinite(event) and event >= step for event in events) + sum(end >= step for end in ends)
        share *= 1 - events.count(step) / at_risk
        if share <= 0.5 + 1e-12:
            return step
    return math.nan


def parsed(text: str) -> float:
    text = text.replace("−", "-").replace(",", "")
    return math.nan if text in ("–", "") else float(text)


def close(text: str, value: float, digits: int = 3) -> bool:
    """Whether a printed number is that value, rounded to so many digits."""
    shown = parsed(text)
    if math.isnan(shown) or math.isnan(value):
        return math.isnan(shown) and math.isnan(value)
    return math.isclose(shown, value, rel_tol=0.51 * 10 ** (1 - digits), abs_tol=1e-12)

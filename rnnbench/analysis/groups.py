"""What every statistic starts from: which rows of the table of runs belong together, and which of them count.

A run that finished or diverged is an outcome. A run that failed (crashed) is none, and is counted separately. Nothing
is dropped: a diverged run did not solve its task, and a run whose score is missing or not finite ranks below every run
that has one. A point that is skipped is no run: it was never to be done, so it enters no statistic and no denominator.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from rnnbench.experiment.skipped import SKIPPED

GROUP = ["task", "task_setting", "source", "training_lags", "filler", "model", "model_setting"]
"""What is held fixed while the lag grows: one series of a figure."""
CONDITION = GROUP[:5]
"""What models that are compared with each other share."""
OUTCOMES = ("finished", "diverged")


def attempted(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows that are runs: all but those of points that are skipped."""
    return runs[runs["status"] != SKIPPED]


def skipped(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of points that are skipped; `message` says why."""
    return runs[runs["status"] == SKIPPED]


def groups(table: pd.DataFrame, columns: list[str]) -> DataFrameGroupBy:
    """The rows that agree in `columns`, in the order of the table."""
    return table.groupby(columns, sort=False)


def with_group_names(runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` with no gap in the columns of `GROUP`."""
    # A run that crashed before its data were at hand knows no source; its neighbours do.
    source = runs.groupby(["task", "task_setting"], sort=False, dropna=False)["source"].transform("first")
    named = runs.assign(source=runs["source"].fillna(source))
    return named.assign(**{column: named[column].fillna("") for column in GROUP})


def higher_is_better(rows: pd.DataFrame) -> bool:
    """Whether the score of a task is better when higher, as its runs carry it from the task's declaration."""
    declared = rows.get("higher_is_better", pd.Series(dtype=bool)).dropna()
    # Tables from before the column existed hold accuracies and mean squared errors only.
    return bool(declared.iloc[0]) if len(declared) else not (rows["score_name"] == "mse").any()


def ranked(values: pd.Series, higher: bool = True) -> pd.Series:
    """Values to compare: one that is missing or not finite is worse than every number."""
    numbers = values.astype(float)
    return numbers.where(np.isfinite(numbers), -math.inf if higher else math.inf)

"""When runs solve their task: survival curves in which a run that gave up is censored, not dropped."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from rnnbench.analysis.groups import GROUP, groups, with_group_names
from rnnbench.analysis.outcomes import ended, solving_steps


def unsolved(steps: Sequence[float | None], budgets: Sequence[float]) -> pd.DataFrame:
    """Share of runs that have not solved their task by a step, with censoring (Kaplan & Meier 1958).

    `steps`: when each run solved its task; missing (None or NaN) for a run that had not by the end of its budget, where
    it is censored. `budgets`: the end of each run; infinite for one that can never solve its task (it diverged).
    Columns: `step`, `share`, and `low` and `high`, the 95% interval by Greenwood's formula on the log-log scale; NaN
    where there is none.
    """
    when = np.array([math.nan if pd.isna(step) or math.isinf(step) else float(step) for step in steps])
    ends = np.asarray(budgets, dtype=float)
    found, open_ends = when[~np.isnan(when)], ends[np.isnan(when)]
    # SciPy takes no infinity; later than everything else will do.
    late = max([*found, *open_ends[np.isfinite(open_ends)], 0.0]) + 1
    censored = np.where(np.isfinite(open_ends), open_ends, late)
    curve = stats.ecdf(stats.CensoredData(uncensored=found, right=censored)).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        # SciPy warns where the share is 1 or 0 and the interval is undefined.
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = curve.confidence_interval(0.95, method="log-log")
    table = {"step": curve.quantiles, "share": curve.probabilities}
    return pd.DataFrame(table | {"low": interval.low.probabilities, "high": interval.high.probabilities})


def median_steps_to_solve(steps: Sequence[float | None], budgets: Sequence[float] | None = None) -> float | None:
    """The step by which half of the runs had solved their task: the median of `unsolved`; None if it is not reached.

    Without `budgets` the runs that did not solve their task are censored after all others.
    """
    if len(steps) == 0:
        return None
    curve = unsolved(steps, [math.inf] * len(steps) if budgets is None else budgets)
    # The shares are products of fractions: a half may be off by a rounding error.
    reached = curve.loc[curve["share"] <= 0.5 + 1e-12, "step"]
    return float(reached.iloc[0]) if len(reached) else None


def solving(runs: pd.DataFrame) -> pd.DataFrame:
    """The share of runs of each series and lag that had solved their task by each step: one row a step of the curve.

    Solved is what the counts call so, see `outcomes.solved`. Columns: `GROUP`, `lag`, `step`, `share` (solved by then,
    the complement of `unsolved`), `low`, `high`, `n`.
    """
    outcomes = ended(with_group_names(runs))
    curves = []
    for key, series in groups(outcomes, [*GROUP, "lag"]):
        steps = solving_steps(series)
        curve = unsolved(steps["step"].tolist(), steps["end"].tolist())
        solved = {
            "step": curve["step"],
            "share": 1 - curve["share"],
            "low": 1 - curve["high"],
            "high": 1 - curve["low"],
        }
        curves.append(pd.DataFrame(solved).assign(**dict(zip([*GROUP, "lag"], key, strict=True)), n=len(series)))
    columns = [*GROUP, "lag", "step", "share", "low", "high", "n"]
    return pd.concat(curves, ignore_index=True)[columns] if curves else pd.DataFrame(columns=columns)

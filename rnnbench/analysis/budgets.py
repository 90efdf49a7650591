"""What a longer training would move: the memory horizon after fewer steps than were given."""

from __future__ import annotations

import pandas as pd

from rnnbench.analysis.groups import GROUP, groups, with_group_names
from rnnbench.analysis.horizon import memory_horizon
from rnnbench.analysis.outcomes import ended, solving_steps

_FIRST = 250
COLUMNS = [*GROUP, "budget", "horizon"]


def budgets(longest: float) -> list[int]:
    """250, 500, 1,000, ... steps, and the longest training itself."""
    found = [_FIRST]
    while found[-1] < longest:
        found.append(2 * found[-1])
    return [*found[:-1], int(longest)]


def horizons_by_budget(runs: pd.DataFrame) -> pd.DataFrame:
    """The memory horizon of each series had every run ended after `budget` steps: `GROUP`, `budget`, `horizon`.

    A run counts as solved from its first solved validation on, if its test solves; one that ended earlier without it
    stays unsolved. At the longest budget it is the memory horizon itself.
    """
    outcomes = ended(with_group_names(runs))
    steps = solving_steps(outcomes)
    outcomes = outcomes.assign(solving_step=steps["step"])
    longest = pd.concat([outcomes["steps"].astype(float), steps["step"]]).max()
    if pd.isna(longest) or longest < 1:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for key, series in groups(outcomes, GROUP):
        for budget in budgets(longest):
            by_then = series.assign(solved=series["solving_step"] <= budget).groupby("lag")["solved"]
            table = by_then.agg(["sum", "size"]).reset_index().astype(int)
            counts = {lag: (solved, n) for lag, solved, n in table.itertuples(index=False, name=None)}
            rows.append([*key, budget, memory_horizon(counts)])
    return pd.DataFrame(rows, columns=COLUMNS)

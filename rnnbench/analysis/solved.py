"""Whether a run solved a task that has no score to reach: it is measured against the model's own skill at lag 0."""

from __future__ import annotations

import pandas as pd

from rnnbench.analysis.groups import GROUP, OUTCOMES, groups, ranked, with_group_names

RELATIVE = 0.9
"""Share of a model's own skill at lag 0 that counts as solved in tasks without a fixed score to reach."""


def with_relative_solved(runs: pd.DataFrame) -> pd.DataFrame:
    """A copy of `runs` with `solved` filled in where it is relative to lag 0, as a nullable boolean column.

    Missing `solved` of a finished run becomes `skill >= 0.9 x median skill at lag 0` of the same group. It is False
    where that median is not positive, and stays missing where no run at lag 0 has ended. A diverged run is False
    everywhere.
    """
    runs = runs.copy()
    runs["solved"] = runs["solved"].astype("boolean")
    runs.loc[runs["status"] == "diverged", "solved"] = False
    for _, group in groups(with_group_names(runs), GROUP):
        ended = group[group["status"].isin(OUTCOMES)]
        reference = ranked(ended.loc[ended["lag"] == 0, "skill"])
        open_ = ended.index[ended["solved"].isna()]
        if len(reference) and len(open_):
            median = reference.median()
            runs.loc[open_, "solved"] = (ranked(runs.loc[open_, "skill"]) >= RELATIVE * median) & (median > 0)
    return runs

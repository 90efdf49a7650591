"""Models against each other, over the lags that all of them met."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pandas as pd

from rnnbench.analysis.groups import GROUP, OUTCOMES, groups, ranked, with_group_names
from rnnbench.analysis.intervals import iqm_columns, probability_of_improvement


def overall(runs: pd.DataFrame) -> pd.DataFrame:
    """Each series over all lags that every series of its task, setting, source and filler met.

    Columns: `GROUP`, `lags` (how many), `n` (runs), `skill` (IQM), `skill_low`, `skill_high` (stratified by lag).
    """
    rows = []
    for series in _shared_lags(runs):
        for key, by_lag in series.items():
            strata = [list(by_seed.values()) for by_seed in by_lag.values()]
            counts = {"lags": len(strata), "n": sum(map(len, strata))}
            rows.append(dict(zip(GROUP, key, strict=True)) | counts | iqm_columns("skill", *strata))
    return pd.DataFrame(rows, columns=[*GROUP, "lags", "n", "skill", "skill_low", "skill_high"])


def improvements(runs: pd.DataFrame) -> pd.DataFrame:
    """How likely the skill of each series is above that of each other series, paired by lag and seed.

    Columns: `GROUP`, `other` and `other_setting` (what it is compared with), `n` (pairs), `probability`, `low`,
    `high`: see `probability_of_improvement`. A diverged run without a score ranks below all others.
    """
    rows = []
    for series in _shared_lags(runs):
        for (key, mine), (other, theirs) in itertools.permutations(series.items(), 2):
            pairs = [(mine[lag][seed], theirs[lag][seed]) for lag in mine for seed in mine[lag] if seed in theirs[lag]]
            found = probability_of_improvement([a for a, _ in pairs], [b for _, b in pairs])
            if found:
                rows.append([*key, *other[-2:], len(pairs), *found])
    return pd.DataFrame(rows, columns=[*GROUP, "other", "other_setting", "n", "probability", "low", "high"])


def _shared_lags(runs: pd.DataFrame) -> Iterator[dict[tuple[str, ...], dict[Any, dict[Any, float]]]]:
    """For each task, setting, source and filler: the skills of each series, by lag and seed.

    Only the lags at which a run of every series has ended.
    """
    ended = with_group_names(runs[runs["status"].isin(OUTCOMES)])
    ended = ended.assign(skill=ranked(ended["skill"]))
    for _, block in groups(ended, GROUP[:4]):
        series = {
            key: {lag: at.set_index("seed")["skill"].to_dict() for lag, at in one.groupby("lag")}
            for key, one in groups(block, GROUP)
        }
        shared = set.intersection(*map(set, series.values()))
        yield {key: {lag: by_lag[lag] for lag in by_lag if lag in shared} for key, by_lag in series.items()}

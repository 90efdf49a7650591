"""Models against each other, over the lags that both met."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnbench.analysis.groups import CONDITION, GROUP, groups, ranked, with_group_names
from rnnbench.analysis.intervals import RESAMPLES
from rnnbench.analysis.outcomes import ended


@dataclass(frozen=True)
class Improvement:
    """How likely one model is above another."""

    probability: float
    """Share of pairs in which it is, a tie counting half."""
    low: float
    high: float
    """95% percentile bootstrap over seeds; NaN with a single one."""
    pairs: int
    seeds: int


def probability_of_improvement(
    first: Sequence[float], second: Sequence[float], seeds: Sequence[int], seed: int = 0
) -> Improvement | None:
    """P(first > second) over pairs, a tie counting half (after Agarwal et al. 2021); None without a pair.

    `seeds`: of each pair. The pairs of a seed, one at each lag, are no independent evidence: the interval draws whole
    seeds with replacement. With few seeds it covers less than 95%. NaN is below every number.
    """
    a, b = (ranked(pd.Series(values, dtype=float)) for values in (first, second))
    if len(a) == 0:
        return None
    wins = pd.Series(np.where(a == b, 0.5, a > b)).groupby(np.asarray(seeds)).agg(["sum", "size"])
    won, n = wins["sum"].to_numpy(), wins["size"].to_numpy(dtype=float)
    low = high = math.nan
    if len(n) > 1:
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(len(n), np.full(len(n), 1 / len(n)), size=RESAMPLES).astype(float)
        low, high = (float(end) for end in np.quantile((drawn @ won) / (drawn @ n), [0.025, 0.975]))
    return Improvement(float(won.sum() / n.sum()), low, high, len(a), len(n))


def improvements(runs: pd.DataFrame) -> pd.DataFrame:
    """How likely the skill of each series is above that of each other series, paired by lag and seed.

    Over the lags that both met: it measures how often one is ahead, not by how much. Columns: `GROUP`, `other` and
    `other_setting` (what it is compared with), `lags`, `n` (pairs), `n_seeds`, `probability`, `low`, `high`: see
    `probability_of_improvement`. A diverged run without a score ranks below all others.
    """
    rows = []
    outcomes = ended(with_group_names(runs))
    for _, block in groups(outcomes, CONDITION):
        series = {key: one.set_index(["lag", "seed"])["skill"].astype(float) for key, one in groups(block, GROUP)}
        for (key, mine), (other, theirs) in itertools.permutations(series.items(), 2):
            both = pd.DataFrame({"mine": mine, "theirs": theirs}).loc[mine.index.intersection(theirs.index)]
            found = probability_of_improvement(
                both["mine"].tolist(), both["theirs"].tolist(), both.index.get_level_values("seed").tolist()
            )
            if found:
                lags = both.index.get_level_values("lag").nunique()
                numbers = [lags, found.pairs, found.seeds, found.probability, found.low, found.high]
                rows.append([*key, *other[-2:], *numbers])
    columns = [*GROUP, "other", "other_setting", "lags", "n", "n_seeds", "probability", "low", "high"]
    return pd.DataFrame(rows, columns=columns)

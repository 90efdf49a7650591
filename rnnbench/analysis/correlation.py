"""Whether two quantities go together over runs, and whether they still do at one lag."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation (Spearman 1904) of two quantities over runs."""

    n: int
    """Runs with both."""
    rho: float
    """Over all of them; NaN where one quantity does not vary."""
    within: float
    """Between runs of the same stratum only: of the ranks within each, minus their mean."""


def rank_correlation(first: pd.Series, second: pd.Series, strata: pd.Series) -> RankCorrelation:
    """How `first` and `second` go together, over all runs and within the strata (the lags, say).

    Two quantities that fall as the lag grows correlate over all runs, even if neither tells anything about the other;
    within a lag they need not.
    """
    table = pd.DataFrame({"first": first.astype(float), "second": second.astype(float), "stratum": strata})
    table = table.replace([math.inf, -math.inf], math.nan).dropna()
    ranks = table.groupby("stratum")[["first", "second"]].rank()
    centred = ranks - ranks.groupby(table["stratum"]).transform("mean")
    return RankCorrelation(len(table), _correlation(table[["first", "second"]].rank()), _correlation(centred))


def _correlation(table: pd.DataFrame) -> float:
    varies = len(table) > 2 and bool((table.max() > table.min()).all())
    return float(table.corr().to_numpy()[0, 1]) if varies else math.nan

"""Whether a quantity tells which runs succeed: the share of pairs of a success and a failure that it puts in order."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnbench.analysis.groups import with_group_names
from rnnbench.analysis.intervals import RESAMPLES
from rnnbench.analysis.outcomes import ended, solved


@dataclass(frozen=True)
class Concordance:
    """How often of two runs that fared differently the one with the higher value succeeded (Harrell et al. 1982)."""

    value: float
    """0.5 tells nothing, 1 everything; a tie counts half. NaN without a pair."""
    pairs: int
    """Pairs of a run that succeeded and one that did not, in the same cell."""
    clusters: int
    """Models among these."""
    low: float = math.nan
    high: float = math.nan
    """95% percentile bootstrap over clusters; NaN with fewer than two of them."""


def concordance(
    values: Iterable[float],
    success: Iterable[bool],
    cells: Iterable[Hashable],
    clusters: Iterable[Hashable],
    seed: int = 0,
) -> Concordance:
    """How `values` order successes and failures, in pairs of the same cell; a cell of one class has no pair.

    Runs of one cluster (a model) succeed together, so the interval draws whole clusters with replacement. A value that
    is missing or not finite leaves its run out.
    """
    of_cells: dict[Hashable, int] = {}
    of_clusters: dict[Hashable, int] = {}
    table = pd.DataFrame(
        {
            "value": np.array(list(values), dtype=float),
            "success": np.array(list(success), dtype=bool),
            "cell": [of_cells.setdefault(cell, len(of_cells)) for cell in cells],
            "cluster": [of_clusters.setdefault(cluster, len(of_clusters)) for cluster in clusters],
        }
    )
    table = table[np.isfinite(table["value"])]
    both = table.groupby("cell")["success"].transform("nunique") == 2
    table = table[both].copy()
    names, table["cluster"] = np.unique(table["cluster"], return_inverse=True)
    # (clusters of the success, clusters of the failure): pairs in order, and all of them.
    ordered, pairs = np.zeros((2, len(names), len(names)))
    for _, cell in table.groupby("cell"):
        won, lost = cell[cell["success"]], cell[~cell["success"]]
        a, b = won["value"].to_numpy()[:, None], lost["value"].to_numpy()[None, :]
        at = np.ix_(won["cluster"], lost["cluster"])
        np.add.at(ordered, at, np.where(a == b, 0.5, a > b))
        np.add.at(pairs, at, 1.0)
    n = int(pairs.sum())
    if n == 0:
        return Concordance(math.nan, 0, len(names))
    return Concordance(float(ordered.sum() / n), n, len(names), *_interval(ordered, pairs, seed))


def _interval(ordered: np.ndarray, pairs: np.ndarray, seed: int) -> tuple[float, float]:
    n = len(pairs)
    if n < 2:
        return math.nan, math.nan
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    found, weight = (np.einsum("ri,ij,rj->r", drawn, table, drawn) for table in (ordered, pairs))
    shares = found[weight > 0] / weight[weight > 0]
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def by_protocol(runs: pd.DataFrame) -> pd.DataFrame:
    """Does survival at initialisation tell which runs solve their task? One row for each `training_lags`.

    Columns: `training_lags`, `survival` (a `Concordance` of `survival_initial` with solving, within task, lag and
    filler) and `lag` (the same of the lag alone, a shorter one first, within task and filler, over the same runs).
    Clusters are models.
    """
    outcomes = ended(with_group_names(runs))
    outcomes = outcomes[np.isfinite(outcomes["survival_initial"].astype(float))]
    rows = []
    for protocol, block in outcomes.groupby("training_lags", sort=False):
        about = [block[name].astype(str) for name in ("task", "task_setting", "source", "filler")]
        task = list(zip(*about, strict=True))
        both = list(zip(task, block["lag"], strict=True))
        success, models = solved(block), block["model"]
        rows.append(
            {
                "training_lags": protocol,
                "survival": concordance(block["survival_initial"], success, both, models),
                "lag": concordance(-block["lag"].astype(float), success, task, models),
            }
        )
    return pd.DataFrame(rows, columns=["training_lags", "survival", "lag"])

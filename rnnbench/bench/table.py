"""Measurements as tables, and the ratios and means of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.bench.peers import FLOOR, OURS, STOCK
from rnnbench.bench.problem import GATES, PLAIN_CELLS, PLAIN_SIZES, SIZES, Problem
from rnnbench.bench.timing import Entrant

PROBLEM = ["cores", "cell", "batch", "length", "units"]
"""The columns that name a row of the benchmark."""
COLUMNS = [
    *PROBLEM, "peer", "status", "step_ms", "low_ms", "high_ms", "times_ours", "rounds", "steps", "first_step_seconds",
    "shards",
]  # fmt: skip
"""Of steps.csv: median, 10 and 90% of the milliseconds a step over the rounds; median over the rounds of its time
over ours; how many rounds and steps; seconds until the first step was done; number of shards."""
MEASURED = "measured"


def named(cores: int, problem: Problem, peer: str, status: str) -> dict[str, Any]:
    """The columns that identify a row, and its status."""
    return {"cores": cores, **problem.as_dict(), "peer": peer, "status": status}


def row(cores: int, peer: str, entrant: Entrant, ours: Entrant | None) -> dict[str, Any]:
    """A row of steps.csv."""
    what = named(cores, entrant.problem, peer, entrant.failure or MEASURED)
    if not entrant.rounds:
        return what
    milliseconds = 1e3 * np.array(list(entrant.rounds.values()))
    low, median, high = np.quantile(milliseconds, [0.1, 0.5, 0.9])
    return what | {
        "step_ms": median,
        "low_ms": low,
        "high_ms": high,
        "times_ours": ratio(entrant.rounds, ours.rounds) if ours else np.nan,
        "rounds": len(entrant.rounds),
        "steps": entrant.steps * len(entrant.rounds),
        "first_step_seconds": entrant.first,
    }


def ratio(above: Mapping[int, float], below: Mapping[int, float]) -> float:
    """Median over the rounds that both took part in of their quotients; NaN without any."""
    shared = above.keys() & below.keys()
    return float(np.median([above[number] / below[number] for number in shared])) if shared else np.nan


def frame(rows: Iterable[Mapping[str, Any]], columns: list[str] = COLUMNS) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns)


@dataclass(frozen=True)
class Standing:
    """How ours compares in one row of the benchmark; NaN where something was not measured."""

    step_ms: float
    fastest: str
    """The fastest peer that was measured, or `""`."""
    over_fastest: float
    """Its time over ours: above 1 ours is faster."""
    over_stock: float
    """Stock Keras' at the faster of its settings over ours."""
    to_floor: float
    """Our time over that of the matrix products."""


def standing(rows: pd.DataFrame) -> Standing:
    """From the rows of one problem on one number of cores."""
    measured = rows[rows["status"] == MEASURED].set_index("peer")
    peers = measured.drop(index=[OURS, FLOOR], errors="ignore")["step_ms"].dropna()
    fastest = str(peers.idxmin()) if len(peers) else ""
    stock = peers[peers.index.isin(STOCK)]
    times = measured["times_ours"].reindex([fastest, stock.idxmin() if len(stock) else "", FLOOR]).to_numpy()
    return Standing(
        step_ms=float(measured["step_ms"].get(OURS, np.nan)),
        fastest=fastest,
        over_fastest=float(times[0]),
        over_stock=float(times[1]),
        to_floor=float(1 / times[2]),
    )


def geometric_mean(values: Iterable[float]) -> float:
    """Over the finite values; NaN if there are none."""
    known = np.array([value for value in values if np.isfinite(value)])
    return float(np.exp(np.log(known).mean())) if len(known) else np.nan


def joined(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """`new`, and the rows of `old` with other values in the columns `key`."""
    again = old.set_index(key).index.isin(new.set_index(key).index)
    return pd.concat([old[~again], new], ignore_index=True) if (~again).any() else new.reset_index(drop=True)


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """By cores, cell and, in the order of `SIZES`, size; then as they were."""
    if rows.empty:
        return rows
    sizes = [",".join(map(str, size)) for size in (*SIZES, *PLAIN_SIZES)]
    ranks = pd.DataFrame(
        {
            "cores": rows["cores"],
            "cell": rows["cell"].map([*GATES, *PLAIN_CELLS].index),
            "size": [
                sizes.index(size) if (size := f"{batch},{length},{units}") in sizes else len(sizes)
                for batch, length, units in rows[["batch", "length", "units"]].to_numpy()
            ],
            "units": rows["units"],
            "batch": rows["batch"],
            "length": rows["length"],
        }
    )
    return rows.loc[ranks.sort_values(ranks.columns.to_list(), kind="stable").index].reset_index(drop=True)

"""What runs score at other lags than the one they were trained at: from their histories to a table."""

from __future__ import annotations

import pandas as pd

from rnnbench.analysis import columns
from rnnbench.analysis.groups import GROUP, groups, with_group_names
from rnnbench.analysis.intervals import band, mean
from rnnbench.analysis.outcomes import ended

LAG_CURVE_COLUMNS = columns.names_of(columns.LAG_CURVES)
PREFIX = "lag_curve/"
"""Of the metrics of a lag curve, whose step is the test lag."""
_OTHERS = {"skill": "skill", "solved": "solved", "standard_error": "test_se"}


def lag_curves(runs: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """One row for each run and test lag, in the order of `runs`, test lags ascending: `LAG_CURVE_COLUMNS`.

    `lag` is the one it was trained for. A run without an outcome has none. `solved` is a nullable boolean.
    """
    metrics = history[history["metric"].str.startswith(PREFIX)]
    if metrics.empty:
        return pd.DataFrame(columns=LAG_CURVE_COLUMNS)
    wide = metrics.assign(metric=metrics["metric"].str.removeprefix(PREFIX)).pivot_table(
        index=["signature", "step"], columns="metric", values="value", aggfunc="last", dropna=False
    )
    names = ["task", "model", "lag", "filler", "training_lags", "seed", "score_name", "signature"]
    outcomes = ended(runs)[names].assign(place=range(len(ended(runs))))
    table = outcomes.merge(wide.reset_index().rename(columns={"step": "test_lag"}), on="signature")
    known = table.columns
    score = pd.Series(float("nan"), index=table.index)
    for name in table["score_name"].dropna().unique():
        if name in known:
            score = score.mask(table["score_name"] == name, table[name].astype(float))
    found = table.assign(
        score=score, **{to: table[name] if name in known else float("nan") for name, to in _OTHERS.items()}
    )
    found = found.assign(
        solved=pd.array([pd.NA if pd.isna(one) else one > 0 for one in found["solved"]], dtype="boolean"),
        test_lag=found["test_lag"].astype(int),
    ).dropna(subset=["score", "skill", "solved"], how="all")
    return found.sort_values(["place", "test_lag"], kind="stable")[LAG_CURVE_COLUMNS].reset_index(drop=True)


def mean_curves(runs: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The lag curves over seeds: `GROUP`, `lag`, `test_lag`, `n`, `n_solved`, and `score` and `skill` with their bands.

    Of the ended runs among `runs`; see `intervals.band` for `score_low` and the like.
    """
    names = ended(with_group_names(runs))[[*GROUP, "lag", "signature"]]
    one = curves.drop_duplicates(["signature", "test_lag"])[["signature", "test_lag", "score", "skill", "solved"]]
    rows = []
    for key, at in groups(names.merge(one, on="signature"), [*GROUP, "lag", "test_lag"]):
        row = dict(zip([*GROUP, "lag", "test_lag"], key, strict=True))
        row |= {"n": len(at), "n_solved": int(at["solved"].astype("boolean").fillna(False).sum())}
        for name in ("score", "skill"):
            around = band(at[name].tolist())
            low, high = (around.low, around.high) if around else (float("nan"), float("nan"))
            row |= {name: mean(at[name].tolist()), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    numbers = [f"{name}{end}" for name in ("score", "skill") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=[*GROUP, "lag", "test_lag", "n", "n_solved", *numbers])

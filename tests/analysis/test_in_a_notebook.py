"""What a notebook shows of results: counts, horizons in words and as numbers, and the way to the tables."""

from __future__ import annotations

import re

import pandas as pd

from rnnbench.analysis.in_a_notebook import horizon_table
from rnnbench.analysis.results import Results
from tests.analysis.tables import table

EMPTY = pd.DataFrame()


def runs(**solved: list[bool]) -> pd.DataFrame:
    """Two seeds at each of the lags 10, 20 and 40 for each model."""
    rows = [
        {"model": model, "lag": lag, "solved": one, "seed": seed, "role": "evaluated", "experiment": "carry"}
        for model, passed in solved.items()
        for lag, one in zip((10, 20, 40), passed, strict=True)
        for seed in (0, 1)
    ]
    return table(*rows)


def cells(html: str) -> list[str]:
    return re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", html)


def test_horizons_are_words_and_numbers() -> None:
    found = horizon_table(runs(all=[True, True, True], some=[True, True, False], none=[False] * 3)).set_index("model")
    assert [str(one) for one in found["horizon"]] == [">= 40", "20", "-"]
    assert found["horizon_lag"].tolist()[:2] == [40, 20]
    assert pd.isna(found.loc["none", "horizon_lag"])
    assert found["horizon_lag"].mean() == 30
    assert found["at_least"].tolist() == [True, False, False]
    assert found.loc["some", "counts"] == "20, 2 of 2; 40, 0 of 2"


def test_results_show_their_horizons_and_tables() -> None:
    results = Results(runs(lstm=[True, True, False], gru=[False] * 3), EMPTY, EMPTY, EMPTY, note="No data <here>.")
    html = results._repr_html_()
    assert "<b>carry</b> 12 points of the grid: 12 finished." in html
    assert "No data &lt;here&gt;." in html
    shown = cells(html)
    assert shown[:3] == ["task", "lstm", "gru"]
    assert shown[3:6] == ["copy_memory", "20 (20, 2 of 2; 40, 0 of 2)", "- (10, 0 of 2)"]
    assert shown[shown.index(".runs") :][:2] == [".runs", "12"]
    assert "rnnbench.columns()" in html


def test_conditions_that_differ_are_named_and_labels_are_escaped() -> None:
    both = pd.concat([runs(**{"a<b": [True] * 3}), runs(**{"a<b": [True] * 3}).assign(filler="zeros")])
    shown = cells(Results(both, EMPTY, EMPTY, EMPTY)._repr_html_())
    assert shown[:3] == ["task", "filler", "a&lt;b"]


def test_results_without_a_run() -> None:
    html = Results(table(), EMPTY, EMPTY, EMPTY)._repr_html_()
    assert "0 points of the grid: none." in html
    assert "<caption>" not in html

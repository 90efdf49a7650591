"""Results as a notebook shows them: the memory horizons, and what else is there to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from rnnbench.analysis.columns import HORIZONS, names_of
from rnnbench.analysis.groups import CONDITION, groups
from rnnbench.analysis.horizon import Horizon, horizons
from rnnbench.analysis.selection import EVALUATED
from rnnbench.analysis.summary import summary
from rnnbench.text.html import html_table, paragraph
from rnnbench.text.wording import count_of

_CONTENTS = {
    "runs": "one row a run: settings, score, gradient, time",
    "history": "every metric at every step",
    "profiles": "gradient norms against the distance",
    "levels": "what scores are compared with",
    "lag_curves": "scores at other lags than the trained one",
}


def horizon_table(runs: pd.DataFrame) -> pd.DataFrame:
    """The memory horizon of each series of the evaluated runs, in words and as a number: `columns.HORIZONS`."""
    found = horizons(summary(runs[runs["role"] == EVALUATED]))
    reached: Sequence[Horizon] = found["horizon"].tolist()
    return found.assign(
        horizon_lag=pd.array([one.lag for one in reached], dtype="Int64"),
        at_least=[one.beyond for one in reached],
        counts=[one.told for one in reached],
    )[names_of(HORIZONS)]


def results_html(tables: Mapping[str, pd.DataFrame], note: str = "") -> str:
    """Counts, the memory horizons with models as columns, and the `tables` of a `Results`, of which `runs` is one."""
    runs = tables["runs"]
    statuses = ", ".join(f"{count:,} {status}" for status, count in runs["status"].value_counts().items())
    parts = [paragraph(f"{count_of(len(runs), 'point')} of the grid: {statuses or 'none'}.", _names(runs))]
    parts += [paragraph(note)] if note else []
    if (runs["role"] == EVALUATED).any():
        parts.append(_horizons(horizon_table(runs)))
    rows = [(f".{name}", f"{len(table):,}", _CONTENTS[name]) for name, table in tables.items()]
    parts.append(html_table(["table", "rows", "what it holds"], rows))
    parts.append(paragraph("rnnbench.columns() says what each column means, and when it is empty."))
    return "".join(parts)


def _names(runs: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(runs["experiment"])) or "Results"


def _horizons(table: pd.DataFrame) -> str:
    names = zip(table["model"], table["model_setting"], strict=True)
    told = [" ".join(filter(None, name)) for name in names]
    models = list(dict.fromkeys(told))
    shown = [name for name in CONDITION if name == "task" or table[name].nunique() > 1]
    rows = []
    for key, series in groups(table.assign(shown_model=told), CONDITION):
        at = dict(zip(series["shown_model"], series["horizon"], strict=True))
        condition = dict(zip(CONDITION, key, strict=True))
        rows.append([*(condition[name] for name in shown), *(_in_words(at.get(model)) for model in models)])
    caption = "Memory horizon: the longest lag that at least half of the seeds solve, with counts"
    return html_table([*shown, *models], rows, caption)


def _in_words(horizon: Horizon | None) -> str:
    if horizon is None:
        return ""
    return f"{horizon} ({horizon.told})" if horizon.counts else str(horizon)

"""What `rnnbench run` shows at its end: the memory horizons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from rnnbench.cli.tables import PlainTable, fits

if TYPE_CHECKING:
    from rnnbench.report.headline import Headline


def headline(found: Headline, console: Console) -> Group:
    """The memory horizon of every series: a row per task, or per series where that is too wide for the console."""
    wide = PlainTable("", ["task", "lags", "filler"], found.models)
    for (task, training_lags, filler), horizons in found.by_task.items():
        wide.add_row(task, training_lags, filler, *(horizons.get(model, "") for model in found.models))
    narrow = PlainTable("", ["task", "lags", "filler", "model"], ["horizon"])
    for row in found.rows:
        narrow.add_row(row.task, row.training_lags, row.filler, row.model, row.horizon)
    return Group(Text(found.heading, style="bold"), wide if fits(wide, console) else narrow)

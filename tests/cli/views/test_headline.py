"""The memory horizons at the end of a run."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest
from rich.console import Console

from rnnbench.cli.views.headline import headline
from rnnbench.report.headline import Row
from tests.cli.views.shown import shown


class Found:
    """As `rnnbench.report.headline.Headline`."""

    heading = "Memory horizon"
    models: ClassVar = ["simple_rnn", "lstm [b]", "gru"]
    by_task: ClassVar = {("copy", "fixed", "blank"): {"simple_rnn": "≥ 200", "lstm [b]": "–"}}
    rows: ClassVar = [
        Row("copy", "fixed", "blank", "simple_rnn", "≥ 200"),
        Row("copy", "fixed", "blank", "lstm [b]", "–"),
    ]


@pytest.mark.parametrize(
    ("width", "expected"),
    [(80, [r"task +lags +filler +simple_rnn +lstm \[b\] +gru", r"copy +fixed +blank +≥ 200 +–"]),
     (44, [r"task +lags +filler +model +horizon", r"copy +fixed +blank +simple_rnn +≥ 200",
          r"copy +fixed +blank +lstm \[b\] +–"])],
)  # fmt: skip
def test_the_headline_has_a_row_per_series_where_a_row_per_task_is_too_wide(width: int, expected: list[str]) -> None:
    text = shown(headline(Found, Console(width=width)), width)
    for pattern in expected:
        assert re.search(pattern, text)

"""The picture of what a network reads is that of the task's own layout."""

from __future__ import annotations

from typing import Any

import pytest

from rnnbench.report.data import ReportData
from rnnbench.report.figures.stream import Stream
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.protocol import longest_lead
from tests.report.fake_results import fake_results
from tests.report.figures.panels import figure, tables

RESULTS = fake_results(models=("lstm",), lags=(5, 200), seeds=1)


def drawn(settings: dict[str, Any] | None) -> Any:
    data = ReportData(RESULTS, {"copy_memory": settings} if settings is not None else None)
    return Stream().draw(data, data.problems[0])


@pytest.mark.parametrize("lead", ["random", "none"])
def test_the_parts_are_those_of_the_layout(lead: str) -> None:
    settings: dict[str, Any] = {
        "task": "copy_memory",
        "symbols": 3,
        "lag": [5, 200],
        "lead": lead,
        "filler": ["blank", "distractor"],
    }
    settings["training_lags"] = ["uniform", "far"] if lead == "random" else "fixed"
    (parts,) = tables({"layer": figure(drawn(settings)).panels})
    for lag, rows in parts.groupby("lag"):
        layout = CopyMemory(lag=lag, symbols=3).layout
        found = dict(zip(rows["part"], rows["steps"], strict=True))
        before = {"lead": longest_lead(lag)} if lead == "random" else {}
        assert found == before | {"evidence": layout.evidence, "filler": lag, "readout": layout.readout}
        assert rows["first"].tolist()[1:] == rows["end"].tolist()[:-1]
        assert rows["end"].max() == layout.length


@pytest.mark.parametrize("settings", [None, {"task": "of_a_plug_in"}, {"task": "copy_memory", "symbols": [1, 2]}])
def test_without_a_task_at_hand_there_is_no_figure(settings: dict[str, Any] | None) -> None:
    assert drawn(settings) is None

"""What networks answer: the runs whose answers a report shows, and the tables of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.report.data import Problem, ReportData
from rnnbench.report.formatting import count, number
from rnnbench.report.tables import Cell, Table
from rnnbench.showing.confusion import recalls

_MOST = 5
"""Examples of a table."""
SOLVED, FAILED = "longest solved", "shortest failed"


@dataclass(frozen=True)
class Answered:
    """A run and some of its answers."""

    at: str
    """`SOLVED` or `FAILED`."""
    run: dict[Any, Any]
    answers: dict[str, Any]
    distance: str

    @property
    def title(self) -> str:
        """`"lag 100, longest solved: lstm"`."""
        return f"{self.distance} {self.run['lag']}, {self.at}: {self.run['series']}"

    @property
    def named(self) -> str:
        """The run in words."""
        run = self.run
        diverged = ", which diverged" if run["status"] == "diverged" else ""
        where = f"{self.distance} {run['lag']}, the {self.at} one of any network"
        return f"{run['series']} at {where} ({run['setup']}, seed {run['seed']}{diverged})"


def answered(data: ReportData, problem: Problem) -> list[Answered]:
    """The first run that solves the longest lag that any run solves, and the first that fails the shortest one that any
    fails; without those whose answers were not stored."""
    runs = data.outcomes(problem)
    solved = runs["solved"].fillna(False).astype(bool)
    found = []
    for at, rows in ((SOLVED, runs[solved]), (FAILED, runs[~solved])):
        lag = (rows["lag"].max() if at == SOLVED else rows["lag"].min()) if len(rows) else None
        for row in rows[rows["lag"] == lag].to_dict("records"):
            if (answers := data.answers(row["signature"])) is not None:
                found.append(Answered(at, row, answers, problem.distance))
                break
    return found


def examples_table(data: ReportData, problem: Problem, at: str) -> Table | None:
    """What was asked, what is right and what the network says; None where a figure shows it, or nothing is stored."""
    shown = _of(data, problem, at)
    examples = shown.answers["examples"] if shown else []
    if shown is None or not examples or any("curves" in one or "picture" in one for one in examples):
        return None
    rows = [[(f"example {one['example']}", *_lead(one)), *_cells(one)] for one in examples[:_MOST]]
    caption = (
        f"Some test examples and the answers of {shown.named}. An * marks the steps that a flag singles out; "
        "· is a blank, – padding, ? the marker."
    )
    return Table(caption, ["", "reads", "right answer", "answer", _JUDGED[_judged(examples[0])]], rows)


def confusion_table(data: ReportData, problem: Problem, at: str) -> Table | None:
    """How often each class was answered, a row for each right one, with its recall; None where it is not stored."""
    shown = _of(data, problem, at)
    if shown is None or "confusion" not in shown.answers:
        return None
    confusion = shown.answers["confusion"]
    names, counts = confusion["classes"], confusion["counts"]
    rows: list[list[Cell]] = [
        [(name,), *((str(found),) for found in row), ("–" if np.isnan(recall) else number(recall),)]
        for name, row, recall in zip(names, counts, recalls(counts), strict=True)
    ]
    undefined = confusion.get("undefined", 0)
    caption = (
        f"Confusion matrix of the test split: a row for each right class, a column for each answer, of {shown.named}. "
        "Recall: the share of a class that is answered right."
        + (f" Not counted: {count(undefined)} answers that were not finite." if undefined else "")
    )
    return Table(caption, ["right class", *names, "recall"], rows)


def ahead_table(data: ReportData, problem: Problem) -> Table | None:
    """The error of a forecast by the step ahead, beside persistence; None where it is not stored."""
    found = [shown for shown in answered(data, problem) if "errors_ahead" in shown.answers]
    if not found:
        return None
    errors = {shown.title: pd.Series(shown.answers["errors_ahead"]["mse"], dtype=float) for shown in found}
    persistence = pd.Series(found[0].answers["errors_ahead"]["persistence"], dtype=float)
    steps = _some_steps(len(persistence))
    rows: list[list[Cell]] = [
        [(title,), *((number(of.iloc[step - 1]),) for step in steps)]
        for title, of in {**errors, "persistence": persistence}.items()
    ]
    named = "; ".join(shown.named for shown in found)
    caption = f"Mean squared error of the test split at each step ahead: {named}. Persistence: the last value seen."
    return Table(caption, ["", *(f"{step} ahead" for step in steps)], rows)


_JUDGED = {"right": "right", "error": "squared error"}


def _judged(one: dict[str, Any]) -> str:
    return "right" if "right" in one else "error"


def _cells(one: dict[str, Any]) -> list[Cell]:
    if _judged(one) == "error":
        return [(one["asked"],), (one["truth"],), (one["answer"],), (number(one.get("error")),)]
    share = one["right"]
    judged = "–" if share is None else {1: "yes", 0: "no"}.get(share, f"{100 * share:.0f}%")
    sure = () if one.get("probability") is None else (f"probability {number(one['probability'])}",)
    return [(one["asked"],), (one["truth"],), (one["answer"], *sure), (judged,)]


def _lead(one: dict[str, Any]) -> Cell:
    return (f"behind a lead of {one['lead']}",) if one["lead"] else ()


def _of(data: ReportData, problem: Problem, at: str) -> Answered | None:
    return next((shown for shown in answered(data, problem) if shown.at == at), None)


def _some_steps(steps: int) -> list[int]:
    """At most nine steps ahead, the first and the last among them."""
    return sorted({int(step) for step in np.geomspace(1, steps, 9).round()}) if steps else []

"""What a report consists of: the figures and tables of each task, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from rnnbench.errors import note
from rnnbench.identity import class_code
from rnnbench.report import answers, tables, words
from rnnbench.report.claims import claims
from rnnbench.report.data import Problem, ReportData
from rnnbench.report.diagnostics import diagnostics_table
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.figures.base import PARTS, AnswerFigure, Drawn, ReportFigure, TaskFigure, report_figures
from rnnbench.report.glossary import of_task
from rnnbench.report.headlines import headline
from rnnbench.report.tables import Table

TABLES: dict[str, dict[str, Callable[[ReportData, Problem], Table | None]]] = {
    "Score": {
        "Score at each lag": tables.score_table,
        "Success rate and steps to solve": tables.success_table,
        "Without the marker": tables.marker_table,
        "Models against each other": tables.comparison_table,
    },
    "Answers": {
        "What the longest solved lag answers": partial(answers.examples_table, at=answers.SOLVED),
        "What the shortest failed lag answers": partial(answers.examples_table, at=answers.FAILED),
        "Right classes and answers at the longest solved lag": partial(answers.confusion_table, at=answers.SOLVED),
        "Right classes and answers at the shortest failed lag": partial(answers.confusion_table, at=answers.FAILED),
        "Error of each step ahead": answers.ahead_table,
    },
    "Gradients": {
        "Survival and decay at each lag": tables.gradient_table,
        "What training did to the network": diagnostics_table,
    },
    "Cost": {"Size and cost": tables.cost_table},
}
"""The tables below the figures of each part, by their names."""


@dataclass(frozen=True)
class Part:
    """Figures that belong together, and the tables of their numbers by name."""

    title: str
    figures: list[Figure]
    tables: dict[str, Table]


@dataclass(frozen=True)
class Section:
    """What the report says of one task at one setting."""

    problem: Problem
    about: str
    """The task in words; empty where it is not known."""
    headlines: list[str]
    """One for each protocol."""
    answers: list[str]
    parts: list[Part]


@dataclass(frozen=True)
class Contents:
    """The figures of the answer, for all tasks together, and a section for each task."""

    answer: list[Figure]
    sections: list[Section]

    @property
    def figures(self) -> list[Figure]:
        """All figures in the order of the page."""
        return [
            *self.answer,
            *(figure for section in self.sections for part in section.parts for figure in part.figures),
        ]


def contents(data: ReportData) -> Contents:
    """All that is drawn and said of the runs of a report."""
    known = sorted((report_figures[name]() for name in report_figures), key=lambda kind: kind.order)
    answer = [figure for kind in known if isinstance(kind, AnswerFigure) for figure in _drawn(kind, kind.draw, data)]
    of_tasks = [kind for kind in known if isinstance(kind, TaskFigure)]
    return Contents(answer, [_section(data, problem, of_tasks) for problem in data.problems])


def _section(data: ReportData, problem: Problem, kinds: list[TaskFigure]) -> Section:
    drawn = [(kind.part, figure) for kind in kinds for figure in _drawn(kind, kind.draw, data, problem)]
    titles = dict.fromkeys([*PARTS, *(title for title, _ in drawn)])
    parts = [
        Part(
            title,
            [figure for part, figure in drawn if part == title],
            {name: table for name, of in TABLES.get(title, {}).items() if (table := of(data, problem))},
        )
        for title in titles
    ]
    told = [headline(found) for found in claims(data, problem)] or ["No run has ended."]
    return Section(problem, of_task(problem.task, data.tasks), told, words.answers(data, problem), parts)


def _drawn(kind: ReportFigure, draw: Callable[..., Drawn], *about: ReportData | Problem) -> list[Figure]:
    if class_code.is_built_in(type(kind)):
        return list(_figures(draw(*about)))
    try:
        figures = list(_figures(draw(*about)))
        for figure in figures:
            figure.svg()  # a panel that cannot be drawn is found here, and not in the middle of writing
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        note(f"the figure '{kind.name}' of {class_code.describe(type(kind))} is left out of the report: {reason}")
        return []
    return figures


def _figures(drawn: Drawn) -> Iterator[Figure]:
    if isinstance(drawn, Figure):
        yield drawn
    elif drawn is not None:
        yield from drawn

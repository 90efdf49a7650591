"""What a figure of the report is. A new one is one file in this package or in a plug-in, and nothing else:

    from rnnbench import TaskFigure, register_figure  # in this package: from this module

    @register_figure("seconds")
    class Seconds(TaskFigure):
        part = "Cost"

        def draw(self, data, problem):
            runs = inline_data(rows_of(data.runs, problem), ["series", "lag", "seconds"])
            colour = PanelBuilder(data.series).colour
            points = alt.Chart(runs).mark_point().encode(x="lag:Q", y="seconds:Q", color=colour)
            title, words = f"{problem.label}: time of a run", "Seconds of each run, against the lag"
            return Figure(self.file_name(problem), title, f"{words}.", [panel([points], "", words)])

The page, the Markdown, the SVG files and `rnnbench.figures(...)` then have it. `drawing` holds what panels are made of.
A plug-in's figure that raises, or that cannot be drawn, is left out with a note. Keep it in a file of its own: the code
of a file with a task or a model is part of the signature of its runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from rnnbench.registry import Registry
from rnnbench.report.data import Problem, ReportData
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.formatting import slug

PARTS = ("Task", "Score", "Answers", "Gradients", "Training", "Cost")
"""The headings of a task's section, in their order. Others follow, in the order of their first figure."""

Drawn = Figure | Iterable[Figure] | None
"""One figure, several (one for each setup, say), or none where there is nothing to draw."""


class ReportFigure:
    """A figure that is registered: a `TaskFigure` or an `AnswerFigure`."""

    order: ClassVar[int] = 100
    """Its place among its neighbours, lowest first; those of the same order go by name."""

    @property
    def name(self) -> str:
        """The name that it is registered by."""
        return report_figures.name_of(type(self))


class AnswerFigure(ReportFigure, ABC):
    """A figure of the report's first section, drawn once for all tasks. Its file is called by its `name`."""

    @abstractmethod
    def draw(self, data: ReportData) -> Drawn:
        """From the tables of the report."""


class TaskFigure(ReportFigure, ABC):
    """A figure that the section of each task has."""

    part: ClassVar[str]
    """The heading that it stands under: one of `PARTS`, or another."""

    @abstractmethod
    def draw(self, data: ReportData, problem: Problem) -> Drawn:
        """Of one task at one setting, a row of `data.problems`."""

    def file_name(self, problem: Problem, setup: str = "") -> str:
        """`survival-copy_memory`, or `curves-copy_memory-uniform-lags-blank-filler`: one for each problem and setup."""
        return "-".join([self.name, problem.slug, *([slug(setup)] if setup else [])])


report_figures: Registry[type[ReportFigure]] = Registry("figure", "rnnbench.report.figures", "ReportFigure")
register_figure = report_figures.register

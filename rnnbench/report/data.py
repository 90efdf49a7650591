"""What a report is made of: the results under the names that a reader sees, and their statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.analysis.budgets import horizons_by_budget
from rnnbench.analysis.comparisons import improvements
from rnnbench.analysis.groups import GROUP, attempted, higher_is_better, skipped, with_group_names
from rnnbench.analysis.horizon import horizons
from rnnbench.analysis.lag_curves import mean_curves
from rnnbench.analysis.levels import asks_memory, skill
from rnnbench.analysis.outcomes import ended
from rnnbench.analysis.results import Results
from rnnbench.analysis.selection import EVALUATED, TUNING, candidates
from rnnbench.analysis.steps_to_solve import solving
from rnnbench.analysis.summary import summary
from rnnbench.experiment.skipped import SKIPPED, SkippedRuns, by_reason
from rnnbench.report.drawing.style import Series, all_series, series_label
from rnnbench.report.formatting import count, isolated, seeds_text, slug
from rnnbench.report.setups import setup_label

INPUT_STATE = "x"
"""`state` of a gradient profile by the input."""
UNSOUND = "gradient_profile/sound"
"""Metric that is 0 where the probed states do not hold all that the network knows of the past."""
SURVIVAL = "gradient_profile/survival"
"""Metric of a gradient's survival, at each step at which it was taken."""
FROZEN = "frozen"
"""The level of each network by itself: with its initial recurrent weights and a ridge readout."""
Described = dict[str, dict[str, Any]]
"""The tasks of the resolved experiment: label to settings."""


@dataclass(frozen=True)
class Problem:
    """A task at one setting, which has a section of its own."""

    task: str
    setting: str
    source: str
    score_name: str
    higher_is_better: bool = True
    distance: str = "lag"
    """What its axis is called: `T`, the length of the sequence, where the distance is not one number."""

    @property
    def synthetic(self) -> bool:
        return self.source == "synthetic"

    @property
    def label(self) -> str:
        """The name in headings; synthetic stand-ins are called that everywhere."""
        name = f"{self.task}, {self.setting}" if self.setting else self.task
        if self.synthetic:
            return isolated(f"{name} (synthetic stand-in)")
        # A label such as `speech_commands_distractor` names the data already.
        named = self.source in ("", "generated") or self.task.startswith(self.source)
        return isolated(name if named else f"{name} ({self.source})")

    @property
    def score_title(self) -> str:
        """The name of its score on axes and in headings."""
        return {"mse": "mean squared error"}.get(self.score_name, self.score_name.replace("_", " "))

    @property
    def slug(self) -> str:
        """Its name in file names and anchors."""
        return slug(self.label)


class ReportData:
    """The tables of `Results`, each with the labels `problem`, `setup` and `series`, and what follows from them.

    A setup is what the lags were drawn from in training, and what fills them: `"uniform lags, blank filler"`.
    """

    def __init__(self, results: Results, tasks: Described | None = None) -> None:
        """`tasks`: what the experiment says of them, which decides on the published scores beside ours."""
        self.tasks = tasks or {}
        # An infinity has no place on an axis or in a table.
        results = replace(
            results,
            runs=_finite(results.runs),
            history=_finite(results.history),
            lag_curves=_finite(results.lag_curves),
        )
        keys = GROUP
        points = with_group_names(results.runs)
        everything = attempted(points).copy()
        everything["run"] = range(len(everything))
        self._problems = {
            row: Problem(row[0], row[1], row[2], *self._scoring(points, row))
            for row in points[["task", "task_setting", "source"]].drop_duplicates().itertuples(index=False, name=None)
        }
        evaluated = results.runs["role"] == EVALUATED
        self.runs = self._labelled(everything[everything["role"] == EVALUATED])
        """One row for each evaluated run, `run` its place among all runs; figures and tables are made of these."""
        self.all_runs = self._labelled(everything)
        """One row for each run, also those that only helped to choose."""
        self.skipped = self._labelled(skipped(points))
        """One row for each point that is skipped: only tables of statuses name them, beside `all_runs`."""
        listed = results.runs[evaluated | (results.runs["status"] == SKIPPED)]
        self.listed = self._labelled(points.loc[listed.index])
        """The rows of `runs` and of `skipped` in the order of the grid: what a table by lag has a cell for."""
        table = summary(listed, results.examples)
        self.summary = self._labelled(table)
        """`summary`: one row for each series and lag that is not skipped."""
        self.horizons = self._labelled(horizons(table))
        """`horizons`: one row for each series."""
        self.budgets = self._labelled(horizons_by_budget(results.runs[evaluated]))
        """`horizons_by_budget`: one row for each series and budget."""
        self.solving = self._labelled(solving(results.runs[evaluated]))
        """`solving`: one row for each series, lag and step."""
        pairs = improvements(results.runs[evaluated])
        others = pairs[["other", "other_setting"]].itertuples(index=False, name=None)
        self.improvements = self._labelled(pairs).assign(other_series=[series_label(*other) for other in others])
        """`improvements`: one row for each pair of series."""
        named = self.runs[["signature", "problem", "setup", "series", "lag", "seed", "run", "score_name", *keys]]
        self._answers = results.answers
        self._read_answers: dict[str, dict[str, Any] | None] = {}
        self.history = results.history.merge(named, on="signature")
        self.profiles = results.profiles.merge(named, on="signature")
        self.lag_curves = self._labelled(mean_curves(results.runs[evaluated], results.lag_curves))
        """`mean_curves`: one row for each series, lag and test lag."""
        levels = results.levels.merge(named, on="signature")
        where = ["problem", "setup", "lag", "level"]
        shared = levels[levels["level"] != FROZEN]
        self.levels = shared.groupby(where, sort=False)["value"].median().reset_index()
        """`problem, setup, lag, level, value`: of all models, `memoryless` and `reference` among them."""
        own = levels[levels["level"] == FROZEN]
        own = own.groupby(["problem", "setup", "series", "lag"], sort=False)["value"].median().reset_index()
        self.frozen = own.assign(skill=self._skills(own))
        """`problem, setup, series, lag, value, skill`: each network at initialisation with a ridge readout."""

    def unsound(self, problem: Problem) -> list[str]:
        """The series of a problem with an unsound gradient profile, in the order of the file."""
        history = rows_of(self.history, problem)
        marked = set(history.loc[(history["metric"] == UNSOUND) & (history["value"] == 0), "series"])
        return [series.label for series in self.series if series.label in marked]

    def by_input(self, problem: Problem) -> list[str]:
        """The series of a problem that have no state, in the order of the file."""
        profiles = rows_of(self.profiles, problem)
        found = set(profiles.loc[profiles["state"] == INPUT_STATE, "series"])
        return [series.label for series in self.series if series.label in found]

    @property
    def problems(self) -> list[Problem]:
        evaluated = set(self.runs["problem"])
        return [problem for problem in self._problems.values() if problem.label in evaluated]

    @property
    def selects(self) -> bool:
        """Whether values of axes were chosen."""
        return bool((self.all_runs["role"] != EVALUATED).any())

    @property
    def tuning_seeds(self) -> list[int]:
        """Seeds that only chose; none if the tuning seeds are evaluated too."""
        return _tuning_seeds(self.all_runs)

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """`selection.candidates`: one row for each series and combination of the experiments that choose."""
        by_experiment = [runs for _, runs in self.all_runs.groupby("experiment", sort=False)]
        tuned = [runs for runs in by_experiment if (runs["role"] != EVALUATED).any()]
        return self._labelled(pd.concat(candidates(runs, _tuning_seeds(runs)) for runs in tuned))

    @property
    def chosen_axes(self) -> list[str]:
        """The axes whose values were chosen, in the order of `select`."""
        return list(dict.fromkeys(axis for one in self.candidates["choice"] for axis, _ in one.values))

    def answers(self, signature: str) -> dict[str, Any] | None:
        """What a run answered to some test examples: see `showing.answers`; None where that was not stored."""
        if signature not in self._read_answers:
            read = self._answers.get(signature)
            self._read_answers[signature] = read() if read is not None else None
        return self._read_answers[signature]

    @cached_property
    def skipped_at(self) -> set[tuple[str, str, str, int]]:
        """Problem, setup, series and lag of the points that are skipped."""
        return set(self.skipped[["problem", "setup", "series", "lag"]].itertuples(index=False, name=None))

    @cached_property
    def skipped_series(self) -> list[tuple[str, str, str]]:
        """Problem, setup and series, where every point of a series is skipped."""
        columns = ["problem", "setup", "series"]
        run = set(self.runs[columns].itertuples(index=False, name=None))
        found = dict.fromkeys(self.skipped[columns].itertuples(index=False, name=None))
        return [one for one in found if one not in run]

    @property
    def skipped_runs(self) -> list[SkippedRuns]:
        """The skipped runs by their reasons."""
        columns = ["signature", "message", "series", "problem", "lag"]
        return by_reason(self.skipped[columns].itertuples(index=False, name=None))

    @cached_property
    def series(self) -> list[Series]:
        pairs = self.runs[["model", "model_setting"]].drop_duplicates()
        return all_series(list(pairs.itertuples(index=False, name=None)))

    def outcomes(self, problem: Problem) -> pd.DataFrame:
        """The evaluated runs of a problem that ended, finished or diverged."""
        return ended(rows_of(self.runs, problem))

    def equal_step(self, problem: Problem) -> int | None:
        """The last training step at which the gradients of all finished runs of a problem were taken; None without.

        Those of the tested networks are of other steps: of the best weights.
        """
        finished = set(rows_of(self.runs, problem).query("status == 'finished'")["signature"])
        taken = rows_of(self.history, problem)
        taken = taken[(taken["metric"] == SURVIVAL) & (taken["step"] > 0) & taken["signature"].isin(finished)]
        at = ["signature", "step"]
        tested = self.profiles.loc[self.profiles["phase"] == "final", at].drop_duplicates()
        taken = taken[~pd.MultiIndex.from_frame(taken[at]).isin(pd.MultiIndex.from_frame(tested))]
        runs = taken.groupby("step")["signature"].nunique()
        common = runs[runs == taken["signature"].nunique()].index
        return int(max(common)) if len(common) else None

    def asks_memory(self, problem: Problem) -> bool:
        """Whether the reference of a problem beats what needs no memory."""
        return asks_memory(self.outcomes(problem))

    def blocks(self, problem: Problem | None = None) -> Iterator[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
        """(problem, setup, rows of the summary, ended runs) of each problem, or of one, where any run ended."""
        for (label, setup), table in self.summary.groupby(["problem", "setup"], sort=False):
            runs = ended(self.runs[(self.runs["problem"] == label) & (self.runs["setup"] == setup)])
            if len(runs) and (problem is None or label == problem.label):
                yield str(label), str(setup), table, runs

    def matching(self, problem: Problem) -> str:
        """What the models of a problem have in common: units, recurrent parameters, or neither."""
        runs = rows_of(self.runs, problem)
        units, parameters = runs["units"].dropna(), runs["recurrent_parameters"].dropna()
        if runs["series"].nunique() < 2 or units.empty:
            return ""
        if len(parameters) and parameters.max() <= 1.03 * parameters.min():
            ends = dict.fromkeys(count(end) for end in (parameters.min(), parameters.max()))
            return f"Equal recurrent parameters ({' to '.join(ends)})."
        if units.nunique() == 1:
            return f"Equal units ({int(units.iloc[0])}); parameters differ."
        return "Neither units nor parameters are equal."

    def counts(self, table: pd.DataFrame) -> str:
        """`"3 seeds a point; 1 diverged; 2 failed"` for some rows of `summary`."""
        seeds = seeds_text(int(table["n"].min()), int(table["n"].max())) if len(table) else "no run"
        extra = [f"{int(table[f'n_{kind}'].sum())} {kind}" for kind in ("diverged", "failed")]
        return "; ".join([f"{seeds} a point", *extra])

    def _labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        rows = table[["task", "task_setting", "source"]].itertuples(index=False, name=None)
        return table.assign(
            problem=[self._problems[row].label for row in rows],
            setup=[
                setup_label(*pair) for pair in table[["training_lags", "filler"]].itertuples(index=False, name=None)
            ],
            series=[
                series_label(*pair) for pair in table[["model", "model_setting"]].itertuples(index=False, name=None)
            ],
        )

    @staticmethod
    def _scoring(runs: pd.DataFrame, row: tuple[str, str, str]) -> tuple[str, bool, str]:
        same = runs[(runs["task"] == row[0]) & (runs["task_setting"] == row[1]) & (runs["source"] == row[2])]
        distance = next(iter(same["distance"].dropna()), "lag")
        return next(iter(same["score_name"].dropna()), "score"), higher_is_better(same), str(distance)

    def _skills(self, frozen: pd.DataFrame) -> list[float]:
        """The skill that each frozen level amounts to; none where the data ask no memory."""
        at = self.levels.set_index(["problem", "setup", "lag", "level"])["value"]
        rises = {problem.label: problem.higher_is_better for problem in self._problems.values()}
        asked = {label for label, runs in self.runs.groupby("problem") if asks_memory(runs)}
        found = []
        for row in frozen.to_dict("records"):
            if row["problem"] not in asked:
                found.append(np.nan)
                continue
            key = (row["problem"], row["setup"], row["lag"])
            memoryless, reference = (float(at.get((*key, name), np.nan)) for name in ("memoryless", "reference"))
            found.append(skill(row["value"], memoryless, reference, rises[row["problem"]]))
        return found


def _finite(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with infinite values missing."""
    numbers = table.select_dtypes("float")
    return table.assign(**numbers.where(np.isfinite(numbers)))


def _tuning_seeds(runs: pd.DataFrame) -> list[int]:
    return sorted(int(seed) for seed in runs.loc[runs["role"] == TUNING, "seed"].unique())


def rows_of(table: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The rows of one problem, of any table of `ReportData`."""
    return table[table["problem"] == problem.label]


def step_milliseconds(runs: pd.DataFrame) -> pd.Series:
    """Mean time of a training step of each run; missing where it did none."""
    steps = runs["steps"].astype(float)
    return 1000 * runs["training_seconds"].astype(float) / steps.where(steps > 0)

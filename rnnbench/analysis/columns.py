"""What every column of the tables of results says: their one list, from which the tables take names and order."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from rnnbench.text.html import html_table


class Column(NamedTuple):
    """A column of a table, for people."""

    name: str
    meaning: str
    unit: str = ""
    """Of numbers; otherwise what kind of thing it holds."""
    empty: str = "never"
    """When a row has no value in it."""


_SCORE = "that of the score"
_NO_OUTCOME = "until the run ends; if it failed or is skipped"
_FIXED = "if the run failed before its data were read, or is skipped"

RUNS = (
    Column("task", "Label of the task in the experiment file.", "text"),
    Column("task_setting", "Settings of the task that are axes of the grid.", "text", "where it has no such axis"),
    Column("model", "Label of the model in the experiment file.", "text"),
    Column("model_setting", "Settings of model and training that are axes of the grid, but for those that `select` "
           "chooses.", "text", "where it has no such axis"),
    Column("lag", "Steps between the last evidence and the first readout; T where `distance` says so.", "steps"),
    Column("training_lags", "Lags of the training steps: `uniform`, `far`, `log` or `fixed`.", "text"),
    Column("filler", "What fills the lag: `zeros`, `blank`, `distractor` or `decoy`.", "text"),
    Column("seed", "Seed of the initial weights, batches and lags.", "number"),
    Column("status", "`finished`, `diverged`, `failed`, `running`, `interrupted` or `skipped`.", "text"),
    Column("solved", "Whether the test score solves the task.", "true or false", _NO_OUTCOME),
    Column("skill", "The score between the memoryless level, 0, and the reference, 1.", "share",
           f"{_NO_OUTCOME}; where the data ask no memory"),
    Column("score", "Score of the test split, at the weights of the best validation score.", "that of `score_name`",
           f"{_NO_OUTCOME}; where it is not finite"),
    Column("score_name", "Name of the metric that is the score.", "text"),
    Column("higher_is_better", "Direction of the score.", "true or false"),
    Column("test_se", "Standard error of the score over the distinct sequences of the test split.", _SCORE,
           f"{_NO_OUTCOME}; where it is not defined"),
    Column("memoryless", "Best score without any of the evidence.", _SCORE, _FIXED),
    Column("reference", "Score of a simple model with all of the evidence in view.", _SCORE, _FIXED),
    Column("frozen", "Score of the same network with its initial weights and a ridge readout.", _SCORE, _FIXED),
    Column("clock", "Share of the skill at `lag` that is lost one step beside it; above .5 the run is called a clock.",
           "share", "if the run did not solve, or was not tested beside its lag"),
    Column("generalises_to", "Longest tested lag up to which every tested lag from `lag` on is solved.", "steps",
           "if the run did not solve"),
    Column("start_shift", "Worst score over the trained leads before the evidence.", _SCORE,
           f"{_NO_OUTCOME}; where there is no lead"),
    Column("steps_to_solve", "Step of the first evaluation whose validation score solves.", "training steps",
           "if the run did not solve, or no validation did"),
    Column("steps", "Training steps that were taken.", "training steps", _NO_OUTCOME),
    Column("survival_initial", "Survival in the untrained network.", "ratio of norms",
           "if the gradient was not measured"),
    Column("survival", "Mean norm of the gradient over the evidence, over its norm at the readout; at the tested "
           "weights, median over the probe batch.", "ratio of norms", _NO_OUTCOME),
    Column("decay_per_step", "Factor that the gradient's norm keeps at each step back over the lag.", "ratio a step",
           f"{_NO_OUTCOME}; where the lag is too short for a slope"),
    Column("reach", "Shortest distance at which the norm is a thousandth of that at the readout, or less.", "steps",
           f"{_NO_OUTCOME}; where it never is"),
    Column("learning_rate", "Learning rate; with a schedule or warmup the highest one.", "number"),
    Column("units", "Units of each layer.", "number"),
    Column("recurrent_parameters", "Trainable parameters of the layers, without embedding and head.", "number"),
    Column("parameters", "All trainable parameters.", "number", "if the run did not start"),
    Column("validation_score", "Best validation score, which chose the weights; for a diverged run that of its "
           "untrained network.", _SCORE, _NO_OUTCOME),
    Column("seconds", "Wall time of the run.", "seconds", _NO_OUTCOME),
    Column("training_seconds", "The part of it that went into training steps.", "seconds", _NO_OUTCOME),
    Column("role", "`evaluated`; with `select` also what else a run is for: see `rnnbench.analysis.selection`.",
           "text", "if the point is skipped"),
    Column("message", "Why a run failed, or is skipped.", "text", "otherwise"),
    Column("source", "Where the data come from: `generated`, `synthetic`, or the name of a data set or file.",
           "text"),
    Column("distance", "What `lag` is: `lag`, or `T` where the distance is not one number.", "text"),
    Column("experiment", "Name of the experiment.", "text"),
    Column("started", "When the run began.", "UTC", "if the point is skipped"),
    Column("signature", "Hash of all that can change the result; points that are one computation share it.", "text"),
    Column("run_id", "The run in MLflow.", "text", "if the point is skipped"),
)  # fmt: skip
CHOICE = (
    Column("choice", "With `select`: the values that this run has on the axes to choose from.", "values"),
    Column("chosen_for", "With `select`: the lags that share a choice.", "lags"),
)
HISTORY = (
    Column("signature", "The run.", "text"),
    Column("step", "Training step; of `lag_curve/...` the tested lag, of `start_shift/...` the tested lead.", "steps"),
    Column("metric", "Name of the metric, as in MLflow: `train/loss`, `validation/accuracy`, ...", "text"),
    Column("value", "Its value.", "that of the metric", "where it is not finite"),
)
PROFILES = (
    Column("signature", "The run.", "text"),
    Column("step", "Training step at which the gradient was measured.", "training steps"),
    Column("phase", "`initial`, `during` or `final`: the tested weights.", "text"),
    Column("state", "`joint`, a part of the state (`h`, `c`), or `input`.", "text"),
    Column("distance", "Steps back from the first readout.", "steps"),
    Column("median", "Norm of the gradient w.r.t. that state, median over the probe batch.", "norm"),
    Column("low", "Its 10% quantile.", "norm"),
    Column("high", "Its 90% quantile.", "norm"),
)
LEVELS = (
    Column("signature", "The run.", "text"),
    Column("level", "`memoryless`, `reference`, `frozen`, and others of the task (`persistence`, ...).", "text"),
    Column("value", "What a score is compared with.", _SCORE),
)
LAG_CURVES = (
    Column("task", "As in `runs`.", "text"),
    Column("model", "As in `runs`.", "text"),
    Column("lag", "The lag that the run was trained for.", "steps"),
    Column("filler", "As in `runs`.", "text"),
    Column("training_lags", "As in `runs`.", "text"),
    Column("seed", "As in `runs`.", "number"),
    Column("test_lag", "The lag that it was tested at.", "steps"),
    Column("score", "Score there.", _SCORE, "where it is not finite"),
    Column("skill", "Skill there.", "share", "where the data ask no memory"),
    Column("solved", "Whether that score solves.", "true or false", "where it was not judged"),
    Column("test_se", "Standard error of the score.", _SCORE, "where it is not defined"),
    Column("signature", "The run.", "text"),
)
HORIZONS = (
    *(next(column for column in RUNS if column.name == name) for name in (
        "task", "task_setting", "model", "model_setting", "training_lags", "filler")),
    Column("horizon", "The memory horizon in words: `50`; `>= 200`, the longest lag tested; `-`, not even the "
           "shortest; `?`, no run has ended.", "text"),
    Column("horizon_lag", "The same as a number.", "steps", "where `horizon` is `-` or `?`"),
    Column("at_least", "The horizon is the longest lag tested: the true one may be longer.", "true or false"),
    Column("counts", "Runs that solved the lag of the horizon, and the next: `100, 5 of 5; 200, 1 of 5`.", "text",
           "if no run has ended"),
    Column("n_clock", "Of the runs that solved the lag of the horizon, how many are clocks.", "runs"),
    Column("n_low", "Fewest runs that ended at a tested lag.", "runs"),
    Column("n_high", "Most runs that ended at a tested lag.", "runs"),
    Column("untested", "Lags that another model of the same task met and this one did not.", "lags",
           "if there is none"),
    Column("source", "Where the data come from.", "text"),
)  # fmt: skip
TABLES = {
    "runs": (*RUNS, *CHOICE),
    "history": HISTORY,
    "profiles": PROFILES,
    "levels": LEVELS,
    "lag_curves": LAG_CURVES,
    "horizons": HORIZONS,
}


def names_of(columns: tuple[Column, ...]) -> list[str]:
    return [column.name for column in columns]


class Described(pd.DataFrame):
    """A table of sentences, which is shown whole: pandas cuts text at 50 characters."""

    @property
    def _constructor(self) -> type[Described]:
        return Described

    def __repr__(self) -> str:
        with _whole():
            return self.to_string()

    def _repr_html_(self) -> str:
        return html_table([str(name) for name in self], self.itertuples(index=False))


def described() -> Described:
    """`table, name, meaning, unit, empty` of every column."""
    rows = [(table, *column) for table, columns in TABLES.items() for column in columns]
    return Described(rows, columns=["table", *Column._fields])


def _whole() -> Any:
    return pd.option_context("display.max_colwidth", None, "display.max_rows", None, "display.width", 200)

"""Runs as they were stored to tidy tables: all that statistics and reports may know."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.analysis import columns
from rnnbench.analysis.groups import OUTCOMES, attempted
from rnnbench.analysis.lag_curves import LAG_CURVE_COLUMNS, lag_curves
from rnnbench.analysis.selection import EVALUATED, with_roles
from rnnbench.experiment.choice import choice, chosen_for, value
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec, series_key
from rnnbench.experiment.settings import Selection, Training

COLUMNS = columns.names_of(columns.RUNS)
CHOICE_COLUMNS = columns.names_of(columns.CHOICE)
"""Columns of an experiment with `select`, and no others: a `Choice`, and the lags that share it."""
PROFILE_COLUMNS = columns.names_of(columns.PROFILES)

_NAMED = {
    "seconds/training": "training_seconds",
    "score_standard_error": "test_se",
    "level/memoryless": "memoryless",
    "level/reference": "reference",
    "level/frozen": "frozen",
}
"""Metrics whose column has another name."""
_ALWAYS = ("parameters", "memoryless", "reference", "frozen")
"""What is known of a run without an outcome."""


ReadAnswers = Callable[[], dict[str, Any] | None]
"""Reads what is only wanted of a few runs; None where a run has none."""


@dataclass(frozen=True)
class Results:
    """The results of an experiment: five tables that share the column `signature`."""

    runs: pd.DataFrame
    """One row for each point of the grid whose run the store knows (failed ones too) or that is skipped: `COLUMNS`.

    In the order of the grid. Points that are the same run, such as all protocols at the shortest lag, share its
    signature. A point that is skipped has the `status` `skipped`, the reason as `message`, no `role` and no results.

    `distance`: what `lag` is: `lag`, or `T` where the distance is not one number. `higher_is_better`: of `score`, as
    the task declares it. A score that was undefined is missing. `test_se`: its standard error over the distinct
    examples of the test split. `memoryless`, `reference`, `frozen`: the levels beside it (`frozen`: this network with
    its initial recurrent weights). `clock`, `generalises_to`: of a run that solved its task, see `tasks.lag_curve`.
    `start_shift`: the worst score over the trained leads before the evidence. `validation_score`: the best one, which
    chose the weights; for a diverged run that of its untrained network. `role`:
    `evaluated`, or for an experiment with `select` what `analysis.selection` says. `training_seconds`: the part of
    `seconds` that went into training steps. `survival_initial`: the gradient's survival in the untrained network.
    `started`: when, in UTC. Behind these a column for each other setting of training that is not the same in all runs
    (`optimizer`, `batch_size`, ...) and for each setting of models that `select` chooses; with `select`
    `CHOICE_COLUMNS` too.
    """
    history: pd.DataFrame
    """`signature, step, metric, value`: every step-wise metric (`train/loss`, `validation/accuracy`, ...)."""
    profiles: pd.DataFrame
    """`signature, step, phase, state, distance, median, low, high`: the gradient profiles."""
    levels: pd.DataFrame
    """`signature, level, value`: `memoryless`, `reference`, `frozen`, and others (`persistence`, ...)."""
    lag_curves: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LAG_CURVE_COLUMNS))
    """`LAG_CURVE_COLUMNS`: the score at each tested lag, of each run that has an outcome."""
    examples: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    """The score of each example of the test split, by signature, where it is known."""
    answers: Mapping[str, ReadAnswers] = field(default_factory=dict, repr=False)
    """What reads the answers of a run to some test examples, by signature: see `showing.answers`."""
    note: str = ""
    """A line for people where runs were found by their settings alone, because the data are absent; else empty."""

    def _repr_html_(self) -> str:
        from rnnbench.analysis.in_a_notebook import results_html

        names = ("runs", "history", "profiles", "levels", "lag_curves")
        return results_html({name: getattr(self, name) for name in names}, self.note)


@dataclass(frozen=True)
class Record:
    """A point of a grid, with what was stored of its run."""

    spec: RunSpec
    run_id: str
    status: str
    """`running`, `finished`, `diverged`, `failed`, `interrupted` or `skipped`."""
    started: str = ""
    """When, in UTC: `2026-01-31T23:59:59`."""
    message: str = ""
    """Why it failed, or is skipped."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The last value of each metric; NaN where it was not finite."""
    signed: str = ""
    """The signature under which it is stored; empty for a point that is skipped."""

    @property
    def signature(self) -> str:
        return self.signed or self.spec.key


Point = tuple[str, int, str, float]
"""Run id, step, metric, value."""


def tidy(
    experiment: Experiment,
    records: Sequence[Record],
    points: Iterable[Point],
    profiles: Mapping[str, pd.DataFrame],
    note: str = "",
    examples: Mapping[str, np.ndarray] | None = None,
    answers: Mapping[str, ReadAnswers] | None = None,
) -> Results:
    """The tables of an experiment.

    `points`: the history of the records' runs. `profiles`: their gradient profiles by signature, with the columns
    `PROFILE_COLUMNS` but for the first. `examples`: scores of their test examples by signature, `answers`: what reads
    some answers to them. Names, labels and settings come from the experiment, so that renaming a model in its file
    renames it everywhere; only what was measured comes from the records.
    """
    history = _history(records, points)
    runs = _runs(experiment, records).assign(
        validation_score=_validation_scores(records, history),
        survival_initial=_survival_initial(records, history),
        experiment=experiment.name,
    )
    runs = runs.assign(role=_roles(experiment, runs))
    tables = [table.assign(signature=signature)[PROFILE_COLUMNS] for signature, table in profiles.items()]
    return Results(
        runs=runs[_columns(experiment.select)].assign(**_varied(records, experiment.select)),
        history=history,
        profiles=pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=PROFILE_COLUMNS),
        levels=_levels(records),
        lag_curves=lag_curves(runs, history),
        examples=examples or {},
        answers=answers or {},
        note=note,
    )


def with_validation_scores(experiment: Experiment, records: Sequence[Record], points: Iterable[Point]) -> pd.DataFrame:
    """The runs with their validation scores, and nothing that takes a profile or another history: see `tidy`."""
    return _runs(experiment, records).assign(validation_score=_validation_scores(records, _history(records, points)))


def _runs(experiment: Experiment, records: Sequence[Record]) -> pd.DataFrame:
    rows = [_row(record, experiment.select) for record in records]
    table = pd.DataFrame(rows, columns=_columns(experiment.select))
    counts = ("generalises_to", "steps", "steps_to_solve", "parameters", "recurrent_parameters", "units")
    measured = (
        "score", "test_se", "skill", "memoryless", "reference", "frozen", "clock", "start_shift", "seconds",
        "training_seconds", "survival", "decay_per_step", "reach",
    )  # fmt: skip
    return table.astype(
        dict.fromkeys(counts, "Int64")
        | dict.fromkeys(measured, "float64")
        | {"solved": "boolean", "lag": "int64", "seed": "int64"}
    )


def _columns(select: Selection | None) -> list[str]:
    return [*COLUMNS, *CHOICE_COLUMNS] if select else COLUMNS


def _varied(records: Sequence[Record], select: Selection | None) -> dict[str, Any]:
    """The settings of training that differ between runs and have no column, and those of models that were chosen; null
    is missing."""
    settings = [record.spec.training.model_dump(mode="json") for record in records]
    names = [name for name in Training.model_fields if name not in COLUMNS]
    values = {name: [one[name] for one in settings] for name in names}
    of_models = set(select.axes if select else ()) - {*COLUMNS, *values}
    values |= {name: [value(record.spec, name) for record in records] for name in sorted(of_models)}
    varied = {name: found for name, found in values.items() if len(set(found)) > 1}
    # Integers stay integers where one is missing.
    whole = {name for name, found in varied.items() if {type(one) for one in found} <= {int, type(None)}}
    return {name: pd.array(found, dtype="Int64") if name in whole else found for name, found in varied.items()}


def _row(record: Record, select: Selection | None) -> dict[str, Any]:
    spec = record.spec
    chosen = {"choice": choice(spec, select.axes), "chosen_for": chosen_for(spec, select)} if select else {}
    return (
        _measured(record)
        | series_key(spec, select.axes if select else ())
        | chosen
        | {
            "lag": spec.task.lag,
            "distance": getattr(spec.task, "distance_name", "lag"),
            "seed": spec.seed,
            "status": record.status,
            "score_name": spec.task.score.name,
            "higher_is_better": spec.task.score.higher_is_better,
            "recurrent_parameters": spec.model.parameters(spec.task.ports.width),
            "units": spec.model.units,
            "learning_rate": spec.training.learning_rate,
            "message": record.message,
            "signature": record.signature,
            "started": record.started,
            "run_id": record.run_id,
        }
    )


def _measured(record: Record) -> dict[str, Any]:
    """The metrics of a run that have a column; of a run without an outcome only its size."""
    metrics = {_NAMED.get(name, name): value for name, value in record.metrics.items()}
    measured: dict[str, Any] = {
        name: value for name, value in metrics.items() if name in COLUMNS and math.isfinite(value)
    }
    if record.status not in OUTCOMES:
        return {name: value for name, value in measured.items() if name in _ALWAYS}
    solved = record.status == "finished" and bool(measured.get("solved")) and "score" in measured
    if not solved:
        for name in ("steps_to_solve", "clock", "generalises_to"):
            measured.pop(name, None)
    return measured | {"solved": solved}


def _history(records: Sequence[Record], points: Iterable[Point]) -> pd.DataFrame:
    table = pd.DataFrame(list(points), columns=["run_id", "step", "metric", "value"])
    table.insert(0, "signature", table.pop("run_id").map({one.run_id: one.signature for one in records}))
    # In an order that no store decides, as the same results must give the same report.
    place = {one.signature: at for at, one in reversed(list(enumerate(records)))}
    table = table.assign(place=table["signature"].map(place)).sort_values(["place", "metric", "step"], kind="stable")
    return table.drop(columns="place").reset_index(drop=True).astype({"step": "int64", "value": "float64"})


def _validation_scores(records: Sequence[Record], history: pd.DataFrame) -> list[float]:
    points = history[history["metric"].str.startswith("validation/")].dropna(subset=["value"])
    by_metric = {key: rows.set_index("step")["value"] for key, rows in points.groupby(["signature", "metric"])}
    return [
        _validation_score(one, by_metric.get((one.signature, f"validation/{one.spec.task.score.name}")))
        for one in records
    ]


def _validation_score(record: Record, by_step: pd.Series | None) -> float:
    if by_step is None:
        return math.nan
    if record.status == "finished":
        return float(by_step.max() if record.spec.task.score.higher_is_better else by_step.min())
    return float(by_step.get(0, math.nan)) if record.status == "diverged" else math.nan


def _survival_initial(records: Sequence[Record], history: pd.DataFrame) -> list[float]:
    at_start = history[(history["metric"] == "gradient_profile/survival") & (history["step"] == 0)]
    by_signature = at_start.set_index("signature")["value"]
    return [float(by_signature.get(one.signature, math.nan)) for one in records]


def _roles(experiment: Experiment, runs: pd.DataFrame) -> pd.Series:
    todo = attempted(runs)
    if experiment.select and len(todo):
        todo = with_roles(todo, experiment.select.seeds)
        return todo["role"].reindex(runs.index, fill_value="")
    return pd.Series(EVALUATED, index=todo.index).reindex(runs.index, fill_value="")


def _levels(records: Sequence[Record]) -> pd.DataFrame:
    rows = [
        (signature, name.removeprefix("level/"), value)
        for signature, metrics in {one.signature: one.metrics for one in records}.items()
        for name, value in sorted(metrics.items())
        if name.startswith("level/") and math.isfinite(value)
    ]
    return pd.DataFrame(rows, columns=["signature", "level", "value"])

"""MLflow to tidy tables: everything that statistics and reports may know."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnnbench.errors import UserError, note
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec, series_key
from rnnbench.experiment.settings import Selection
from rnnbench.grid.remembered import instead
from rnnbench.tracking.location import Location
from rnnbench.tracking.matching import matched
from rnnbench.tracking.reader import MESSAGE_TAG, PROFILE_ARTIFACT, StoredRun, artifact, histories

COLUMNS = [
    "task", "task_setting", "source", "model", "model_setting", "lag", "filler", "seed", "status",
    "score_name", "higher_is_better", "score", "skill", "solved", "steps", "steps_to_solve", "parameters",
    "recurrent_parameters", "seconds", "training_seconds", "survival", "survival_initial", "decay_per_step", "reach",
    "units", "learning_rate", "validation_score", "role", "message", "criterion", "experiment", "started", "signature",
    "run_id",
]  # fmt: skip


OWN_SKILL = "own skill"
"""`criterion` of a run whose `solved` compares it with its model's own skill at lag 0, not with a score."""


@dataclass(frozen=True)
class Results:
    """What an experiment's store holds, as four tables that share the column `signature`."""

    runs: pd.DataFrame
    """One row a point of the grid whose run the store knows (failed ones too), in its order: the columns `COLUMNS`.

    Points that are one run, such as both fillers where there is no lag, have its signature in common.

    `higher_is_better`: whether that is so of `score`, as the task declares it. A score that was undefined is missing.
    `validation_score`: the best one, that which chose the weights; of a diverged run its untrained network's. `role`:
    `evaluated`, or for an experiment with `select` what `analysis.selection` says. `training_seconds`: the part of
    `seconds` that went into training steps. `survival_initial`: the gradient's survival in the untrained network.
    `started`: when, in UTC.
    """
    history: pd.DataFrame
    """`signature, step, metric, value`: every step-wise metric (`train/loss`, `validation/accuracy`, ...)."""
    profiles: pd.DataFrame
    """`signature, step, phase, state, distance, median, low, high`: the gradient profiles."""
    levels: pd.DataFrame
    """`signature, level, value`: the score of each memoryless or naive answer (`chance`, `persistence`, ...)."""
    note: str = ""
    """A line for people where runs were found by their settings alone, because the data are absent; else empty."""


def load(location: Location, experiment: Experiment) -> Results:
    """What the store holds of an experiment's runs: the newest of each signature.

    Names, labels and settings come from the experiment file, so that renaming a model there renames it everywhere; only
    what was measured comes from the store. Raises `UserError` if the store does not answer or holds none of the runs.
    """
    from rnnbench.analysis.selection import EVALUATED, with_roles

    pairs, matching = _stored(location, experiment)
    found = {spec.signature: run for spec, run in pairs}
    history = _history(location, found)
    runs = _runs(pairs, experiment.select).assign(
        role=EVALUATED,
        validation_score=_validation_scores(pairs, history),
        survival_initial=_survival_initial(pairs, history),
        experiment=experiment.name,
    )
    if experiment.select:
        runs = with_roles(runs, experiment.select.seeds)
    return Results(
        runs=_with_solved(runs)[COLUMNS],
        history=history,
        profiles=_profiles(location, experiment.name, found),
        levels=_levels(found),
        note=matching,
    )


def validated(location: Location, experiment: Experiment) -> pd.DataFrame:
    """The runs with their validation scores, and nothing that takes an artifact or another history: see `load`.

    For who chooses among runs, or looks again and again.
    """
    pairs, _ = _stored(location, experiment)
    asked = {
        spec.signature: StoredRun(run.run_id, run.tags, {f"validation/{spec.task.score_name}": math.nan})
        for spec, run in pairs
    }
    scores = _validation_scores(pairs, _history(location, asked))
    return _runs(pairs, experiment.select).assign(validation_score=scores)


def _stored(location: Location, experiment: Experiment) -> tuple[list[tuple[RunSpec, StoredRun]], str]:
    """Each point of the grid that the store has a run for, and what is to be said of how they were matched."""
    matches = matched(location, experiment)
    stored = matches.runs
    pairs = [(spec, stored[spec.signature]) for spec in experiment.points if spec.signature in stored]
    if not pairs:
        none = f"{location}: no runs of '{experiment.name}' yet: run `rnnbench run FILE` first"
        raise UserError(instead(experiment, location) or none)
    return pairs, matches.note


def provenance(location: Location, experiment: Experiment) -> dict[str, str]:
    """With what the experiment's runs were made: versions, commit, machine; several values where runs differ."""
    matches = matched(location, experiment)
    stored = matches.runs
    tags = [stored[spec.signature].tags for spec in experiment.runs if spec.signature in stored]
    names = {"rnnbench.version": "rnnbench", "mlflow.source.git.commit": "commit"}
    names |= {tag: tag.removeprefix("environment.") for tag in sorted(set().union(*tags)) if "environment." in tag}
    found = {name: sorted({run[tag] for run in tags if tag in run}) for tag, name in names.items()}
    told = {name: "; ".join(values) for name, values in found.items() if values}
    return told | ({"data": matches.note} if matches.note else {})


def _runs(pairs: list[tuple[RunSpec, StoredRun]], select: Selection | None) -> pd.DataFrame:
    chosen = select.axis if select else None
    table = pd.DataFrame([_row(spec, run, chosen) for spec, run in pairs], columns=COLUMNS)
    counts = ("steps", "steps_to_solve", "parameters", "recurrent_parameters", "units")
    figures = ("score", "skill", "seconds", "training_seconds", "survival", "decay_per_step", "reach")
    return table.astype(
        dict.fromkeys(counts, "Int64")
        | dict.fromkeys(figures, "float64")
        | {"solved": "boolean", "lag": "int64", "seed": "int64"}
    )


def _row(spec: RunSpec, run: StoredRun, chosen: str | None) -> dict[str, Any]:
    named_so = {"seconds/training": "training_seconds"}
    metrics = {named_so.get(name, name): value for name, value in run.metrics.items()}
    measured = {name: value for name, value in metrics.items() if name in COLUMNS and math.isfinite(value)}
    if "solved" in measured:
        measured["solved"] = bool(measured["solved"]) and "score" in measured
    if not measured.get("solved"):
        measured.pop("steps_to_solve", None)
    if run.status not in ("finished", "diverged"):
        measured = {name: value for name, value in measured.items() if name == "parameters"}
    named = series_key(spec, chosen)
    return (
        measured
        | named
        | {
            "lag": spec.task.lag,
            "seed": spec.seed,
            "status": run.status,
            "score_name": spec.task.score_name,
            "higher_is_better": spec.task.score_rises,
            "criterion": OWN_SKILL if spec.task.solved_score is None else "score",
            "recurrent_parameters": spec.model.recurrent_parameters(spec.task.inputs.width),
            "units": spec.model.units,
            "learning_rate": spec.training.learning_rate,
            "message": run.tags.get(MESSAGE_TAG, ""),
            "signature": spec.signature,
            "started": run.started,
            "run_id": run.run_id,
        }
    )


def _validation_scores(pairs: list[tuple[RunSpec, StoredRun]], history: pd.DataFrame) -> list[float]:
    points = history[history["metric"].str.startswith("validation/")].dropna(subset=["value"])
    by_metric = {key: rows.set_index("step")["value"] for key, rows in points.groupby(["signature", "metric"])}
    scores = []
    for spec, run in pairs:
        found = by_metric.get((spec.signature, f"validation/{spec.task.score_name}"))
        if found is not None and run.status == "finished":
            scores.append(float(found.max() if spec.task.score_rises else found.min()))
        else:
            scores.append(float(found.get(0, math.nan)) if found is not None and run.status == "diverged" else math.nan)
    return scores


def _survival_initial(pairs: list[tuple[RunSpec, StoredRun]], history: pd.DataFrame) -> list[float]:
    at_start = history[(history["metric"] == "gradient_profile/survival") & (history["step"] == 0)]
    by_signature = at_start.set_index("signature")["value"]
    return [float(by_signature.get(spec.signature, math.nan)) for spec, _ in pairs]


def _with_solved(runs: pd.DataFrame) -> pd.DataFrame:
    # Each rate and role against its own lag 0.
    from rnnbench.analysis.solved import with_relative_solved

    parts = [with_relative_solved(part) for _, part in runs.groupby(["role", "learning_rate"], sort=False)]
    return pd.concat(parts).sort_index()


def _history(location: Location, runs: dict[str, StoredRun]) -> pd.DataFrame:
    points = pd.DataFrame(histories(location, list(runs.values())), columns=["run_id", "step", "metric", "value"])
    points.insert(0, "signature", points.pop("run_id").map({run.run_id: signature for signature, run in runs.items()}))
    return points.astype({"step": "int64", "value": "float64"})


def _profiles(location: Location, experiment: str, runs: dict[str, StoredRun]) -> pd.DataFrame:
    columns = ["signature", "step", "phase", "state", "distance", "median", "low", "high"]
    tables = []
    for signature, run in runs.items():
        try:
            file = artifact(location, experiment, run.run_id, PROFILE_ARTIFACT)
            if file is not None:
                tables.append(read_profile(file).assign(signature=signature)[columns])
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).splitlines() or [""])[0]
            note(f"{location}: {PROFILE_ARTIFACT} of run {run.run_id} is left out: it is damaged ({reason})")
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def read_profile(file: bytes) -> pd.DataFrame:
    """A gradient profile from its Parquet file. Raises `ValueError` or `OSError` if that is damaged."""
    import pyarrow.parquet as pq

    # `pd.read_parquet` starts threads of Arrow's, which now and then abort the process at its exit.
    with pq.ParquetFile(io.BytesIO(file), pre_buffer=False) as parquet:
        return parquet.read(use_threads=False).to_pandas(use_threads=False)


def _levels(runs: dict[str, StoredRun]) -> pd.DataFrame:
    rows = [
        (signature, name.removeprefix("level/"), value)
        for signature, run in runs.items()
        for name, value in run.metrics.items()
        if name.startswith("level/") and math.isfinite(value)
    ]
    return pd.DataFrame(rows, columns=["signature", "level", "value"])

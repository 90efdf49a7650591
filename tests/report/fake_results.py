"""Results as a store might hold them, made up: for looking at reports without training anything."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from rnnbench.analysis.lag_curves import lag_curves
from rnnbench.analysis.levels import skill as skill_of
from rnnbench.analysis.results import COLUMNS, Results
from rnnbench.analysis.selection import EVALUATED
from rnnbench.tasks.protocol import longest_lead

REACH = {"simple_rnn": 60, "lstm": 25, "gru": 30, "lstm_chrono": 300, "gru_chrono": 400, "gru_orthogonal": 80}
"""The lag at which a made-up model has lost half of its skill."""
TASKS = {
    "copy_memory": {"source": "generated", "score_name": "accuracy", "memoryless": 0.125, "reference": 1.0},
    "sentiment": {"source": "synthetic", "score_name": "accuracy", "memoryless": 0.5, "reference": 0.87},
    "speech_commands": {"source": "speech_commands", "score_name": "accuracy", "memoryless": 0.2, "reference": 0.9},
    "forecasting": {"source": "ETTh1", "score_name": "mse", "memoryless": 1.91, "reference": 0.0264},
}
LEVELS = {
    "sentiment": {"majority class": 0.5, "bag of words": 0.87},
    "forecasting": {"persistence": 0.034, "seasonal naive": 0.046, "ridge": 0.0264},
}


def fake_results(
    tasks: Sequence[str] = ("copy_memory",),
    models: Sequence[str] = ("simple_rnn", "lstm", "gru"),
    lags: Sequence[int] = (5, 10, 20, 50, 100),
    fillers: Sequence[str] = ("blank",),
    seeds: int = 3,
    training_lags: Sequence[str] = ("uniform",),
    *,
    task_settings: Sequence[str] = ("",),
    model_settings: Sequence[str] = ("",),
    statuses: dict[int, str] | None = None,
    history: bool = True,
) -> Results:
    """`statuses` gives the status of single rows by their position in the grid (default: all finished)."""
    runs: list[dict] = []
    curves: list[dict] = []
    profiles: list[dict] = []
    levels: list[dict] = []
    grid = [
        (task, task_setting, lags_of, filler, model, model_setting, lag, seed)
        for task in tasks for task_setting in task_settings for lags_of in training_lags for filler in fillers
        for model in models for model_setting in model_settings for lag in lags for seed in range(seeds)
    ]  # fmt: skip
    for position, point in enumerate(grid):
        rng = np.random.default_rng([7, position])
        status = (statuses or {}).get(position, "finished")
        row = _run(point, status, f"{position:016x}", rng)
        runs.append(row)
        if status == "failed":
            continue
        shared = {name: row[name] for name in ("memoryless", "reference", "frozen")} | LEVELS.get(point[0], {})
        levels += [{"signature": row["signature"], "level": name, "value": value} for name, value in shared.items()]
        profiles += _profiles(row, rng)
        if history:
            curves += _history(row, rng)
    whole = ("steps", "steps_to_solve", "parameters", "recurrent_parameters", "units")
    table = pd.DataFrame(runs, columns=COLUMNS).astype(dict.fromkeys(whole, "Int64") | {"solved": "boolean"})
    past = pd.DataFrame(curves, columns=["signature", "step", "metric", "value"])
    return Results(
        runs=table,
        history=past,
        profiles=pd.DataFrame(
            profiles, columns=["signature", "step", "phase", "state", "distance", "median", "low", "high"]
        ),
        levels=pd.DataFrame(levels, columns=["signature", "level", "value"]),
        lag_curves=lag_curves(table, past),
    )


def _run(point: tuple, status: str, signature: str, rng: np.random.Generator) -> dict:
    task, task_setting, training_lags, filler, model, model_setting, lag, seed = point
    about = TASKS[task]
    reach = REACH.get(model, 50) / (4 if filler == "distractor" and model == "simple_rnn" else 1)
    drawn = float(np.clip(1 / (1 + (lag / reach) ** 4) + rng.normal(0, 0.01), 0, 1))
    if drawn > 0.95:
        drawn = 1.0
    if rng.random() < 0.15 and lag > reach / 3:
        drawn = 0.0
    score = score_at(about, drawn)
    skill = skill_of(score, about["memoryless"], about["reference"], about["score_name"] != "mse")
    solved = skill >= (0.99 if task == "copy_memory" else 0.9)
    steps_to_solve = float(100 * (1 + lag // 10)) if solved else math.nan
    ended = status == "finished"
    clock = 1.0 if training_lags == "fixed" and model == "simple_rnn" and lag >= 20 else 0.0
    return {
        "task": task, "task_setting": task_setting, "source": about["source"], "model": model,
        "model_setting": model_setting, "lag": lag, "distance": "lag", "filler": filler,
        "training_lags": training_lags, "seed": seed, "status": status,
        "score_name": about["score_name"], "higher_is_better": about["score_name"] != "mse",
        "score": score if ended else math.nan, "test_se": 0.01 if ended else math.nan,
        "memoryless": about["memoryless"], "reference": about["reference"],
        "frozen": score_at(about, 1 / (1 + lag / 5)),
        "clock": clock if ended and solved else math.nan,
        "generalises_to": (lag if clock else max(2 * lag, lag + 1)) if ended and solved else math.nan,
        "start_shift": score if ended else math.nan,
        "skill": skill if ended else math.nan, "solved": (solved if ended else False) if status != "failed" else None,
        "steps": math.nan if status == "failed" else 2000,
        "steps_to_solve": steps_to_solve if ended else math.nan,
        "parameters": 17_000 + len(model), "recurrent_parameters": 16_384, "seconds": 12.5 + seed,
        "training_seconds": 0.0 if status == "failed" else 2000 * (0.001 + 2e-5 * lag),
        "survival_initial": math.exp(-lag / reach) / 2 if ended else math.nan, "experiment": "lag",
        "started": f"2026-01-0{1 + seed % 9}T12:00:00",
        "survival": math.exp(-lag / reach) if ended else math.nan,
        "decay_per_step": math.exp(-1 / reach) if ended else math.nan, "reach": 6.9 * reach, "units": 64,
        "learning_rate": 1e-3 if model == "simple_rnn" else 3e-3, "role": EVALUATED,
        "validation_score": score if ended else math.nan,
        "message": {"failed": "ResourceExhaustedError: <b>out of | memory</b>", "diverged": "loss is nan"}.get(status),
        "signature": signature, "run_id": f"r{signature}",
    }  # fmt: skip


def score_at(about: dict, skill: float) -> float:
    """The score that a skill is, between the levels of a task."""
    memoryless, reference = about["memoryless"], about["reference"]
    if about["score_name"] == "mse":
        return float(memoryless * (reference / memoryless) ** skill)
    return float(memoryless + skill * (reference - memoryless))


def _history(row: dict, rng: np.random.Generator) -> list[dict]:
    about, name = TASKS[row["task"]], f"validation/{row['score_name']}"
    final = about["memoryless"] if math.isnan(row["score"]) else row["score"]
    steps = range(0, 2001, 100) if row["status"] == "finished" else range(0, 701, 100)
    score = {
        step: about["memoryless"] + (final - about["memoryless"]) / (1 + math.exp((700 - step) / 120)) for step in steps
    }
    metrics = {name: {step: value + rng.normal(0, 4e-3) for step, value in score.items()}} | _diagnostics(row, steps)
    metrics |= _tested(row, about) if row["status"] == "finished" else {}
    return [
        {"signature": row["signature"], "step": step, "metric": metric, "value": value}
        for metric, values in metrics.items()
        for step, value in values.items()
    ]


def _tested(row: dict, about: dict) -> dict[str, dict[int, float]]:
    """At other lags, behind leads, what can be read, and the gradient along the way: step is lag, lead, distance."""
    lag, name, skill = row["lag"], row["score_name"], row["skill"]
    lags = sorted({0, lag // 2, max(lag - 1, 0), lag, lag + 1, 2 * lag})
    keeps = {at: skill if at == lag or row["clock"] != 1 else 0.0 for at in lags}
    found = {
        f"lag_curve/{name}": {at: score_at(about, one) for at, one in keeps.items()},
        "lag_curve/skill": keeps,
        "lag_curve/solved": {at: float(one >= 0.9 and bool(row["solved"])) for at, one in keeps.items()},
        "lag_curve/standard_error": dict.fromkeys(lags, 0.01),
        f"start_shift/{name}": dict.fromkeys((0, 1, 5, longest_lead(lag), 2 * longest_lead(lag)), row["score"]),
        "gradient_profile/survival": {0: row["survival_initial"], 100: row["survival"], 400: row["survival"]},
    }
    for phase, kept in (("initial", 0.5), ("final", 0.9)):
        found[f"readable_{phase}/{name}"] = {at: score_at(about, kept**at) for at in (0, 1, lag // 2, lag)}
    return found


def _diagnostics(row: dict, steps: range) -> dict[str, dict[int, float]]:
    """Two gates whose matrices grow from 1 and 0.5 by 1 a thousand steps."""
    values = {"gradient_norm/median": {step: 1 / step for step in steps if step}}
    values["gradient_norm/clipped"] = {step: 0.25 for step in steps if step}
    for at, gate in enumerate(("forget", "candidate")):
        grown = {step: 1 / (at + 1) + step / 1000 for step in (steps[0], steps[-1])}
        values[f"recurrent_kernel/sigma_max/{gate}"] = grown
        values[f"recurrent_kernel/spectral_radius/{gate}"] = {step: value / 2 for step, value in grown.items()}
        if row["model"] != "simple_rnn":
            values[f"saturation/open/{gate}"] = {steps[0]: 0.0, steps[-1]: 0.1 * (at + 1)}
    return values


def _profiles(row: dict, rng: np.random.Generator) -> list[dict]:
    reach = REACH.get(row["model"], 50)
    states = ["joint", "h", "c"] if row["model"].startswith("lstm") else ["joint", "h"]
    rows = []
    for phase, step, stretch in [("initial", 0, 1.0), ("during", 1000, 1.5), ("final", 2000, 2.0)]:
        for state in states:
            scale = math.exp(rng.normal(0, 0.2)) * (0.3 if state == "c" else 1.0)
            for distance in range(row["lag"] + 4):
                median = 0.1 * scale * math.exp(-6 * distance / (reach * stretch))
                rows.append(
                    {"signature": row["signature"], "step": step, "phase": phase, "state": state, "distance": distance,
                     "median": median, "low": median * 0.4, "high": median * 2.2}
                )  # fmt: skip
    return rows

"""The metrics of a run under the names by which they are stored: `section/name`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rnnbench.errors import UserError
from rnnbench.tasks.base import Task
from rnnbench.tasks.metric import Estimate, Metric
from rnnbench.training.probes.profile import GradientProfile
from rnnbench.training.progress import Progress


def section(name: str, metrics: dict[str, float]) -> dict[str, float]:
    """`metrics` under `name/`."""
    return {f"{name}/{key}": value for key, value in metrics.items()}


def of_interval(losses: np.ndarray, norms: np.ndarray, clip: float | None) -> dict[str, float]:
    """Training metrics of the steps between two evaluations.

    Norms are those of the gradient before clipping at `clip` (Pascanu et al. 2013, section 3.2).
    """
    return {
        "train/loss": float(losses.mean()),
        "gradient_norm/median": float(np.median(norms)),
        "gradient_norm/p95": float(np.quantile(norms, 0.95)),
        "gradient_norm/max": float(norms.max()),
        "gradient_norm/clipped": float(np.mean(norms > clip)) if clip is not None else 0.0,
    }


def of_profile(profile: GradientProfile, sound: bool) -> dict[str, float]:
    """What is read off a gradient profile: of the joint state or the input, and of each state as `_h`, `_c`, ...

    One that is not sound is marked, one that is is not.
    """
    metrics: dict[str, float] = {} if sound else {"gradient_profile/sound": 0.0}
    for state in profile.norms:
        suffix = "" if state == profile.headline else f"_{state}"
        metrics |= section(f"gradient_profile{suffix}", profile.summary(state))
    return metrics


def of_ending(task: Task, progress: Progress, scores: dict[str, Estimate]) -> dict[str, float]:
    """What a run comes to, from its test scores: metrics of `Finished` and `Diverged`."""
    score, standard_error = scores[task.score.name]
    solved = not progress.diverged and is_solved(task, scores[task.score.name])
    metrics = {
        "score": score,
        "skill": task.skill(score),
        "solved": float(solved),
        "steps": progress.outcome_step,
        "best_step": progress.best_step,
    }
    if solved and progress.solved_at is not None:
        metrics["steps_to_solve"] = progress.solved_at
    if math.isfinite(standard_error):
        metrics["score_standard_error"] = standard_error
    return metrics | section("test", values(scores))


def over_distinct(task: Task, score: Estimate, examples: int) -> Estimate:
    """A score of the test split with its standard error over distinct sequences: repeated ones tell nothing new."""
    times = max(1.0, examples / task.distinct("test"))
    return score._replace(standard_error=score.standard_error * math.sqrt(times))


def is_solved(task: Task, score: Estimate) -> bool:
    """Whether a test score solves a task; what is not finite never does."""
    return math.isfinite(score.value) and bool(task.solves(score.value, score.standard_error))


def results(task: Task, metric: Metric) -> dict[str, Estimate]:
    """What a metric of the task has come to. Raises `UserError` if the task leaves out its score or its loss."""
    found = metric.result()
    if missing := [name for name in (task.score.name, "loss") if name not in found]:
        raise UserError(f"the task's metrics are {', '.join(found)}: {' and '.join(missing)} must be among them")
    return found


def free_running(task: Task, free: Mapping[str, Estimate], forced: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Metrics of a task that feeds its answers back, from those of free-running and of teacher-forced answers.

    The task says which are which; its score stands beside them as `forced_<score>` too.
    """
    told = {name: forced[name] for name in task.teacher_forced}
    return {**free, **told, forced_name(task): forced[task.score.name]}


def forced_name(task: Task) -> str:
    """The metric that is the score of teacher-forced answers."""
    return f"forced_{task.score.name}"


def values(scores: Mapping[str, Estimate]) -> dict[str, float]:
    """Scores without their standard errors."""
    return {name: estimate.value for name, estimate in scores.items()}

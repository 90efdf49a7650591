"""The metrics of a run under the names by which they are stored: `section/name`."""

from __future__ import annotations

import math

import numpy as np

from rnnbench.tasks.base import Task
from rnnbench.tasks.metric import Estimate
from rnnbench.training.probes.profile import INPUT, GradientProfile
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
    """What is read off a gradient profile, state by state; one that is not sound is marked, one that is is not."""
    metrics: dict[str, float] = {} if sound else {"gradient_profile/sound": 0.0}
    for state in profile.norms:
        metrics |= section(
            f"gradient_profile_{state}" if state not in ("h", INPUT) else "gradient_profile", profile.summary(state)
        )
    return metrics


def of_ending(task: Task, progress: Progress, scores: dict[str, Estimate]) -> dict[str, float]:
    """What a run comes to, from its test scores: metrics of `Finished` and `Diverged`."""
    score, standard_error = scores[task.score.name]
    metrics = {"score": score, "skill": task.skill(score), "steps": progress.step, "best_step": progress.best_step}
    solved = task.solves(score)
    if solved is not None:
        solved = solved and math.isfinite(score) and not progress.diverged
        metrics["solved"] = float(solved)
    if solved and progress.solved_at is not None:
        metrics["steps_to_solve"] = progress.solved_at
    if math.isfinite(standard_error):
        metrics["score_standard_error"] = standard_error
    return metrics | section("test", values(scores))


def values(scores: dict[str, Estimate]) -> dict[str, float]:
    """Scores without their standard errors."""
    return {name: estimate.value for name, estimate in scores.items()}

"""What a run has reached between two training steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Task


@dataclass
class Progress:
    """The step reached, the best weights on the validation split (by score, then by loss), and whether it is solved."""

    step: int = 0
    diverged: bool = False
    solved_at: int | None = None
    """The first of the latest evaluations that were all solved."""
    solved_twice: bool = False
    """Whether the last two evaluations were solved."""
    best_step: int = -1
    best_score: float = math.nan
    best_loss: float = math.inf
    best_weights: list[np.ndarray] = field(default_factory=list)

    def evaluated(
        self, task: Task, step: int, scores: dict[str, float], weights: Callable[[], list[np.ndarray]]
    ) -> None:
        """Note an evaluation; `weights()` gives those that were evaluated."""
        self.step = step
        score, loss = scores[task.score.name], scores["loss"]
        if self.best_step < 0 or self._surpassed(task, score, loss):
            self.best_step, self.best_score, self.best_loss = step, score, loss
            self.best_weights = weights()
        solved = math.isfinite(score) and bool(task.solves(score))
        self.solved_twice = solved and self.solved_at is not None
        if not solved:
            self.solved_at = None
        elif self.solved_at is None:
            self.solved_at = step

    def _surpassed(self, task: Task, score: float, loss: float) -> bool:
        """Whether these are better than the best: what is not finite is worse than every number."""
        known, best_known = math.isfinite(score), math.isfinite(self.best_score)
        if known and best_known:
            tied = score == self.best_score
            better = task.better(score, self.best_score)
        else:
            tied = known == best_known
            better = known
        return better or (tied and math.isfinite(loss) and not self.best_loss <= loss)

    def complete(self, training: Training) -> bool:
        """Whether no training is left to do."""
        return self.step >= training.steps or self.stops_early(training)

    def stops_early(self, training: Training) -> bool:
        return self.diverged or (self.solved_twice and training.stop_when_solved)

    def values(self) -> dict[str, Any]:
        """All but the weights."""
        return {name: value for name, value in vars(self).items() if name != "best_weights"}

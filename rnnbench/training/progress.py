"""What a run has reached between two training steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnbench.experiment.settings import Training, probe_steps
from rnnbench.tasks.base import Task
from rnnbench.tasks.metric import Estimate


@dataclass
class Progress:
    """The step reached, the best weights on the validation split (by score, then by loss), and whether it is solved.

    What a run comes to is settled once it diverges, is solved, or has used its budget. One that was solved early trains
    on to the last step at which gradients are measured; that changes nothing of its outcome.
    """

    step: int = 0
    """The step reached, training beyond the outcome included."""
    diverged: bool = False
    solved_at: int | None = None
    """The first evaluation that was solved."""
    solved_last: bool = False
    """Whether the last evaluation was solved."""
    settled_at: int | None = None
    """Where a run was solved early: the step of its outcome."""
    halted: bool = False
    """Whether training beyond the outcome came to numbers that are not finite."""
    best_step: int = -1
    best_score: float = math.nan
    best_loss: float = math.inf
    best_weights: list[np.ndarray] = field(default_factory=list)

    def evaluated(
        self,
        task: Task,
        training: Training,
        step: int,
        scores: Mapping[str, Estimate],
        weights: Callable[[], list[np.ndarray]],
    ) -> None:
        """Note an evaluation on the validation split; `weights()` gives those that were evaluated."""
        self.step = step
        (score, standard_error), loss = scores[task.score.name], scores["loss"].value
        if self.best_step < 0 or self._surpassed(task, score, loss):
            self.best_step, self.best_score, self.best_loss = step, score, loss
            self.best_weights = weights()
        solved = math.isfinite(score) and bool(task.solves(score, standard_error, "validation"))
        if solved and self.solved_last and training.stop_when_solved:
            self.settled_at = step
        self.solved_last = solved
        if solved and self.solved_at is None:
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

    @property
    def outcome_step(self) -> int:
        """The training steps that the outcome took."""
        return self.step if self.settled_at is None else self.settled_at

    @property
    def settled(self) -> bool:
        """Whether the outcome is known, though the training may go on: no evaluation counts any more."""
        return self.diverged or self.settled_at is not None

    def complete(self, training: Training) -> bool:
        """Whether no training is left to do."""
        if self.step >= training.steps or self.diverged or self.halted:
            return True
        return self.settled_at is not None and self.step >= max(probe_steps(training), default=0)

    def values(self) -> dict[str, Any]:
        """All but the weights."""
        return {name: value for name, value in vars(self).items() if name != "best_weights"}

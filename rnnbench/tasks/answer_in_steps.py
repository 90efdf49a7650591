"""Answers of several steps, each step fed the answer before, that are right as a whole or not."""

from __future__ import annotations

import math
from abc import ABC
from typing import ClassVar

import numpy as np

from rnnbench.tasks.base import Score
from rnnbench.tasks.stream import Stream
from rnnbench.tasks.supervised import ClassificationTask

EXACT_MATCH = Score("exact_match", higher_is_better=True, perfect=1.0)


class AnswerInSteps(ClassificationTask, ABC):
    """Predict a sequence of classes, each step fed the answer before. Score: the share of whole answers that are right.

    The first step that is read is the marker alone; `fed_back` gives the inputs of the others. Streams of `train_batch`
    and `split` are teacher-forced: their steps are fed the targets.
    """

    score: ClassVar[Score] = EXACT_MATCH
    feeds_back: ClassVar[bool] = True

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`exact_match`: 1 where every scored step is right; `accuracy` of these steps, and `loss`."""
        found = super().scores(stream, outputs)
        return {"exact_match": exact_match(found["accuracy"])} | found


def exact_match(accuracy: np.ndarray) -> np.ndarray:
    """1 where the accuracy of an answer's steps is 1, else 0; NaN where it is NaN."""
    # A weighted mean of ones may round to less than 1.
    return np.where(np.isnan(accuracy), math.nan, (accuracy > 1 - 1e-9).astype(np.float64))

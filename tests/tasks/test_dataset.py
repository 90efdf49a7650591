"""What every task over a data set shares."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.tasks.stream import Layout, Ports


class Own(DatasetClassificationTask):
    """Reads a file of its own."""

    source: str = "readings.csv"

    layout = property(lambda self: Layout(3, self.lag, 1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)

    def examples(self, split: str) -> Examples:
        return Examples(np.ones((4, 3, 1), np.float32), np.array([0, 1, 0, 1], np.int32))

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        return rng.normal(size=(n, steps, 1))


def test_a_source_of_its_own_is_the_tasks_affair(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    Own(lag=2).check_data()
    Own(lag=2, source="synthetic").check_data()
    with pytest.raises(UserError, match="data set 'mnist' is not in"):
        Own(lag=2, source="mnist").check_data()


def test_a_helper_of_a_built_in_task_that_is_replaced_makes_the_data_another() -> None:
    """It may read a file of its own, which no fingerprint of a source covers."""

    class Named(Sentiment):
        """Another name, the same data."""

    class Fewer(Sentiment):
        """Reads otherwise."""

        def _size(self, split: str) -> int:
            return 20

    assert Named(lag=1, source="synthetic").fingerprint() == ""
    assert Fewer(lag=1, source="synthetic").fingerprint()

"""What every task over a data set shares."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.tasks import dataset
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.tasks.stream import Layout, Ports, joined


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


class Spelled(Own):
    """Answers at two steps."""

    layout = property(lambda self: Layout(3, self.lag, 2))

    def examples(self, split: str) -> Examples:
        number = np.arange(5)
        return Examples(np.ones((5, 3, 1), np.float32), np.stack([number % 2, number // 4], axis=1).astype(np.int32))


def test_one_answer_is_given_an_axis_for_the_steps_and_more_have_theirs() -> None:
    assert joined(Own(lag=2).split("test")).targets.tolist() == [[0], [1], [0], [1]]
    task = Spelled(lag=2)
    stream = joined(task.split("test"))
    assert stream.targets.tolist() == [[0, 0], [1, 0], [0, 0], [1, 0], [0, 1]]
    # The marker stands at both.
    assert stream.features[..., -1].tolist() == [[0] * 5 + [1] * 2] * 5
    task.check_stream(stream, "it")
    assert task.memoryless() == 0.7


def test_a_split_in_parts_has_the_same_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Spelled(lag=2, filler="blank")
    whole = joined(task.split("test"))
    monkeypatch.setattr(dataset, "_CHUNK", 2)
    parts = list(task.split("test"))
    assert [part.examples for part in parts] == [2, 2, 1]
    for name, part in whole.parts.items():
        np.testing.assert_array_equal(joined(parts).parts[name], part)

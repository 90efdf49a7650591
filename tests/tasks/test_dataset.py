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
    ports = property(lambda self: self.feature_ports(1))
    outputs = property(lambda self: 2)

    def examples(self, split: str) -> Examples:
        return Examples(np.ones((4, 3, 1), np.float32), np.array([0, 1, 0, 1], np.int32))


class Cued(Own):
    """Has decoys, and so a cue."""

    fillers = ("zeros", "blank", "decoy")

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        return rng.normal(size=(n, steps, 1))


class Worded(Cued):
    """Tokens; one of five words in each step."""

    fillers = ("blank", "decoy")
    ports = property(lambda self: self.token_ports(5, 3))

    def examples(self, split: str) -> Examples:
        return Examples(np.arange(12, dtype=np.int32).reshape(4, 3) % 5, np.array([0, 1, 0, 1], np.int32))

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        return rng.integers(5, size=(n, steps))


def test_channels_for_blank_and_marker_stand_behind_the_content() -> None:
    task = Own(lag=2)
    assert task.ports == (3, 0, 0)
    assert joined(task.split("test")).features[0].tolist() == [[1, 0, 0]] * 3 + [[0, 1, 0]] * 2 + [[0, 0, 1]]


@pytest.mark.parametrize("filler", Cued.fillers)
def test_the_cue_marks_the_evidence_whatever_the_filler(filler: str) -> None:
    task = Cued(lag=2, filler=filler)
    assert task.ports == (4, 0, 0)
    content, cue, blank, marker = np.moveaxis(joined(task.split("test")).features, -1, 0)
    assert cue.tolist() == [[1] * 3 + [0] * 3] * 4
    assert blank.tolist() == [[0] * 3 + [int(filler == "blank")] * 2 + [0]] * 4
    assert marker.tolist() == [[0] * 5 + [1]] * 4
    assert content[:, 3:5].any() == (filler == "decoy")
    assert (content[:, :3] == 1).all()


@pytest.mark.parametrize("filler", Worded.fillers)
def test_the_cue_of_words_stands_beside_them(filler: str) -> None:
    task = Worded(lag=2, filler=filler)
    assert task.ports == (1, 7, 3)
    stream = joined(task.split("test"))
    assert stream.features[..., 0].tolist() == [[1] * 3 + [0] * 3] * 4
    np.testing.assert_array_equal(stream.tokens[:, :3], task.examples("test").evidence)
    filled = stream.tokens[:, 3:5]
    assert (filled < 5).all() if filler == "decoy" else (filled == 5).all()
    assert (stream.tokens[:, 5] == 6).all()


def test_ports_that_leave_out_a_channel_are_told() -> None:
    class Narrow(Cued):
        ports = property(lambda self: Ports(features=2))

    says = r"the evidence has 1 features and `ports` 2, .* 3 more, for cue, blank and marker; use `self.feature_ports"
    with pytest.raises(UserError, match=says):
        list(Narrow(lag=1).split("test"))


def test_fillers_that_a_class_names_must_be_drawn() -> None:
    class Named(Own):
        fillers = ("decoy",)
        ports = property(lambda self: Ports(features=4))

    with pytest.raises(NotImplementedError, match="Named has no decoys"):
        Named(lag=1).train_batch(0, 0, 2)


def test_the_examples_of_a_data_set_are_its_sequences() -> None:
    assert Own(lag=3).distinct() == 4
    assert Own(lag=3).level_error() == pytest.approx(np.sqrt(0.5 * 0.5 / 4))


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

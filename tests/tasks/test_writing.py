"""How a text is written: the choice of a character, and what is read when, by readers that are known."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.tasks.language_model import LanguageModel
from rnnbench.tasks.stream import Layout
from rnnbench.tasks.writing import Choice, continued, streamed

LOGITS = np.log(np.array([0.1, 0.2, 0.4, 0.3]))


class Counting:
    """Answers with the token after the last one it read, of eight, and keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[int], Any]] = []

    def read(self, tokens: np.ndarray, before: Any) -> tuple[np.ndarray, Any]:
        self.seen.append((tokens.tolist(), before))
        last = next(int(token) for token in tokens[::-1] if token < 8)
        return 50.0 * np.eye(8)[(last + 1) % 8], len(self.seen)


def shares(choice: Choice, draws: int = 5_000) -> np.ndarray:
    rng = np.random.default_rng(0)
    found = [choice.of(LOGITS, rng) for _ in range(draws)]
    return np.bincount(found, minlength=4) / draws


def test_characters_are_drawn_with_their_probabilities() -> None:
    np.testing.assert_allclose(shares(Choice()), [0.1, 0.2, 0.4, 0.3], atol=0.03)
    squares = np.array([0.01, 0.04, 0.16, 0.09]) / 0.30
    np.testing.assert_allclose(shares(Choice(temperature=0.5)), squares, atol=0.03)
    np.testing.assert_allclose(shares(Choice(top_k=2)), [0, 0, 4 / 7, 3 / 7], atol=0.03)
    assert shares(Choice(temperature=0.0), 10).tolist() == shares(Choice(top_k=1), 10).tolist() == [0, 0, 1, 0]


def test_of_equal_characters_no_more_than_k_are_chosen_from() -> None:
    rng = np.random.default_rng(0)
    assert {Choice(top_k=2).of(np.zeros(5), rng) for _ in range(200)} == {0, 1}


def test_a_stream_is_read_on_from_where_it_was() -> None:
    reader = Counting()
    found = list(islice(streamed(reader, np.array([3, 4]), Choice(0.0), np.random.default_rng(0)), 4))
    assert found == [5, 6, 7, 0]
    assert reader.seen[:3] == [([3, 4], None), ([5], 1), ([6], 2)]


def test_a_continuation_reads_what_it_wrote_anew_behind_lag_and_marker() -> None:
    reader = Counting()
    between = np.array([8, 8, 9])
    layout = Layout(evidence=4, lag=2, readout=2)
    written = continued(reader, np.array([1, 2, 3]), layout, between, Choice(0.0), np.random.default_rng(0))
    assert list(islice(written, 6)) == [4, 5, 6, 7, 0, 1]
    assert reader.seen[:4] == [([1, 2, 3, 8, 8, 9], None), ([4], 1), ([2, 3, 4, 5, 8, 8, 9], None), ([6], 3)]


def test_a_task_writes_in_its_alphabet_the_same_for_a_seed() -> None:
    class Noise:
        def read(self, tokens: np.ndarray, before: Any) -> tuple[np.ndarray, Any]:
            return np.zeros(27), None

    for task in (
        LanguageModel(lag=2, source="synthetic"),
        LanguageModel(lag=0, source="synthetic", form="stream"),
    ):
        one, again, other = (task.writes(Noise(), "abc", 50, Choice(), seed) for seed in (0, 0, 1))
        assert one == again != other
        assert len(one) == 50
        assert set(one) <= set(task.alphabet)
        with pytest.raises(UserError, match="the prompt: these characters are not in the alphabet: '!' 'A'"):
            task.writes(Noise(), "bA!", 5, Choice())
        with pytest.raises(UserError, match="the prompt is empty"):
            task.writes(Noise(), "", 5, Choice())


def test_a_sample_follows_the_beginning_of_the_test_text() -> None:
    task = LanguageModel(lag=0, source="synthetic", form="stream", context=10)

    class Blank:
        def read(self, tokens: np.ndarray, before: Any) -> tuple[np.ndarray, Any]:
            return 50.0 * np.eye(27)[0], None

    beginning = "".join(task.alphabet[token] for token in task.text("test")[:10])
    assert task.sample(Blank()) == f"{beginning} >>> {' ' * 300}"

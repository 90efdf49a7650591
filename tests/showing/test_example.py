"""Examples step by step: which part each step belongs to, what stands there, and which examples are chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.showing import text
from rnnbench.showing.example import Chosen, Segment, elided, example, examples
from rnnbench.showing.picture import of_evidence
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.display import Display
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.sentiment import Sentiment
from rnnbench.tasks.sequential_mnist import SequentialMNIST
from rnnbench.tasks.stream import Stream


def told(task, split="test", count=5):
    return list(examples(task, split, count))


def part_texts(one):
    return {segment.part: " ".join(piece.text for piece in text.pieces(one, segment)) for segment in one.segments}


def test_symbols_are_letters_and_the_answer_is_the_evidence():
    for one in told(CopyMemory(lag=30, symbols=4)):
        texts = part_texts(one)
        assert texts["lag"] == "· × 29 ?"
        assert texts["evidence"] == text.answer(one.display, one.stream.targets[0], one.scored)
        assert set(texts["evidence"]) <= set("ABCDEFGH ")


def test_each_lead_is_shown_and_stands_before_the_evidence():
    leads = [one.part("lead").steps for one in told(CopyMemory(lag=30))]
    assert leads == [0, 5, 10, 15, 20]
    for one in told(CopyMemory(lag=30)):
        assert sum(segment.steps for segment in one.segments) == one.steps


def test_the_marked_numbers_of_adding_add_up_to_the_answer():
    for one in told(Adding(lag=7)):
        evidence = part_texts(one)["evidence"].split()
        marked = [float(word[:-1]) for word in evidence if word.endswith("*")]
        assert len(marked) == 2
        assert sum(marked) == pytest.approx(float(one.stream.targets[0, 0, 0]), abs=0.011)
        steps = [at + 1 for at, word in enumerate(evidence) if word.endswith("*")]
        assert text.where(one, one.flags["mark"]) == f"evidence steps {steps[0]}, {steps[1]}"


def test_flags_are_named_where_they_are_on():
    (one,) = told(Sentiment(lag=5, source="synthetic", filler="decoy"), count=1)
    assert {name: text.where(one, flag) for name, flag in one.flags.items()} == {"cue": "all of the evidence"}
    (one,) = told(Forecasting(lag=5, source="synthetic"), count=1)
    assert {name: text.where(one, flag) for name, flag in one.flags.items()} == {
        "cue": "all of the evidence", "blank": "all of the lag", "marker": "all of the readout",
    }  # fmt: skip


def test_padding_is_what_stands_before_a_short_review():
    (one,) = told(Sentiment(lag=5, source="synthetic"), count=1)
    empty = int((one.tokens == 0).sum())
    assert 0 < empty < 100
    first = text.pieces(one, one.part("evidence"))[0]
    assert (first.text, first.kind) == (f"– × {empty}", "padding")


@pytest.mark.parametrize(
    "settings", [{}, {"order": "pixels"}, {"permuted": True}, {"order": "pixels", "permuted": True}]
)
def test_an_image_is_the_same_picture_however_it_is_read(settings):
    (plain,) = told(SequentialMNIST(lag=3, source="synthetic"), count=1)
    (other,) = told(SequentialMNIST(lag=3, source="synthetic", **settings), count=1)
    np.testing.assert_array_equal(of_evidence(other), of_evidence(plain))


def test_what_training_reads_has_the_lags_and_leads_of_its_steps():
    task = CopyMemory(lag=30)
    for step, one in enumerate(told(task, "train")):
        assert one.task.lag == task.training_lag(0, step)
        expected = task.training_stream(0, step, 1)
        np.testing.assert_array_equal(one.stream.features, expected.features)


def test_read_steps_without_weight_are_told():
    one = told(CopyMemory(lag=10, symbols=2, objective="all"), count=2)[1]
    assert one.part("lead").steps == 5
    assert text.asked_at(one) == "steps 1 to 19; 5 steps of them without weight; scored: steps 18, 19"


@pytest.mark.parametrize(
    ("features", "kind"),
    [(np.eye(4)[[0, 2, 1, 3]], "symbols"), (np.full((4, 1), 0.3), "numbers"), (np.full((4, 5), 0.3), "series"),
     (np.full((4, 30), 0.3), "frames")],
)  # fmt: skip
def test_a_task_that_says_nothing_is_guessed(features, kind):
    row = Stream(np.zeros((1, 1), np.int32), features=features[None].astype(np.float32))
    assert example(CopyMemory(lag=1, symbols=1), row, 0, Display()).display.kind == kind


@given(st.integers(1, 500), st.integers(3, 60))
def test_what_is_left_out_is_the_middle(steps, most):
    segment = Segment("lag", 7, steps)
    shown = [step for part in elided(segment, most) for step in part]
    assert shown == sorted(set(shown))
    assert {7, 7 + steps - 1} <= set(shown) <= set(segment.range)
    assert len(shown) == steps or len(shown) == most


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=6), st.integers(1, 8))
def test_chosen_examples_are_rows_of_the_split(sizes, count):
    """However a split is cut: distinct places, each with its own row and its own answer."""
    chosen, first = Chosen(count), 0
    for size, lead in sizes:
        values = np.arange(first, first + size, dtype=np.float32)
        chosen.update(Stream(values[:, None, None], features=np.zeros((size, 3 + lead, 1))), values[:, None, None])
        first += size
    found = chosen.rows()
    places = [place for place, _, _ in found]
    assert 1 <= len(places) <= count
    assert len(set(places)) == len(places)
    for place, row, answer in found:
        assert row.targets[0, 0, 0] == answer[0, 0, 0] == place

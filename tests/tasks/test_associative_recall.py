"""Associative recall: the answer looked up again in what is shown, and its levels by counting all sequences."""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.associative_recall import AssociativeRecall
from rnnbench.tasks.stream import joined
from tests.tasks.trained import trained, untrained_solves

CUE, BLANK, MARKER = -3, -2, -1


@st.composite
def sizes(draw):
    pairs = draw(st.integers(1, 6))
    return {
        "pairs": pairs,
        "keys": draw(st.integers(max(2, pairs), 9)),
        "values": draw(st.integers(2, 9)),
        "queries": draw(st.integers(1, pairs)),
    }


def whole(task, split="test"):
    return joined(task.split(split))


def symbols(steps, flags=3):
    """(n, steps): which channel is on, apart from the flags; -1 where none is."""
    one_hot = steps[..., :-flags]
    assert set(one_hot.sum(axis=-1).ravel()) <= {0, 1}
    return np.where(one_hot.any(axis=-1), one_hot.argmax(axis=-1), -1)


@given(sizes=sizes(), lag=st.integers(0, 25), filler=st.sampled_from(["zeros", "blank", "distractor", "decoy"]))
def test_the_answer_is_what_stood_behind_the_key(sizes, lag, filler):
    task = AssociativeRecall(lag=lag, filler=filler, examples=20, **sizes)
    pairs, keys, values, queries = (sizes[name] for name in ("pairs", "keys", "values", "queries"))
    stream = whole(task)
    assert stream.features.shape == (20, 2 * pairs + lag + queries, keys + 2 * values + 3)
    assert stream.targets.shape == (20, queries)
    shown = symbols(stream.features)
    for row, answers in zip(shown, stream.targets, strict=True):
        held = {}
        for at in range(pairs):
            key, value = row[2 * at], row[2 * at + 1]
            assert 0 <= key < keys <= value < keys + values
            assert key not in held
            held[key] = value - keys
        asked = row[2 * pairs + lag :]
        assert len(set(asked)) == queries
        assert [held[key] for key in asked] == answers.tolist()
    cue, blank, marker = (stream.features[..., flag] for flag in (CUE, BLANK, MARKER))
    assert (cue == (np.arange(stream.steps) < 2 * pairs)).all()
    assert (marker == (np.arange(stream.steps) >= 2 * pairs + lag)).all()
    between = slice(2 * pairs, 2 * pairs + lag)
    assert (blank[:, between] == (filler == "blank")).all()
    assert not np.delete(blank, np.r_[between], axis=1).any()
    filled = shown[:, between]
    if filler == "distractor":
        assert (filled >= keys + values).all()
    elif filler == "decoy":
        assert (filled[:, ::2] < keys).all()
        assert ((filled[:, 1::2] >= keys) & (filled[:, 1::2] < keys + values)).all()
    else:
        assert (filled == -1).all()


SMALL = {"pairs": 2, "keys": 3, "values": 2, "queries": 2}


def every_sequence(pairs, keys, values, queries):
    """(evidence, queries, answers) of each sequence; all are equally likely."""
    for chosen in permutations(range(keys), pairs):
        for given_values in product(range(values), repeat=pairs):
            held = dict(zip(chosen, given_values, strict=True))
            for asked in permutations(chosen, queries):
                yield tuple(held.items()), asked, tuple(held[key] for key in asked)


def best(sequences, seen):
    """Accuracy of the best answer at each query to what is `seen(evidence, queries, answers before)`."""
    answers = defaultdict(Counter)
    for evidence, asked, truth in sequences:
        for at, answer in enumerate(truth):
            answers[at, seen(evidence, asked[: at + 1], truth[:at])][answer] += 1
    return Fraction(
        sum(max(counted.values()) for counted in answers.values()),
        sum(counted.total() for counted in answers.values()),
    )


@pytest.mark.parametrize("sizes", [SMALL, {"pairs": 3, "keys": 3, "values": 3, "queries": 2},
                                   {"pairs": 1, "keys": 2, "values": 4, "queries": 1}])  # fmt: skip
def test_levels_are_those_of_the_best_answers(sizes):
    task, sequences = AssociativeRecall(lag=5, **sizes), list(every_sequence(**sizes))
    levels = task.levels()
    # Neither the keys that are asked nor true answers to earlier ones help.
    assert best(sequences, lambda evidence, asked, before: (asked, before)) == Fraction(1, sizes["values"])
    assert levels["memoryless"] == levels["chance"] == 1 / sizes["values"]
    assert best(sequences, lambda evidence, asked, before: (evidence, asked)) == 1 == levels["reference"]
    unbound = best(sequences, lambda evidence, asked, before: (asked, tuple(sorted(value for _, value in evidence))))
    assert levels["unbound values"] == pytest.approx(float(unbound), abs=1e-12)


def test_every_sequence_is_drawn_equally_often():
    stream = whole(AssociativeRecall(lag=1, examples=48_000, **SMALL))
    shown = symbols(stream.features)
    drawn = Counter(map(tuple, np.concatenate([shown[:, :4], shown[:, 5:], stream.targets], axis=1).tolist()))
    expected = {
        (*(part for key, value in evidence for part in (key, 3 + value)), *asked, *answers)
        for evidence, asked, answers in every_sequence(**SMALL)
    }
    assert drawn.keys() == expected
    assert len(expected) == 48
    np.testing.assert_allclose(np.array(list(drawn.values())), 1000, atol=5 * np.sqrt(1000))


def test_decoys_are_lists_drawn_as_the_evidence_is():
    """Each with distinct keys, any value, and independent of the evidence; the cue alone is missing."""
    task = AssociativeRecall(lag=14, filler="decoy", pairs=3, keys=4, values=2, examples=20_000)
    shown = symbols(whole(task).features)
    evidence, first, second, cut = shown[:, :6], shown[:, 6:12], shown[:, 12:18], shown[:, 18:20]
    for steps in (first, second):
        assert all(len(set(row)) == 3 for row in steps[:, ::2].tolist())
        # 4 * 3 * 2 orders of keys, 8 values.
        kinds, counts = np.unique(steps, axis=0, return_counts=True)
        assert len(kinds) == len(np.unique(evidence, axis=0)) == 192
        np.testing.assert_allclose(counts, 20_000 / 192, atol=5 * np.sqrt(20_000 / 192))
        assert np.mean(steps[:, 0] == evidence[:, 0]) == pytest.approx(1 / 4, abs=0.02)
        assert np.mean(steps[:, 1] == evidence[:, 1]) == pytest.approx(1 / 2, abs=0.02)
    assert (cut[:, 0] < 4).all()
    led = next(iter(AssociativeRecall(lag=0, filler="decoy", pairs=3, keys=4, values=2).tested("test", leads=[7])))
    assert not led.features[:, :7, -3:].any()
    assert (symbols(led.features)[:, 6] < 4).all()  # a list that is cut off within its pair


def test_counting_behind_decoys_does_not_bind():
    levels = AssociativeRecall(lag=8, filler="decoy", pairs=2, keys=3, values=3).levels()
    assert 1 / 3 < levels["position-blind"] < levels["unbound values"] == pytest.approx(2 / 3)


def test_the_query_is_never_replaced():
    task = AssociativeRecall(lag=4, queries=2)
    assert task.without_marker(whole(task)) is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"pairs": 5, "keys": 4}, "'pairs: 5' need as many distinct keys; 'keys' is 4"),
        ({"pairs": 3, "queries": 4}, "'queries: 4' need as many pairs, as no key is asked twice; 'pairs' is 3"),
        ({"values": 1}, "greater than or equal to 2"),
    ],
)
def test_what_cannot_be_asked_is_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        AssociativeRecall(lag=3, **settings)


def test_a_setting_called_keys_is_one_in_all_forms():
    """`dict(task)`, which makes the same task at another lag, must not take it for a method."""
    task = AssociativeRecall(lag=3, keys=9)
    assert task.at_lag(5).ports == task.ports
    assert task.model_dump()["keys"] == 9


def test_solved_from_ninety_nine_per_cent():
    task = AssociativeRecall(lag=5)
    assert task.solves(0.99, 0.003)
    assert not task.solves(0.989, 0.003)


TINY = {"lag": 2, "pairs": 2, "keys": 2, "values": 2}


def test_a_small_network_learns_it():
    assert not untrained_solves("associative_recall", **TINY)
    final = trained("associative_recall", 1500, **TINY)
    assert (final["solved"], final["score"]) == (1, pytest.approx(1, abs=0.01))

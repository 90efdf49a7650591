"""Selective copying: the symbols picked again from what is shown, and its levels by counting all sequences."""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.selective_copy import SelectiveCopy
from rnnbench.tasks.stream import joined
from tests.tasks.trained import trained, untrained_solves


@st.composite
def sizes(draw):
    symbols = draw(st.integers(1, 6))
    return {
        "symbols": symbols,
        "alphabet": draw(st.integers(2, 9)),
        "evidence": draw(st.integers(symbols, 15)),
        "gaps": draw(st.sampled_from(["blank", "distractor"])),
    }


def whole(task, split="test"):
    return joined(task.split(split))


@given(sizes=sizes(), lag=st.integers(0, 25), filler=st.sampled_from(["zeros", "blank", "distractor"]))
def test_the_answers_are_the_symbols_in_their_order(sizes, lag, filler):
    stream = whole(SelectiveCopy(lag=lag, filler=filler, examples=20, **sizes))
    symbols, alphabet, evidence = (sizes[name] for name in ("symbols", "alphabet", "evidence"))
    blank, marker = 2 * alphabet, 2 * alphabet + 1
    assert stream.features.shape == (20, evidence + lag + symbols, 2 * alphabet + 2)
    on = stream.features.argmax(axis=-1)
    for row, answers in zip(on[:, :evidence], stream.targets, strict=True):
        assert [index for index in row.tolist() if index < alphabet] == answers.tolist()
        gaps = row[row >= alphabet]
        assert (gaps == blank).all() if sizes["gaps"] == "blank" else (gaps < blank).all()
    assert (on[:, evidence + lag :] == marker).all()
    between = slice(evidence, evidence + lag)
    assert (stream.features[:, between].sum(axis=-1) == (filler != "zeros")).all()
    assert (np.delete(stream.features, np.r_[between], axis=1).sum(axis=-1) == 1).all()
    if filler == "blank":
        assert (on[:, between] == blank).all()
    elif filler == "distractor":
        assert ((on[:, between] >= alphabet) & (on[:, between] < blank)).all()


def test_every_place_and_every_symbol_is_as_likely_as_any_other():
    stream = whole(SelectiveCopy(lag=0, symbols=2, alphabet=3, evidence=4, examples=27_000))
    on = stream.features[:, :4].argmax(axis=-1)
    drawn = Counter(map(tuple, on.tolist()))
    expected = 27_000 / (comb(4, 2) * 3**2)
    assert len(drawn) == 54
    np.testing.assert_allclose(list(drawn.values()), expected, atol=5 * np.sqrt(expected))


def test_as_many_symbols_as_steps_are_plain_copying():
    stream = whole(SelectiveCopy(lag=3, symbols=5, evidence=5))
    np.testing.assert_array_equal(stream.features[:, :5].argmax(axis=-1), stream.targets)


def best(symbols, alphabet, seen):
    """Accuracy of the best answer at each step to what is `seen(all symbols, those before)`."""
    answers = defaultdict(Counter)
    for drawn in product(range(alphabet), repeat=symbols):
        for at, answer in enumerate(drawn):
            answers[at, seen(drawn, drawn[:at])][answer] += 1
    return Fraction(sum(max(counted.values()) for counted in answers.values()), symbols * alphabet**symbols)


@pytest.mark.parametrize(("symbols", "alphabet"), [(1, 4), (2, 8), (3, 3), (4, 5)])
def test_levels_are_those_of_the_best_answers(symbols, alphabet):
    levels = SelectiveCopy(lag=5, symbols=symbols, alphabet=alphabet).levels()
    # True earlier answers do not help.
    assert best(symbols, alphabet, lambda drawn, before: before) == Fraction(1, alphabet)
    assert levels["memoryless"] == levels["chance"] == 1 / alphabet
    assert best(symbols, alphabet, lambda drawn, before: drawn) == 1 == levels["reference"]
    unordered = best(symbols, alphabet, lambda drawn, before: tuple(sorted(drawn)))
    assert levels["unordered symbols"] == pytest.approx(float(unordered), abs=1e-12)


@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor"])
def test_the_marker_can_be_replaced_by_filler(filler):
    task = SelectiveCopy(lag=4, symbols=3, filler=filler, examples=30)
    for stream in task.tested("test", leads=[0, 5]):
        found = task.without_marker(stream)
        np.testing.assert_array_equal(found.features[:, :-3], stream.features[:, :-3])
        asked, channels = found.features[:, -3:], np.flatnonzero(found.features[:, -3:].any(axis=(0, 1)))
        assert (asked.sum(axis=-1) == (filler != "zeros")).all()
        assert set(channels) <= {"zeros": set(), "blank": {16}, "distractor": set(range(8, 16))}[filler]
        np.testing.assert_array_equal(found.targets, stream.targets)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="'symbols: 4' need as many steps to stand at; 'evidence' is 3"):
        SelectiveCopy(lag=3, evidence=3)
    with pytest.raises(ValueError, match="'decoy' is not a filler of the task; the task has zeros, blank, distractor"):
        SelectiveCopy(lag=3, filler="decoy")


def test_solved_from_ninety_nine_per_cent():
    task = SelectiveCopy(lag=5)
    assert task.solves(0.99, 0.003)
    assert not task.solves(0.989, 0.003)


TINY = {"lag": 2, "symbols": 2, "evidence": 4, "alphabet": 3}


def test_a_small_network_learns_it():
    assert not untrained_solves("selective_copy", **TINY)
    final = trained("selective_copy", 1500, **TINY)
    assert (final["solved"], final["score"]) == (1, pytest.approx(1, abs=0.01))

"""Parity: the marked ones counted again in what is shown, and its levels by counting all sequences."""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.parity import Parity
from rnnbench.tasks.stream import joined
from tests.tasks.trained import trained, untrained_solves

MARK, BLANK, MARKER = 4, 5, 6


@st.composite
def sizes(draw):
    evidence = draw(st.integers(1, 12))
    marked = draw(st.integers(1, evidence))
    return {"evidence": evidence, "marked": marked, "fewest": draw(st.integers(1, marked))}


def whole(task, split="test"):
    stream = joined(task.split(split))
    assert stream.targets.shape == (task.examples, 1)
    return stream.features, stream.targets[:, 0]


@given(sizes=sizes(), lag=st.integers(0, 25), filler=st.sampled_from(["zeros", "blank", "distractor", "decoy"]))
def test_the_answer_is_the_parity_of_the_marked_ones(sizes, lag, filler):
    inputs, answers = whole(Parity(lag=lag, filler=filler, examples=30, **sizes), "validation")
    evidence = sizes["evidence"]
    assert inputs.shape == (30, evidence + lag + 1, 7)
    assert set(np.unique(inputs)) <= {0, 1}
    for steps, answer in zip(inputs, answers, strict=True):
        odd, marks = False, 0
        for step in steps[:evidence]:
            assert step[:2].sum() == 1
            if step[MARK]:
                marks += 1
                odd ^= bool(step[1])
        assert answer == odd
        assert sizes["fewest"] <= marks <= sizes["marked"]
    assert not inputs[:, :evidence, [2, 3, BLANK, MARKER]].any()
    between = inputs[:, evidence:-1]
    on = {"zeros": [], "blank": [BLANK], "distractor": [2, 3], "decoy": [0, 1]}[filler]
    assert (between[..., on].sum(axis=-1) == (filler != "zeros")).all()
    assert not np.delete(between, on, axis=-1).any()
    assert (inputs[:, -1] == np.eye(7)[MARKER]).all()


def every_sequence(evidence, marked, fewest):
    """(probability, bits, marks, parity) of each sequence: the number of marks first, then their places."""
    numbers = range(fewest, marked + 1)
    for count in numbers:
        places = list(combinations(range(evidence), count))
        for marks in places:
            for bits in product((0, 1), repeat=evidence):
                chance = Fraction(1, len(numbers) * len(places) * 2**evidence)
                yield chance, bits, marks, sum(bits[at] for at in marks) % 2


def best(sequences, seen):
    """Accuracy of the best answer to what is `seen(bits, marks)`."""
    answers = defaultdict(Counter)
    for chance, bits, marks, parity in sequences:
        answers[seen(bits, marks)][parity] += chance
    return sum(max(counted.values()) for counted in answers.values())


@pytest.mark.parametrize("sizes", [{"evidence": 4, "marked": 3, "fewest": 1}, {"evidence": 5, "marked": 5, "fewest": 1},
                                   {"evidence": 4, "marked": 4, "fewest": 4}, {"evidence": 3, "marked": 2, "fewest": 2},
                                   {"evidence": 1, "marked": 1, "fewest": 1}])  # fmt: skip
def test_levels_are_those_of_the_best_answers(sizes):
    task, sequences = Parity(lag=5, **sizes), list(every_sequence(**sizes))
    levels = task.levels()
    assert sum(chance for chance, *_ in sequences) == 1
    assert best(sequences, lambda bits, marks: None) == Fraction(1, 2)
    assert levels["chance"] == 0.5
    assert best(sequences, lambda bits, marks: (bits, marks)) == 1 == levels["reference"]
    # Where the marks are tells nothing; nor do all marked bits but one, nor those that are not marked.
    assert best(sequences, lambda bits, marks: marks) == Fraction(1, 2)
    assert best(sequences, lambda bits, marks: (marks, tuple(bits[at] for at in marks[1:]))) == Fraction(1, 2)
    last = best(sequences, lambda bits, marks: bits[marks[-1]])
    assert last == Fraction(levels.get("last marked bit", 0.5)).limit_denominator(100)
    assert ("last marked bit" in levels) == (sizes["fewest"] == 1)


def test_the_memoryless_level_is_the_more_frequent_answer_of_the_split():
    task = Parity(lag=3, examples=1001)
    for split in ("validation", "test"):
        odd = whole(task, split)[1].mean()
        assert task.memoryless(split) == max(odd, 1 - odd)
        assert 0.5 < task.memoryless(split) < 0.5 + 4 * 0.5 / np.sqrt(1001)


def test_sequences_are_as_likely_as_they_should_be():
    sizes = {"evidence": 3, "marked": 2, "fewest": 1}
    inputs, _ = whole(Parity(lag=0, examples=48_000, **sizes))
    rows = zip(inputs[:, :3, 1].astype(int).tolist(), inputs[:, :3, MARK].tolist(), strict=True)
    drawn = Counter((tuple(bits), tuple(np.flatnonzero(marks).tolist())) for bits, marks in rows)
    expected = {(bits, marks): float(chance) * 48_000 for chance, bits, marks, _ in every_sequence(**sizes)}
    assert drawn.keys() == expected.keys()
    for kind, count in expected.items():
        assert drawn[kind] == pytest.approx(count, abs=5 * np.sqrt(count))


def test_a_decoy_is_an_unmarked_step_of_the_evidence():
    inputs, _ = whole(Parity(lag=30, filler="decoy", examples=2000))
    evidence = inputs[:, :10].reshape(-1, 7)
    unmarked, decoys = evidence[evidence[:, MARK] == 0], inputs[:, 10:-1].reshape(-1, 7)
    for steps in (unmarked, decoys):
        np.testing.assert_allclose(steps.mean(axis=0), [0.5, 0.5, 0, 0, 0, 0, 0], atol=0.02)


def test_counting_tells_nothing_behind_decoys():
    """The mean of all steps knows how many marks and ones there are, and not where they meet."""
    assert Parity(lag=30, filler="decoy").levels()["position-blind"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"evidence": 4}, "'marked: 5' is more than there are steps to mark; 'evidence' is 4"),
        ({"fewest": 6}, "'fewest: 6' is more than the most that are marked; 'marked' is 5"),
        ({"fewest": 0}, "greater than or equal to 1"),
    ],
)
def test_marks_that_do_not_fit_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        Parity(lag=3, **settings)


def test_solved_from_ninety_nine_per_cent():
    task = Parity(lag=5)
    assert task.solves(0.99, 0.003)
    assert not task.solves(0.989, 0.003)


TINY = {"lag": 2, "evidence": 4, "marked": 2}


def test_a_small_network_learns_it():
    assert not untrained_solves("parity", **TINY)
    final = trained("parity", 1500, **TINY)
    assert (final["solved"], final["score"]) == (1, pytest.approx(1, abs=0.01))

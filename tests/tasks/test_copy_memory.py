"""Copy-memory: layout, marker and the memoryless oracle of the literature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.stream import joined


@given(
    lag=st.integers(1, 40),
    symbols=st.integers(1, 12),
    alphabet=st.integers(2, 9),
    filler=st.sampled_from(["zeros", "blank", "distractor"]),
    objective=st.sampled_from(["recall", "all"]),
)
def test_layout_is_that_of_arjovsky(lag, symbols, alphabet, filler, objective):
    task = CopyMemory(lag=lag, symbols=symbols, alphabet=alphabet, filler=filler, objective=objective, examples=5)
    stream = joined(task.split("test"))
    index = stream.features.argmax(-1)
    marker = lag + symbols - 1
    assert stream.features.shape == (5, lag + 2 * symbols, 2 * alphabet + 2)
    filled = slice(symbols, marker)
    assert (stream.features[:, filled].sum(-1) == (filler != "zeros")).all()
    assert (np.delete(stream.features, np.r_[filled], axis=1).sum(-1) == 1).all()
    assert ((index[:, :symbols] >= 1) & (index[:, :symbols] <= alphabet)).all()
    assert (index[:, marker] == alphabet + 1).all()
    assert (index[:, marker + 1 :] == 0).all()
    between = index[:, filled]
    assert ((between >= alphabet + 2) if filler == "distractor" else (between == 0)).all()
    if objective == "recall":
        assert task.reads == "end"
        np.testing.assert_array_equal(stream.targets, index[:, :symbols])
        assert stream.scored is None
    else:
        assert task.reads == "every step"
        assert stream.targets.shape == index.shape
        assert (stream.targets[:, :-symbols] == 0).all()
        np.testing.assert_array_equal(stream.targets[:, -symbols:], index[:, :symbols])
        assert not stream.scored[:, :-symbols].any()
        assert stream.scored[:, -symbols:].all()


def test_both_objectives_have_the_same_data():
    recall, every = (CopyMemory(lag=6, symbols=3, objective=name) for name in ("recall", "all"))
    for one, other in ((recall.train_batch(1, 2, 4), every.train_batch(1, 2, 4)),
                       (joined(recall.split("test")), joined(every.split("test")))):  # fmt: skip
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.targets, other.targets[:, -3:])


@pytest.mark.parametrize("lag", [100, 500, 1000])
def test_memoryless_oracle_has_the_published_cross_entropy(lag):
    task = CopyMemory(lag=lag, symbols=10, objective="all", examples=20)
    stream = joined(task.split("test"))
    logits = np.full((*stream.targets.shape, 9), -1e9)
    logits[:, : lag + 10, 0] = 0  # sure of the blanks,
    logits[:, lag + 10 :, 1:] = 0  # any of the eight symbols behind the marker
    scores = task.scores(stream, logits)
    np.testing.assert_allclose(scores["all_position_loss"], 10 * np.log(8) / (lag + 20), atol=1e-6)
    np.testing.assert_allclose(scores["recall_loss"], np.log(8), atol=1e-6)
    np.testing.assert_array_equal(scores["loss"], scores["all_position_loss"])
    assert task.memoryless() == 0.125


def test_accuracy_counts_the_recall_steps_only():
    task = CopyMemory(lag=500, symbols=10, examples=50, objective="all")
    stream = joined(task.split("test"))
    nothing = np.zeros((*stream.targets.shape, 9))
    nothing[..., 0] = 1
    assert np.mean(nothing.argmax(-1) == stream.targets) > 0.98
    assert not task.scores(stream, nothing)["accuracy"].any()


def test_training_losses_are_those_of_the_scores():
    """What is probed is the loss of the recall steps, whatever is trained on."""
    for objective in ("recall", "all"):
        task = CopyMemory(lag=5, symbols=3, objective=objective, examples=8)
        stream = joined(task.split("test"))
        outputs = np.random.default_rng(0).normal(size=(*stream.targets.shape, 9)).astype(np.float32)
        scores = task.scores(stream, outputs)
        np.testing.assert_allclose(task.loss(stream, outputs), scores["loss"], atol=1e-5)
        np.testing.assert_allclose(task.loss(stream.scored_only, outputs), scores["recall_loss"], atol=1e-5)
        assert ("all_position_loss" in scores) == (objective == "all")


def test_solved_from_ninety_nine_per_cent():
    task = CopyMemory(lag=5)
    assert task.solves(0.99, 0.003)
    assert not task.solves(0.989, 0.003)


def test_levels_are_chance_and_perfect_recall():
    task = CopyMemory(lag=5, alphabet=4)
    assert task.levels() == {"memoryless": 0.25, "reference": 1.0, "chance": 0.25}
    assert task.skill(0.25) == 0
    assert task.skill(0.625) == 0.5


@pytest.mark.parametrize(("symbols", "filler", "distinct"), [(1, "blank", 8), (1, "zeros", 8), (2, "blank", 64),
                                                             (1, "distractor", 1000)])  # fmt: skip
def test_a_split_says_how_many_sequences_it_holds(symbols, filler, distinct):
    """1,000 examples of one symbol behind blanks are 8 sequences, with eight standard errors to match."""
    task = CopyMemory(lag=9, symbols=symbols, filler=filler)
    assert task.distinct() == distinct
    assert task.level_error() == pytest.approx(np.sqrt(0.125 * 0.875 / distinct))
    assert task.asks_memory()


@pytest.mark.parametrize("objective", ["recall", "all"])
@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor"])
def test_the_marker_can_be_replaced_by_filler(objective, filler):
    task = CopyMemory(lag=9, symbols=3, filler=filler, objective=objective, examples=40)
    for stream in task.tested("test", leads=[0, 4]):
        found = task.without_marker(stream)
        marker = stream.steps - 4
        differ = (found.features != stream.features).any(axis=(0, 2))
        assert np.flatnonzero(differ).tolist() == [marker]
        symbol = found.features[:, marker].argmax(-1)
        if filler == "zeros":
            assert not found.features[:, marker].any()
        else:
            assert (symbol >= 10 if filler == "distractor" else symbol == 0).all()
        np.testing.assert_array_equal(found.targets, stream.targets)
        assert list(found.parts) == list(stream.parts)
    assert stream.features[:, marker].argmax(-1).tolist() == [9] * stream.examples


def test_nothing_of_copy_memory_is_a_decoy():
    """No cue marks its evidence."""
    with pytest.raises(ValueError, match="'decoy' is not a filler of the task; the task has zeros, blank, distractor"):
        CopyMemory(lag=5, filler="decoy")

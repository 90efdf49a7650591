"""Copy-memory: layout, marker and the memoryless oracle of the literature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.copy_memory import CopyMemory


@given(lag=st.integers(1, 40), symbols=st.integers(1, 12), alphabet=st.integers(2, 9), noisy=st.booleans())
def test_layout_is_that_of_arjovsky(lag, symbols, alphabet, noisy):
    task = CopyMemory(
        lag=lag, symbols=symbols, alphabet=alphabet, filler="distractor" if noisy else "blank", examples=5
    )
    inputs, targets = task.split("test")
    index = inputs.argmax(-1)
    marker = lag + symbols - 1
    assert index.shape == targets.shape == (5, lag + 2 * symbols)
    assert (inputs.sum(-1) == 1).all()
    assert ((index[:, :symbols] >= 1) & (index[:, :symbols] <= alphabet)).all()
    assert (index[:, marker] == alphabet + 1).all()
    assert (index[:, marker + 1 :] == 0).all()
    assert (targets[:, :-symbols] == 0).all()
    assert (targets[:, -symbols:] == index[:, :symbols]).all()
    between = index[:, symbols:marker]
    assert ((between >= alphabet + 2) if noisy else (between == 0)).all()


@pytest.mark.parametrize("lag", [100, 500, 1000])
def test_memoryless_oracle_has_the_published_cross_entropy(lag):
    task = CopyMemory(lag=lag, symbols=10, objective="all", examples=20)
    _, targets = task.split("test")
    logits = np.full((*targets.shape, 9), -1e9)
    logits[:, : lag + 10, 0] = 0  # sure of the blanks,
    logits[:, lag + 10 :, 1:] = 0  # any of the eight symbols behind the marker
    scores = task.scores(targets, logits)
    assert scores["all_position_loss"] == pytest.approx(10 * np.log(8) / (lag + 20), abs=1e-6)
    assert scores["recall_loss"] == pytest.approx(np.log(8), abs=1e-6)
    assert scores["loss"] == scores["all_position_loss"]
    assert task.memoryless() == 0.125


def test_accuracy_counts_the_recall_steps_only():
    task = CopyMemory(lag=500, symbols=10, examples=50)
    _, targets = task.split("test")
    nothing = np.zeros((*targets.shape, 9))
    nothing[..., 0] = 1
    assert np.mean(nothing.argmax(-1) == targets) > 0.98
    assert task.scores(targets, nothing)["accuracy"] == 0


def test_training_losses_are_those_of_the_scores():
    for objective in ("recall", "all"):
        task = CopyMemory(lag=5, symbols=3, objective=objective, examples=8)
        _, targets = task.split("test")
        outputs = np.random.default_rng(0).normal(size=(*targets.shape, 9)).astype(np.float32)
        scores = task.scores(targets, outputs)
        assert np.mean(task.loss(targets, outputs)) == pytest.approx(scores["loss"], abs=1e-5)
        assert np.mean(task.readout_loss(targets, outputs)) == pytest.approx(scores["recall_loss"], abs=1e-5)


def test_solved_from_ninety_nine_per_cent():
    task = CopyMemory(lag=5)
    assert task.solves(0.99)
    assert not task.solves(0.989)

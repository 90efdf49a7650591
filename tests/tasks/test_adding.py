"""Adding: layout, marks and the memoryless level, in the literature's form and with a lag."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.stream import joined


def whole(task, split="test"):
    stream = joined(task.split(split))
    assert stream.targets.shape == (task.examples, 1, 1)
    return stream.features, stream.targets[:, 0, 0]


@given(half=st.integers(1, 40))
def test_literature_has_two_channels_one_mark_in_each_half_and_nothing_else(half):
    task = Adding.literature(2 * half, examples=50)
    inputs, sums = whole(task)
    assert inputs.shape == (50, 2 * half, 2)
    assert task.layout == (half, half - 1, 1)
    values, marks = inputs[..., 0], inputs[..., 1]
    assert set(np.unique(marks)) <= {0, 1}
    assert (marks[:, :half].sum(axis=1) == 1).all()
    assert (marks[:, half:].sum(axis=1) == 1).all()
    assert ((values >= 0) & (values < 1)).all()
    np.testing.assert_allclose(sums, (values * marks).sum(axis=1), rtol=1e-6)


def test_answering_one_has_an_error_of_a_sixth():
    task = Adding.literature(10, examples=200_000)
    stream = joined(task.split("test"))
    found = task.scores(stream, np.ones_like(stream.targets))["mse"]
    assert found.shape == (200_000,)
    assert found.mean() == pytest.approx(1 / 6, abs=1e-3)
    assert task.memoryless() == 1 / 6
    inputs = stream.features
    assert inputs[..., 0].mean() == pytest.approx(0.5, abs=1e-3)
    assert inputs[..., 0].var() == pytest.approx(1 / 12, abs=1e-3)
    # Every place of a half is marked equally often.
    np.testing.assert_allclose(inputs[..., 1].mean(axis=0), 0.2, atol=0.005)


def test_the_last_step_can_carry_the_second_mark():
    inputs, _ = whole(Adding.literature(6))
    assert inputs[:, -1, 1].any()


@pytest.mark.parametrize("filler", ["blank", "distractor"])
def test_lagged_keeps_both_marks_in_the_evidence(filler):
    task = Adding(lag=7, evidence=9, filler=filler, examples=100)
    inputs, sums = whole(task, "validation")
    assert inputs.shape == (100, 9 + 7 + 1, 3)
    assert (inputs[:, :4, 1].sum(axis=1) == 1).all()
    assert (inputs[:, 4:9, 1].sum(axis=1) == 1).all()
    assert not inputs[:, 9:, 1].any()
    between = inputs[:, 9:-1, 0]
    assert (between.min() > 0 and between.std() > 0.2) if filler == "distractor" else not between.any()
    assert not inputs[:, :-1, 2].any()
    assert (inputs[:, -1] == [0, 0, 1]).all()
    np.testing.assert_allclose(sums, (inputs[..., 0] * inputs[..., 1]).sum(axis=1), rtol=1e-6)


def test_solved_up_to_a_hundredth():
    task = Adding(lag=5)
    assert task.solves(0.01)
    assert not task.solves(0.0101)


def test_literature_is_made_of_noise_and_of_two_halves():
    with pytest.raises(ValueError, match="filler: distractor"):
        Adding(lag=5, form="literature")
    with pytest.raises(ValueError, match="two equal halves"):
        Adding.literature(7)


@pytest.mark.parametrize("protocol", [{"training_lags": "uniform"}, {"lead": "random"}])
def test_literature_has_no_lag_to_draw_and_no_lead(protocol):
    """Its evidence extends over all steps: another lag is another problem."""
    with pytest.raises(ValueError, match="'training_lags: fixed' and 'lead: none' only"):
        Adding.literature(20, **protocol)

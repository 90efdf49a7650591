"""Adding: layout, marks and the memoryless level, in the literature's forms and with a lag."""

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


@given(form=st.sampled_from(["urnn", "bai"]), length=st.integers(2, 80))
def test_literature_has_two_channels_two_marks_and_nothing_else(form, length):
    task = Adding(form=form, lag=length, examples=50)
    inputs, sums = whole(task)
    half = length // 2
    assert inputs.shape == (50, length, 2)
    assert task.layout == (half, length - half - 1, 1)
    values, marks = inputs[..., 0], inputs[..., 1]
    assert set(np.unique(marks)) <= {0, 1}
    assert (marks.sum(axis=1) == 2).all()
    if form == "urnn":
        assert (marks[:, :half].sum(axis=1) == 1).all()
    assert ((values >= 0) & (values < 1)).all()
    np.testing.assert_allclose(sums, (values * marks).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("settings", [{"lag": 3, "evidence": 10}, {"form": "urnn", "lag": 10},
                                      {"form": "bai", "lag": 10}])  # fmt: skip
def test_answering_one_has_an_error_of_a_sixth(settings):
    task = Adding(**settings, examples=200_000)
    stream = joined(task.split("test"))
    found = task.scores(stream, np.ones_like(stream.targets))["mse"]
    assert found.shape == (200_000,)
    assert found.mean() == pytest.approx(1 / 6, abs=1e-3)
    assert task.memoryless() == 1 / 6
    assert task.level_error() == pytest.approx(found.std() / np.sqrt(200_000), rel=1e-2)
    inputs = stream.features[:, :10]
    assert inputs[..., 0].mean() == pytest.approx(0.5, abs=1e-3)
    assert inputs[..., 0].var() == pytest.approx(1 / 12, abs=1e-3)
    # Every place is marked equally often.
    np.testing.assert_allclose(inputs[..., 1].mean(axis=0), 0.2, atol=0.005)


def test_two_marks_anywhere_are_any_pair_of_places():
    """As often as each other: 1 in 6 for four steps; one in each half: 1 in 4 for four of the pairs."""
    for form, pairs in (("bai", 6), ("urnn", 4)):
        inputs, _ = whole(Adding(form=form, lag=4, examples=60_000))
        kinds, counts = np.unique(inputs[..., 1], axis=0, return_counts=True)
        assert len(kinds) == pairs
        np.testing.assert_allclose(counts / 60_000, 1 / pairs, atol=0.01)


def test_the_last_step_can_carry_the_second_mark():
    for form in ("urnn", "bai"):
        inputs, _ = whole(Adding(form=form, lag=6))
        assert inputs[:, -1, 1].any()


@pytest.mark.parametrize("filler", ["zeros", "blank", "decoy"])
def test_a_lag_follows_both_marks(filler):
    task = Adding(lag=7, evidence=9, filler=filler, examples=100)
    inputs, sums = whole(task, "validation")
    assert inputs.shape == (100, 9 + 7 + 1, 4)
    assert (inputs[:, :4, 1].sum(axis=1) == 1).all()
    assert (inputs[:, 4:9, 1].sum(axis=1) == 1).all()
    assert not inputs[:, 9:, 1].any()
    between = inputs[:, 9:-1]
    assert (between[..., 2] == (filler == "blank")).all()
    assert (between[..., 0].min() > 0) if filler == "decoy" else not between[..., 0].any()
    assert not inputs[:, :9, 2].any()
    assert not inputs[:, :-1, 3].any()
    assert (inputs[:, -1] == [0, 0, 0, 1]).all()
    np.testing.assert_allclose(sums, (inputs[..., 0] * inputs[..., 1]).sum(axis=1), rtol=1e-6)


def test_decoys_are_values_as_those_of_the_evidence():
    inputs, _ = whole(Adding(lag=50, evidence=50, filler="decoy", examples=4000))
    quantiles = np.linspace(0, 1, 11)
    for part in (inputs[:, :50, 0], inputs[:, 50:-1, 0]):
        np.testing.assert_allclose(np.quantile(part, quantiles), quantiles, atol=0.005)


def test_solved_up_to_a_hundredth():
    task = Adding(lag=5)
    assert task.solves(0.01, 0.001)
    assert not task.solves(0.0101, 0.001)


def test_levels_and_what_counting_gives():
    assert Adding(lag=5).levels() == {"memoryless": 1 / 6, "reference": 0.0, "answering 1": 1 / 6}
    task = Adding(lag=30, filler="decoy")
    assert task.levels()["position-blind"] == pytest.approx(1 / 6, abs=0.02)
    # Of two values both of which are marked the mean tells the sum.
    assert Adding(lag=0, evidence=2, filler="decoy").levels()["position-blind"] < 1e-3


def test_literature_is_made_of_decoys_and_knows_its_length_alone():
    for form in ("urnn", "bai"):
        task = Adding(form=form, lag=5)
        assert (task.filler, task.training_lags, task.lead) == ("decoy", "fixed", "none")
        assert (task.has_clock, task.distance_name, task.least_lag) == (False, "T", 2)
        assert Adding(**dict(task)) == task
        assert task.at_lag(8).layout.length == 8
        assert Adding(form=form, lag=5, evidence=7).canonical() == task
        for filler in ("blank", "zeros"):
            with pytest.raises(ValueError, match=f"'form: {form}' has decoys between its marks: 'filler: decoy'"):
                Adding(lag=5, form=form, filler=filler)
        with pytest.raises(ValueError, match="needs two steps at least, as 'lag' is its length T"):
            Adding(form=form, lag=1)
    task = Adding(lag=5)
    assert (task.has_clock, task.distance_name, task.least_lag) == (True, "lag", 0)


@pytest.mark.parametrize("protocol", [{"training_lags": "uniform"}, {"lead": "random"}])
def test_literature_has_no_lag_to_draw_and_no_lead(protocol):
    """Its evidence extends over all steps: another length is another problem."""
    for form in ("urnn", "bai"):
        with pytest.raises(ValueError, match="the distance is not one number; use 'fixed', and 'lead: none'"):
            Adding(form=form, lag=20, **protocol)


@pytest.mark.parametrize(
    ("old", "says"),
    [
        ({"form": "lagged"}, "'lagged' is called 'lag'"),
        ({"form": "literature"}, "'literature' is called 'urnn', and its 'lag' is the length T of the sequence"),
        ({"filler": "distractor"}, "'distractor' is called 'decoy' here, .* the task has zeros, blank, decoy"),
    ],
)
def test_old_names_are_refused_with_the_new_ones(old, says):
    with pytest.raises(ValueError, match=says):
        Adding(lag=4, **old)

"""What is read off a gradient profile, against exponentials that are known exactly."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from rnnbench.tasks.stream import Layout, Stream
from rnnbench.training.probes.profile import GradientProfile, decay_per_step, first_scored_steps, reach


def whole(layout, norms):
    """The profile of one state, of examples that all reach to the first step."""
    return GradientProfile(layout, {"joint": norms}, np.ones(norms.shape, bool))


def test_what_is_read_off_an_exact_exponential():
    layout = Layout(evidence=2, lag=8, readout=1)
    norms = 5 * 0.5 ** np.arange(layout.first_readout + 1)
    assert decay_per_step(norms, 1, 8) == pytest.approx(0.5, abs=1e-12)
    assert reach(norms / norms[0]) == 10  # 0.5^10 is the first below 1e-3
    assert np.isnan(reach(np.ones(3)))
    assert reach(np.array([0.0, 0.5, 0.1, 1e-3, 0.0])) == 3
    assert np.isnan(reach(np.zeros(3)))
    assert np.isnan(decay_per_step(np.where(np.arange(len(norms)) == 3, np.inf, norms), 1, 8))
    profile = whole(layout, np.stack([norms, norms, 3 * norms]))
    assert profile.summary() == pytest.approx({"survival": (0.5**9 + 0.5**10) / 2, "decay_per_step": 0.5, "reach": 10})
    columns = profile.columns()
    assert columns["distance"] == list(range(11))
    assert columns["median"] == pytest.approx(norms)
    assert columns["high"] == pytest.approx(norms * 2.6)  # numpy's linear quantile between 1 and 3


def test_what_cannot_be_read_off_is_left_out():
    flat = whole(Layout(evidence=1, lag=1, readout=1), np.ones((2, 3)))
    assert flat.summary() == {"survival": 1.0}  # one blank has no slope, and nothing falls to a thousandth
    dead = whole(Layout(evidence=1, lag=3, readout=1), np.zeros((2, 5)))
    assert "survival" not in dead.summary()


UNEVEN = Layout(evidence=2, lag=3, readout=3)
FIRST = np.array([5, 7, 6])
BY_STEP = np.arange(3 * 8, dtype=float).reshape(3, 8) + 1
"""A norm of its own for every example and step."""


def test_distances_count_back_from_each_examples_first_scored_step():
    profile = GradientProfile.of(UNEVEN, FIRST, {"h": BY_STEP, "c": 2 * BY_STEP})
    assert list(profile.norms) == ["joint", "h", "c"]
    assert profile.headline == "joint"
    np.testing.assert_allclose(profile.norms["joint"][profile.exists], np.sqrt(5) * profile.norms["h"][profile.exists])
    assert profile.exists.sum(axis=1).tolist() == [6, 8, 7]
    for example, first in enumerate(FIRST):
        expected = BY_STEP[example, first::-1]
        np.testing.assert_array_equal(profile.norms["h"][example, : first + 1], expected)
        np.testing.assert_array_equal(profile.norms["c"][example, : first + 1], 2 * expected)


def test_what_is_before_the_first_step_counts_for_nothing():
    """Medians are over the examples that reach so far back, whatever stands where a step would be."""
    profile = GradientProfile.of(UNEVEN, FIRST, {"h": BY_STEP})
    back = [[BY_STEP[n, first - d] for n, first in enumerate(FIRST) if d <= first] for d in range(8)]
    assert [len(one) for one in back] == [3] * 6 + [2, 1]
    expected = [np.median(one) for one in back]
    np.testing.assert_allclose(profile.median(), expected)
    columns = profile.columns()
    np.testing.assert_allclose(columns["median"], 2 * expected)  # of the joint state and of h, which is all of it
    columns = {name: values[:8] for name, values in columns.items()}
    np.testing.assert_allclose(columns["low"], [np.quantile(one, 0.1) for one in back])
    np.testing.assert_allclose(columns["high"], [np.quantile(one, 0.9) for one in back])
    for nothing in (np.nan, np.inf, 0.0):
        norms = np.where(profile.exists, profile.norms["h"], nothing)
        np.testing.assert_allclose(GradientProfile(UNEVEN, {"h": norms}, profile.exists).median(), expected)


def test_ratios_are_taken_example_by_example():
    """Survival is a median of ratios: not the ratio of medians, which other examples decide at either end."""
    layout = Layout(evidence=2, lag=1, readout=1)
    readout, evidence = np.array([1.0, 10.0, 100.0]), np.array([0.5, 40.0, 10.0])
    norms = np.stack([readout, readout, evidence, 3 * evidence], axis=1)
    profile = whole(layout, norms)
    assert profile.summary()["survival"] == pytest.approx(np.median(2 * evidence / readout))
    assert profile.summary()["survival"] != pytest.approx(np.median(2 * evidence) / np.median(readout))
    np.testing.assert_allclose(profile.relative(), [1, 1, 0.5, 1.5])
    # One that is answered with certainty has no gradient to relate to.
    certain = whole(layout, np.concatenate([norms, np.zeros((4, 4))]))
    assert certain.summary()["survival"] == profile.summary()["survival"]


def test_each_state_is_relative_to_the_joint_norm_at_the_readout():
    """dl/dc is 0 there by itself: relative to its own it would be nothing."""
    layout = Layout(evidence=1, lag=1, readout=1)
    h, c = np.array([[0.0, 3.0, 4.0]]), np.array([[12.0, 4.0, 0.0]])  # in the order of the steps
    profile = GradientProfile.of(layout, np.array([2]), {"h": h, "c": c})
    np.testing.assert_allclose(profile.relative(), [1, 5 / 4, 12 / 4])
    np.testing.assert_allclose(profile.relative("c"), [0, 4 / 4, 12 / 4])
    assert profile.summary("c")["survival"] == 3
    assert profile.summary("h")["survival"] == 0
    assert profile.summary()["survival"] == 3
    tiny = GradientProfile.of(layout, np.array([2]), {"h": 1e-200 * h, "c": 1e-200 * c})
    assert tiny.summary()["survival"] == pytest.approx(3)  # squares of these are 0


def test_the_decay_is_that_of_the_filler_from_the_fifth_step_on():
    layout = Layout(evidence=1, lag=12, readout=1)
    norms = np.r_[100.0, 7.0, 50.0, 1.0, 2.0, 0.9 ** np.arange(8), 1e-9][None]
    assert whole(layout, norms).summary()["decay_per_step"] == pytest.approx(0.9, abs=1e-12)
    short = Layout(evidence=1, lag=5, readout=1)
    assert "decay_per_step" not in whole(short, norms[:, :7]).summary()


def test_a_norm_that_is_no_number_is_not_hidden():
    """Of a network that has diverged."""
    by_step = BY_STEP.copy()
    by_step[2, 4] = np.nan  # distance 2 of this example
    profile = GradientProfile.of(UNEVEN, FIRST, {"h": by_step, "c": BY_STEP})
    for state in ("joint", "h"):
        assert np.flatnonzero(np.isnan(profile.median(state))).tolist() == [2]
        assert np.flatnonzero(np.isnan(profile.relative(state))).tolist() == [2]
    assert np.isfinite(profile.median("c")).all()
    table = profile.columns()
    for name in ("low", "median", "high"):
        missing = [(state, at) for state, at, value in zip(table["state"], table["distance"], table[name], strict=True)
                   if np.isnan(value)]  # fmt: skip
        assert missing == [("joint", 2), ("h", 2)]
    everywhere = GradientProfile.of(UNEVEN, FIRST, {"h": np.full((3, 8), np.nan)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(everywhere.median()).all()
        assert everywhere.summary() == {}


def test_the_first_scored_step():
    """Of the end; of the steps that the stream names, those with a weight that are scored."""
    targets, features = np.zeros((3, 3), np.int32), np.zeros((3, 8, 1), np.float32)
    ends = Stream(targets, features)
    assert first_scored_steps(ends, UNEVEN).tolist() == [5, 5, 5]
    # After a lead, and where every step is read, the layout's readout stands at the end.
    led = Stream(np.zeros((3, 12), np.int32), np.zeros((3, 12, 1), np.float32))
    assert first_scored_steps(led, UNEVEN).tolist() == [9, 9, 9]
    given = ends._replace(readout=np.int32([[5, 6, 7], [7, 6, 5], [6, 0, 0]]))
    assert first_scored_steps(given, UNEVEN).tolist() == [5, 5, 0]
    weighed = given._replace(weights=np.float32([[0, 1, 1], [1, 0.5, 0], [1, 0, 0]]))
    assert first_scored_steps(weighed, UNEVEN).tolist() == [6, 6, 6]
    scored = weighed._replace(scored=np.array([[True, False, True], [True, False, True], [True, True, True]]))
    assert first_scored_steps(scored, UNEVEN).tolist() == [7, 7, 6]


def test_the_definitions_need_neither_tensorflow_nor_keras():
    modules = "rnnbench.training.probes.profile, rnnbench.training.probes.spectra, rnnbench.training.progress"
    code = f"import sys, {modules}; assert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

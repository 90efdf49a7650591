"""What is read off a gradient profile, against exponentials that are known exactly."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from rnnbench.tasks.stream import Layout, Stream
from rnnbench.training.probes.profile import GradientProfile, decay_per_step, first_scored_steps, reach, survival


def whole(layout, norms):
    """The profile of one state, of examples that all reach to the first step."""
    return GradientProfile(layout, {"h": norms}, np.ones(norms.shape, bool))


def test_what_is_read_off_an_exact_exponential():
    layout = Layout(evidence=2, lag=8, readout=1)
    norms = 5 * 0.5 ** np.arange(layout.first_readout + 1)
    assert survival(norms, layout) == pytest.approx((0.5**9 + 0.5**10) / 2)
    assert decay_per_step(norms, 1, 8) == pytest.approx(0.5, abs=1e-12)
    assert reach(norms) == 10  # 0.5^10 is the first below 1e-3
    assert np.isnan(reach(0 * norms))
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
    assert profile.headline == "h"
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
    np.testing.assert_allclose(columns["median"], expected)
    np.testing.assert_allclose(columns["low"], [np.quantile(one, 0.1) for one in back])
    np.testing.assert_allclose(columns["high"], [np.quantile(one, 0.9) for one in back])
    for nothing in (np.nan, np.inf, 0.0):
        norms = np.where(profile.exists, profile.norms["h"], nothing)
        np.testing.assert_allclose(GradientProfile(UNEVEN, {"h": norms}, profile.exists).median(), expected)


def test_a_norm_that_is_no_number_is_not_hidden():
    """Of a network that has diverged."""
    by_step = BY_STEP.copy()
    by_step[2, 4] = np.nan  # distance 2 of this example
    profile = GradientProfile.of(UNEVEN, FIRST, {"h": by_step, "c": BY_STEP})
    assert np.flatnonzero(np.isnan(profile.median())).tolist() == [2]
    columns = profile.columns()
    for name in ("low", "median", "high"):
        assert np.flatnonzero(np.isnan(columns[name])).tolist() == [2]
    assert "decay_per_step" not in profile.summary()
    assert "decay_per_step" in profile.summary("c")
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

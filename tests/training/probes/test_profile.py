"""What is read off a gradient profile, against exponentials that are known exactly."""

import subprocess
import sys

import numpy as np
import pytest

from rnnbench.tasks.stream import Layout, Stream
from rnnbench.training.probes.profile import GradientProfile, decay_per_step, reach, survival


def test_what_is_read_off_an_exact_exponential():
    layout = Layout(evidence=2, lag=8, readout=1)
    norms = 5 * 0.5 ** np.arange(layout.first_readout + 1)
    assert survival(norms, layout) == pytest.approx((0.5**9 + 0.5**10) / 2)
    assert decay_per_step(norms, 1, 8) == pytest.approx(0.5, abs=1e-12)
    assert reach(norms) == 10  # 0.5^10 is the first below 1e-3
    assert np.isnan(reach(0 * norms))
    assert np.isnan(decay_per_step(np.where(np.arange(len(norms)) == 3, np.inf, norms), 1, 8))
    profile = GradientProfile(layout, {"h": np.stack([norms, norms, 3 * norms])})
    assert profile.summary() == pytest.approx({"survival": (0.5**9 + 0.5**10) / 2, "decay_per_step": 0.5, "reach": 10})
    columns = profile.columns()
    assert columns["distance"] == list(range(11))
    assert columns["median"] == pytest.approx(norms)
    assert columns["high"] == pytest.approx(norms * 2.6)  # numpy's linear quantile between 1 and 3


def test_what_cannot_be_read_off_is_left_out():
    flat = GradientProfile(Layout(evidence=1, lag=1, readout=1), {"h": np.ones((2, 3))})
    assert flat.summary() == {"survival": 1.0}  # one blank has no slope, and nothing falls to a thousandth
    dead = GradientProfile(Layout(evidence=1, lag=3, readout=1), {"h": np.zeros((2, 5))})
    assert "survival" not in dead.summary()


def test_the_definitions_need_neither_tensorflow_nor_keras():
    modules = "rnnbench.training.probes.profile, rnnbench.training.probes.spectra, rnnbench.training.progress"
    code = f"import sys, {modules}; assert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

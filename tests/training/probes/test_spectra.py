"""Spectra of matrices whose eigenvalues and singular values are known."""

import numpy as np
import pytest

from rnnbench.training.probes.spectra import largest, spectra


def test_spectra_by_hand():
    shear = np.array([[0.0, 4.0], [1.0, 0.0]])  # eigenvalues +-2, singular values 4 and 1
    turn = 0.5 * np.array([[0.0, -1.0], [1.0, 0.0]])
    assert spectra(shear) == pytest.approx({"sigma_max/all": 4.0, "spectral_radius/all": 2.0}, abs=1e-12)
    both = spectra(np.concatenate([shear, turn], axis=1), ["a", "b"])
    assert both == pytest.approx(
        {"sigma_max/a": 4.0, "spectral_radius/a": 2.0, "sigma_max/b": 0.5, "spectral_radius/b": 0.5}, abs=1e-12
    )
    assert spectra(np.full((2, 2), np.nan)) == {}
    assert spectra(np.ones((2, 6))) == {}


def test_of_stacked_layers_the_largest_counts():
    assert largest([{"sigma_max/all": 1.0}, {}, {"sigma_max/all": 2.0, "spectral_radius/all": 0.5}]) == {
        "sigma_max/all": 2.0,
        "spectral_radius/all": 0.5,
    }

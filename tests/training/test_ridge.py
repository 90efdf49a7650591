"""Ridge regression against its closed form, and at the ends of its penalties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.training.ridge import PENALTIES, Ridge


def problem(seed, examples=40, width=5, outputs=2):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(examples, width)) * 10.0 ** rng.integers(-3, 3, width) + rng.normal(size=width)
    return features, rng.normal(size=(examples, outputs))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(PENALTIES[2:]))
def test_it_is_the_closed_form_on_standardised_features(seed, penalty):
    features, targets = problem(seed)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    added = penalty * np.linalg.eigvalsh(standard.T @ standard)[-1]
    gram = standard.T @ standard + added * np.eye(features.shape[1])
    expected = standard @ np.linalg.solve(gram, standard.T @ (targets - targets.mean(axis=0))) + targets.mean(axis=0)
    np.testing.assert_allclose(Ridge(features, targets).line(penalty)(features), expected, atol=1e-6)


def test_the_smallest_penalty_reads_what_has_nearly_faded():
    """A bit that is left at a millionth of a state's size, in float32."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, size=(200, 1))
    common = rng.normal(size=(200, 3))
    features = np.concatenate([common, common.sum(axis=1, keepdims=True) + 1e-5 * bits], axis=1).astype(np.float32)
    answers = Ridge(features, bits).line(PENALTIES[0])(features)
    assert np.corrcoef(answers[:, 0], bits[:, 0])[0, 1] > 0.95
    assert np.corrcoef(Ridge(features, bits).line(PENALTIES[-1])(features)[:, 0], bits[:, 0])[0, 1] < 0.5


def test_a_feature_that_does_not_vary_or_is_no_number_does_no_harm():
    features, targets = problem(1)
    dull = np.concatenate([features, np.full((40, 1), 3.0)], axis=1)
    line = Ridge(dull, targets).line(1e-9)
    assert not line.weights[-1].any()
    np.testing.assert_allclose(line(dull), Ridge(features, targets).line(1e-9)(features))
    broken = np.where(np.arange(40)[:, None] == 7, np.nan, features)
    assert np.isfinite(Ridge(broken, targets).line(1e-3).weights).all()
    faint = np.concatenate([features, 1e-6 * features[:, :1] ** 2], axis=1)
    assert not Ridge(faint, targets, least=1e-3 * features.std(axis=0).min()).line(1e-9).weights[-1].any()
    nothing = Ridge(np.zeros((40, 3)), targets).line(1e-3)
    assert nothing(np.zeros((1, 3)))[0] == pytest.approx(targets.mean(axis=0))

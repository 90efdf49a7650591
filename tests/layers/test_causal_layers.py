"""What the layers without a state have in common: see `causal`."""

import pytest

from tests.layers import causal, test_tcn, test_transformer


@pytest.fixture(params=[test_tcn, test_transformer], ids=["tcn", "transformer"])
def layer_of(request):
    return request.param.layer_of


def test_is_causal(layer_of):
    causal.assert_causal(layer_of())


def test_any_length(layer_of):
    causal.assert_any_length(layer_of())


def test_gradients(layer_of):
    causal.assert_gradients(layer_of())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_by_xla(layer_of, dtype):
    tolerance = 1e-12 if dtype == "float64" else {test_tcn.layer_of: 1e-5, test_transformer.layer_of: 1e-4}[layer_of]
    causal.assert_compiles(layer_of(dtype), tolerance)


def test_saved_and_loaded(layer_of, tmp_path):
    causal.assert_loads(layer_of(dropout=0.2), tmp_path)


def test_dropout(layer_of):
    causal.assert_drops_in_training_only(layer_of(dropout=0.5))

"""What is given to a layer, and what is done to one, beside training: states, dropout, types, pickles, copies."""

import copy
import functools
import inspect
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbench import layers
from tests.layers.pairs import CELLS, UNITS, assert_same, pair, results, sequences, states_of


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("kind", "fast"),
    [("one row", True), ("variable", True), ("wider", True), ("more states than examples", False)],
)
def test_initial_states(cell, kind, fast, fast_calls):
    stock, ours = pair(cell, return_state=True)
    states, inputs = states_of(cell), sequences()
    if kind == "one row":
        states = [state[:1] for state in states]
    elif kind == "variable":
        states = [keras.Variable(state) for state in states]
    elif kind == "wider":
        states = [state.astype("float64") for state in states]
    else:
        inputs = inputs[:1]
    for a, b in zip(ours(inputs, initial_state=states), stock(inputs, initial_state=states), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert bool(fast_calls) == fast
    if kind == "one row":  # a state that is learnt for all examples
        assert_same(results(ours, inputs, states), results(stock, inputs, states))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dropout", [0, 0.0, 1, 1.0])
def test_dropout_of_none_and_of_all(cell, dropout):
    stock, ours = pair(cell, dropout=dropout, seed=1)
    assert_same(results(ours, sequences(), training=True), results(stock, sequences(), training=True))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", ["int32", "bool", "float64"])
def test_types_of_inputs(cell, dtype):
    for options in ({}, {"autocast": False}):
        stock, ours = pair(cell, **options)
        inputs = sequences().astype(dtype)
        np.testing.assert_allclose(ours(inputs), stock(inputs), atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_regularisers_constraints_and_configuration(cell):
    options = dict.fromkeys(("kernel", "recurrent", "bias"))
    options = {f"{part}_regularizer": "l2" for part in options} | {f"{part}_constraint": "max_norm" for part in options}
    stock, ours = pair(cell, activity_regularizer="l1", **options)
    for layer in (stock, ours):
        layer(sequences())
    np.testing.assert_allclose([float(loss) for loss in ours.losses], [float(loss) for loss in stock.losses], 1e-5)
    again = type(ours).from_config(ours.get_config())
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    assert {**ours.get_config(), "name": ""} == {**stock.get_config(), "name": ""}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_put_in_the_place_of_the_stock_one_is_used(cell):
    class Silent(getattr(keras.layers, f"{cell}Cell")):
        def call(self, inputs, states, training=False):
            return 0 * states[0], states

    ours = getattr(layers, cell)(UNITS)
    ours.cell = Silent(UNITS)
    assert not np.any(ours(sequences()))


@pytest.mark.parametrize("cell", CELLS)
def test_pickles_and_copies(cell):
    _, ours = pair(cell, return_sequences=True)
    drop_in = getattr(layers, cell)
    expected = ours(sequences())
    assert pickle.loads(pickle.dumps(drop_in)) is drop_in
    assert pickle.loads(pickle.dumps(functools.partial(drop_in, 64))).func is drop_in
    for again in (pickle.loads(pickle.dumps(ours)), copy.copy(ours), copy.deepcopy(ours)):
        assert type(again) is drop_in
        np.testing.assert_array_equal(again(sequences()), expected)
    assert f"class {cell}(" in inspect.getsource(drop_in)
    assert ours.__class__ is drop_in


@pytest.mark.parametrize("cell", CELLS)
def test_weights_given_for_one_call(cell):
    stock, ours = pair(cell)
    weights = [tf.constant(weight * 0.5) for weight in stock.get_weights()]
    found, expected = (
        layer.stateless_call(weights, layer.non_trainable_variables, sequences())[0] for layer in (ours, stock)
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)

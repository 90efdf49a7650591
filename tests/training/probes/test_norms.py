"""Norms of the training gradient, weight by weight, against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.training.network import build, network_inputs
from rnnbench.training.probes.norms import GradientNorms
from tests.training.probes.minimal import Minimal
from tests.training.probes.test_gradient_probe import TASK


def gradients_of(network, seed=0):
    stream = TASK.train_batch(seed, 0, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(TASK.loss(stream, network(network_inputs(stream))))
    return tape.gradient(loss, network.trainable_variables)


@pytest.mark.parametrize("model", [SimpleRNN(units=4), LSTM(units=4), GRU(units=4, layers=2), Minimal(units=4)])
def test_norms_by_weight_and_gate(model):
    network = build(TASK, model, seed=0)
    norms, gradients = GradientNorms(network, model), gradients_of(network)
    whole, *by_weight = norms(gradients).numpy()
    found = dict(zip(norms.names, by_weight, strict=True))
    assert whole == pytest.approx(np.sqrt(sum((g.numpy() ** 2).sum() for g in gradients)), rel=1e-5)
    paths = [variable.path.split("/")[-1] for variable in network.trainable_variables[:-2]]  # without the head
    gates = model.gate_names
    assert set(found) == {f"{weight}/{part}" for weight in set(paths) for part in ("all", *gates)}
    for weight in set(paths):
        own = [g.numpy() for g, path in zip(gradients, paths, strict=False) if path == weight]
        assert found[f"{weight}/all"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in own)), rel=1e-5)
        for at, gate in enumerate(gates):
            columns = [np.split(g, len(gates), axis=-1)[at] for g in own]
            assert found[f"{weight}/{gate}"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in columns)), rel=1e-5)


def test_a_cell_without_such_weights_has_no_such_norms():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    norms = GradientNorms(network, SimpleRNN())
    assert norms.names == []
    assert norms([tf.fill((2, 1), 3.0), tf.fill((1,), 4.0)]).numpy() == pytest.approx([34**0.5])

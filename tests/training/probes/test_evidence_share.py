"""The share of the evidence in the weights' gradient: its parts add up, and the rest is what a cut leaves."""

import numpy as np
import pytest
import tensorflow as tf

from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.models.tcn import TCN
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build, cells, network_inputs
from rnnbench.training.probes.evidence_share import EvidenceShare

MODELS = [SimpleRNN(units=4, layers=2), LSTM(units=4), GRU(units=4, layers=2)]


def gradient(network, task, stream):
    """Of the mean loss over the scored steps, with respect to the weights of the cells."""
    stream = stream.scored_only
    weights = [weight.value for cell in cells(network) for weight in cell.trainable_weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(task.loss(stream, network(network_inputs(stream))))
    return [part.numpy() for part in tape.gradient(loss, weights)]


@pytest.mark.parametrize("objective", ["recall", "all"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_its_parts_are_the_whole_gradient(model, objective):
    task = CopyMemory(lag=2, symbols=3, objective=objective)
    network, stream = build(task, model, 3), task.train_batch(0, 0, 6)
    probe = EvidenceShare(task, network)
    evidence, rest = probe.parts(stream, task.layout)
    for part, other, whole in zip(evidence, rest, gradient(network, task, stream), strict=True):
        np.testing.assert_allclose(part + other, whole, atol=1e-7)
    norms = [np.sqrt(sum(np.sum(part**2) for part in parts)) for parts in (evidence, rest)]
    share = probe.measure(stream, task.layout)["evidence"]
    assert share == pytest.approx(norms[0] / sum(norms))
    assert 0 < share < 1


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_rest_is_what_a_cut_after_the_evidence_leaves(model):
    """Six steps, of which three are evidence: truncation cuts once, after the third."""
    task = CopyMemory(lag=1, symbols=2)
    stream = CopyMemory(lag=1, symbols=3).train_batch(0, 0, 6)
    stream = stream._replace(features=stream.features[:, :6], targets=stream.targets[:, :2])
    _, rest = EvidenceShare(task, build(task, model, 3)).parts(stream, task.layout)
    expected = gradient(build(task, model, 3, truncate=3), task, stream)
    for found, wanted in zip(rest, expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_a_model_without_cells_has_none():
    task = CopyMemory(lag=2, symbols=1)
    assert EvidenceShare(task, build(task, TCN(units=4), 0)).measure(task.train_batch(0, 0, 2), task.layout) == {}

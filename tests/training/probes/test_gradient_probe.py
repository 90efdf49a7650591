"""The gradient probe against finite differences of independent numpy cells, in float64, and against known bounds."""

import numpy as np
import pytest

from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build
from rnnbench.training.probes.gradient_probe import GradientProbe

TASK = CopyMemory(lag=6, symbols=2)
STEP = 1e-6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn_step(x, states, kernel, recurrent, bias):
    return (np.tanh(x @ kernel + states[0] @ recurrent + bias),)


def lstm_step(x, states, kernel, recurrent, bias):
    i, f, g, o = np.split(x @ kernel + states[0] @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, states, kernel, recurrent, bias):
    xz, xr, xh = np.split(x @ kernel + bias[0], 3, axis=-1)
    hz, hr, hh = np.split(states[0] @ recurrent + bias[1], 3, axis=-1)
    z = sigmoid(xz + hz)
    return (z * states[0] + (1 - z) * np.tanh(xh + sigmoid(xr + hr) * hh),)


CELLS = {
    "simple_rnn": (SimpleRNN(units=4), simple_rnn_step, 1),
    "lstm": (LSTM(units=4), lstm_step, 2),
    "gru": (GRU(units=4), gru_step, 1),
}


def readout_losses(weights, step, n_states, inputs, targets, shift_at, state, shift):
    """Loss of each example of a numpy network whose `state` is moved by `shift` after step `shift_at`."""
    *cell, head, head_bias = (np.asarray(weight, dtype=np.float64) for weight in weights)
    states = [np.zeros((len(inputs), cell[1].shape[0]))] * n_states
    losses = np.zeros(len(inputs))
    for t in range(inputs.shape[1]):
        states = list(step(inputs[:, t], states, *cell))
        if t == shift_at:
            states[state] = states[state] + shift
        if t >= inputs.shape[1] - TASK.symbols:
            logits = states[0] @ head + head_bias
            log_softmax = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
            read = t - (inputs.shape[1] - TASK.symbols)
            losses -= log_softmax[np.arange(len(inputs)), targets[:, read]] / TASK.symbols
    return losses


@pytest.mark.parametrize("name", CELLS)
def test_probe_is_the_total_derivative(name):
    model, step, n_states = CELLS[name]
    network, probe = build(TASK, model, seed=3), GradientProbe(TASK, model)
    stream = TASK.train_batch(0, 0, 3)
    inputs, targets = stream.features, stream.targets
    probe.load(network.get_weights())
    by_state = probe.by_state(probe.gradient(stream))
    assert list(by_state) == ["h", "c"][:n_states]
    squares = np.zeros(inputs.shape[:2])
    for state, gradient in enumerate(by_state.values()):
        expected = np.zeros_like(gradient)
        for t in range(inputs.shape[1]):
            for unit in range(model.units):
                shift = np.zeros(model.units)
                shift[unit] = STEP
                ahead, behind = (
                    readout_losses(
                        network.get_weights(),
                        step,
                        n_states,
                        inputs.astype(np.float64),
                        targets,
                        t,
                        state,
                        sign * shift,
                    )
                    for sign in (1, -1)
                )
                expected[:, t, unit] = (ahead - behind) / (2 * STEP)
        off, norm = (np.linalg.norm(part, axis=-1) for part in (gradient - expected, expected))
        # At the last step the answer is read from h alone.
        assert (norm[:, :-1] > 0).all()
        assert (off <= 1e-3 * norm + 1e-9).all()
        squares += norm**2
    profile = probe.profile(TASK.layout, stream)
    first = TASK.layout.first_readout
    np.testing.assert_allclose(profile.norms["joint"], np.sqrt(squares)[:, first::-1], rtol=1e-3)


def test_at_the_last_step_c_alone_leads_nowhere():
    """What flows from c through h of the same step is the derivative by h; later steps read both."""
    model = CELLS["lstm"][0]
    task = TASK.model_copy(update={"symbols": 1})
    stream = task.train_batch(0, 0, 3)
    for layers in ("stock", "fast"):
        probe = GradientProbe(task, model, layers)
        probe.load(build(task, model, seed=3).get_weights())
        by_state = probe.by_state(probe.gradient(stream))
        assert not by_state["c"][:, -1].any()
        assert by_state["c"][:, :-1].any(axis=-1).all()
        assert by_state["h"][:, -1].any()
        summary = probe.profile(task.layout, stream)
        assert summary.relative("c")[0] == 0
        assert summary.summary("c")["survival"] == pytest.approx(summary.summary()["survival"], rel=0.2)


@pytest.mark.parametrize("name", CELLS)
def test_the_fast_layers_hand_out_the_same_gradient(name):
    model = CELLS[name][0].model_copy(update={"layers": 2})
    weights = build(TASK, model, seed=3).get_weights()
    stock, fast = (GradientProbe(TASK, model, layers) for layers in ("stock", "fast"))
    for length in (6, 40):
        batch = TASK.model_copy(update={"lag": length}).train_batch(0, 0, 3)
        for probe in (stock, fast):
            probe.load(weights)
        expected, found = stock.by_state(stock.gradient(batch)), fast.by_state(fast.gradient(batch))
        assert list(found) == list(expected)
        for state in expected:
            error = np.linalg.norm(found[state] - expected[state], axis=-1)
            assert (error <= 1e-12 * np.linalg.norm(expected[state], axis=-1)).all()


def test_stacked_layers_are_probed_together():
    model = GRU(units=3, layers=2)
    probe = GradientProbe(TASK, model)
    probe.load(build(TASK, model, seed=0).get_weights())
    assert probe.gradient(TASK.train_batch(0, 0, 2)).shape == (2, TASK.layout.length, 6)

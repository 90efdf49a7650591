"""The recurrent models as their papers write them, in NumPy, step by step. `w`: a cell's weights by name."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normalized(v):
    return (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + 1e-5)


def layer_norm_lstm(model, w, xs):
    """Ba, Kiros & Hinton 2016, equations 20 to 22."""
    h = c = np.zeros((len(xs), model.units))
    for x in xs.swapaxes(0, 1):
        gates = w["recurrent_gain"] * normalized(h @ w["recurrent_kernel"])
        gates = gates + w["input_gain"] * normalized(x @ w["kernel"]) + w["bias"]
        i, f, g, o = np.split(gates, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(w["cell_gain"] * normalized(c) + w["cell_shift"])
        yield h


def janet(model, w, xs):
    """Van der Westhuizen & Lasenby 2018, section 3."""
    h = np.zeros((len(xs), model.units))
    for x in xs.swapaxes(0, 1):
        s, candidate = np.split(x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 2, -1)
        h = sigmoid(s) * h + (1 - sigmoid(s - model.beta)) * np.tanh(candidate)
        yield h


def indrnn(model, w, xs):
    """Li et al. 2018, equation 2."""
    h = np.zeros((len(xs), model.units))
    for x in xs.swapaxes(0, 1):
        h = np.maximum(x @ w["kernel"] + w["recurrent_weight"] * h + w["bias"], 0)
        yield h


def cornn(model, w, xs):
    """Rusch & Mishra 2021, equation 3, with explicit damping."""
    y = z = np.zeros((len(xs), model.units))
    of_y, of_z = np.split(w["recurrent_kernel"], 2, -1)
    for x in xs.swapaxes(0, 1):
        force = np.tanh(y @ of_y + z @ of_z + x @ w["kernel"] + w["bias"])
        z = z + model.dt * force - model.dt * model.gamma * y - model.dt * model.epsilon * z
        y = y + model.dt * z
        yield y


def min_gru(model, w, xs):
    """Feng et al. 2024, section 3.1."""
    h = np.zeros((len(xs), model.units))
    (of_z, of_h), (b_z, b_h) = np.split(w["kernel"], 2, -1), np.split(w["bias"], 2)
    for x in xs.swapaxes(0, 1):
        z = sigmoid(x @ of_z + b_z)
        h = (1 - z) * h + z * (x @ of_h + b_h)
        yield h


def lru(model, w, xs):
    """Orvieto et al. 2023, equations 6 and 7, and a gated linear unit."""
    h = np.zeros((len(xs), model.units), complex)
    eigenvalues = np.exp(-np.exp(w["nu_log"]) + 1j * np.exp(w["theta_log"]))
    b = w["kernel"][:, : model.units] + 1j * w["kernel"][:, model.units :]
    c = w["output_kernel"][: model.units] + 1j * w["output_kernel"][model.units :]
    for x in xs.swapaxes(0, 1):
        h = eigenvalues * h + np.exp(w["gamma_log"]) * (x @ b)
        y = (h @ c).real + x @ w["skip_kernel"]
        y = 0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))
        linear, gate = np.split(y @ w["gate_kernel"] + w["gate_bias"], 2, -1)
        yield linear * sigmoid(gate)

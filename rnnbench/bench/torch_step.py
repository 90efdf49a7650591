"""PyTorch: its recurrent modules as they are, time first, which is their native order."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from rnnbench.bench.problem import EPSILON, GATES, GLOBAL_CLIPNORM, LEARNING_RATE, Problem

MODULES = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


class TorchStep:
    """The training step of `torch.nn.RNN`, `LSTM` or `GRU`."""

    steps_per_call = 1

    def __init__(self, problem: Problem) -> None:
        # As TensorFlow and JAX do: subnormal numbers are slow, and vanishing gradients pass through them.
        torch.set_flush_denormal(True)
        inputs, targets = problem.data()
        self._inputs = torch.from_numpy(np.ascontiguousarray(inputs.swapaxes(0, 1)))
        self._targets = torch.from_numpy(np.ascontiguousarray(targets.T).reshape(-1)).long()
        self._recalled = problem.recalled
        self._recurrent = MODULES[problem.cell](problem.task.ports.width, problem.units)
        self._head = torch.nn.Linear(problem.units, problem.task.outputs)
        _load(problem, self._recurrent, self._head)
        parameters = [*self._recurrent.parameters(), *self._head.parameters()]
        self._trained = [parameter for parameter in parameters if parameter.requires_grad]
        self._optimizer = torch.optim.Adam(self._trained, LEARNING_RATE, eps=EPSILON, fused=True)

    def run(self, steps: int) -> float:
        """Do `steps`; the mean of their losses."""
        total = 0.0
        for _ in range(steps):
            self._optimizer.zero_grad(set_to_none=True)
            states, _ = self._recurrent(self._inputs)
            outputs = self._head(states[-self._recalled :])
            loss = torch.nn.functional.cross_entropy(outputs.flatten(0, 1), self._targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._trained, GLOBAL_CLIPNORM)
            self._optimizer.step()
            total += loss.item()
        return total / steps

    def close(self) -> None:
        del self._recurrent, self._head, self._optimizer, self._trained


def _load(problem: Problem, recurrent: Any, head: Any) -> None:
    """Keras' weights in PyTorch's layout: kernels transposed; the GRU's gates are r, z, h instead of z, r, h."""
    weights = problem.weights()
    bias = weights["bias"]
    # Only the GRU has a second bias in Keras; elsewhere PyTorch's is left at 0 and not trained.
    first, second = bias if problem.cell == "gru" else (bias, np.zeros_like(bias))
    values = [weights["kernel"].T, weights["recurrent_kernel"].T, first, second]
    if problem.cell == "gru":
        values = [_swapped(value) for value in values]
    with torch.no_grad():
        for parameter, value in zip(recurrent.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights["head_kernel"].T)))
        head.bias.copy_(torch.from_numpy(weights["head_bias"]))
    recurrent.bias_hh_l0.requires_grad_(problem.cell == "gru")


def _swapped(value: np.ndarray) -> np.ndarray:
    update, reset, candidate = np.split(value, GATES["gru"])
    return np.concatenate([reset, update, candidate])

"""Keras on JAX: the compiled step of Keras' guide to custom JAX training."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import keras

from rnnbench.bench import keras_network
from rnnbench.bench.problem import Problem


class JaxStep:
    """The training step of the stock layers."""

    def __init__(self, problem: Problem) -> None:
        self.steps_per_call = problem.steps_per_call
        network = keras_network.build(problem, keras.layers)
        optimizer, loss = keras_network.optimizer(), keras_network.loss()
        optimizer.build(network.trainable_variables)

        def objective(trainable: Any, fixed: Any, inputs: Any, targets: Any) -> tuple[Any, Any]:
            outputs, fixed = network.stateless_call(trainable, fixed, inputs, training=True)
            return loss(targets, outputs), fixed

        def step(state: Any, inputs: Any, targets: Any) -> tuple[Any, Any]:
            trainable, fixed, slots = state
            derivative = jax.value_and_grad(objective, has_aux=True)
            (value, fixed), gradients = derivative(trainable, fixed, inputs, targets)
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            return (trainable, fixed, slots), value

        def steps(state: Any, inputs: Any, targets: Any) -> tuple[Any, Any]:
            if self.steps_per_call == 1:
                return step(state, inputs, targets)
            once = partial(step, inputs=inputs, targets=targets)
            state, values = jax.lax.scan(lambda state, _: once(state), state, length=self.steps_per_call)
            return state, values.mean()

        variables = (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
        self._state = tuple([variable.value for variable in group] for group in variables)
        self._step = jax.jit(steps, donate_argnums=0)
        self._data = tuple(jax.device_put(array) for array in problem.data())

    def run(self, steps: int) -> float:
        """Do `steps`, a multiple of `steps_per_call`; the mean of their losses."""
        losses = []
        for _ in range(steps // self.steps_per_call):
            self._state, value = self._step(self._state, *self._data)
            losses.append(value)
        jax.block_until_ready(self._state)
        return float(sum(map(float, losses)) / len(losses))

    def close(self) -> None:
        del self._state, self._step, self._data
        jax.clear_caches()
        keras.utils.clear_session()

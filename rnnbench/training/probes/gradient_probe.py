"""Takes gradient profiles: derivatives of the readout loss with respect to every state at every step.

In float64: a norm that shrinks by a factor of 0.64 a step leaves the range of float32 after some 200 steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.experiment.settings import Implementation
from rnnbench.models.base import Model
from rnnbench.tasks.base import Batch, Layout, Task
from rnnbench.training.probes.probed_network import probed_network
from rnnbench.training.probes.profile import GradientProfile
from rnnbench.training.traced import for_every_length


class GradientProbe:
    """Takes the gradient profiles of any network of a (task, model) pair, at the weights that it was last given.

    `implementation="stock"` (default) adds the probes to the states of stock cells; `"fast"` reads the gradient out of
    the backward pass of `rnnbench.layers` where that covers the model.
    """

    def __init__(self, task: Task, model: Model, implementation: Implementation = "stock") -> None:
        self._task = task
        self._network, states = probed_network(task, model, implementation)
        self.width = len(states)
        """Probes at each step: the units of all states of all layers."""
        self._places = {str(state): np.flatnonzero(states == state) for state in dict.fromkeys(states)}
        self._gradient = for_every_length(self._gradient_wrt_states)
        self._norms = for_every_length(self._norms_of_states)

    def load(self, weights: list[np.ndarray]) -> None:
        """Take the weights of a network that `training.network.build` made (`network.get_weights()`)."""
        self._network.set_weights(weights)

    def profile(self, layout: Layout, batch: Batch) -> GradientProfile:
        """The profile on `batch`, whose sequences have `layout`."""
        steps = slice(layout.first_readout, None, -1)
        inputs, targets = batch
        norms = self._norms(self._inputs(inputs), targets)
        return GradientProfile(layout, {state: norm.numpy()[:, steps] for state, norm in norms.items()})

    def gradient(self, batch: Batch) -> np.ndarray:
        """dl_i/ds_t of every example, step and state, (batch, time, width) float64."""
        inputs, targets = batch
        return self._gradient(self._inputs(inputs), targets).numpy()

    def by_state(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """(batch, time, width) split into `h`, and `c` where the cell has one."""
        return {state: values[..., places] for state, places in self._places.items()}

    def outputs(self, inputs: np.ndarray, probes: np.ndarray) -> np.ndarray:
        """The network's answers, in float64, with `probes` added to its states (they must be 0 where it is fast)."""
        return self._network([tf.constant(self._inputs(inputs)), tf.constant(probes)]).numpy()

    def _inputs(self, inputs: np.ndarray) -> np.ndarray:
        return inputs if inputs.dtype == np.int32 else inputs.astype(np.float64)

    def _norms_of_states(self, inputs: Any, targets: Any) -> dict[str, Any]:
        gradient = self._gradient_wrt_states(inputs, targets)
        return {state: tf.norm(tf.gather(gradient, at, axis=-1), axis=-1) for state, at in self._places.items()}

    def _gradient_wrt_states(self, inputs: Any, targets: Any) -> Any:
        probes = tf.zeros((*tf.unstack(tf.shape(inputs)[:2]), self.width), tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(probes)
            # Examples do not touch each other, so the gradient of the sum holds every example's own.
            loss = ops.sum(self._task.readout_loss(targets, self._network([inputs, probes])))
        return tape.gradient(loss, probes)

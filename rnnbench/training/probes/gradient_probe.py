"""Takes gradient profiles: derivatives of the readout loss with respect to every tapped signal at every step.

In float64: a norm that shrinks by a factor of 0.64 a step leaves the range of float32 after some 200 steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.experiment.settings import Implementation
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Layout, Stream
from rnnbench.training.network import network_inputs
from rnnbench.training.probes.profile import GradientProfile, first_scored_steps
from rnnbench.training.probes.tapped_network import tapped_network
from rnnbench.training.traced import for_every_length


class GradientProbe:
    """Takes the gradient profiles of any network of a (task, model) pair, at the weights that it was last given.

    The loss is the task's over the read steps that are scored. `implementation="stock"` (default) adds the taps to the
    states of stock cells; `"fast"` reads the gradient out of the backward pass of `rnnbench.layers` where that covers
    the model. `truncate`: steps after which the gradient is cut, as in training.
    """

    def __init__(
        self, task: Task, model: Model, implementation: Implementation = "stock", truncate: int | None = None
    ) -> None:
        self._task = task
        self._network, names = tapped_network(task, model, implementation, truncate)
        self.width = len(names)
        """Taps at each step: the units of all tapped signals of all layers."""
        self._places = {str(state): np.flatnonzero(names == state) for state in dict.fromkeys(names)}
        self._gradient = for_every_length(self._gradient_wrt_taps)
        self._norms = for_every_length(self._norms_of_states)

    def load(self, weights: list[np.ndarray]) -> None:
        """Take the weights of a network that `training.network.build` made (`network.get_weights()`)."""
        self._network.set_weights(weights)

    def profile(self, layout: Layout, stream: Stream) -> GradientProfile:
        """The profile on a batch, whose sequences have `layout`."""
        norms = self._norms(_in_float64(stream).parts)
        first = first_scored_steps(stream, layout)
        return GradientProfile.of(layout, first, {state: norm.numpy() for state, norm in norms.items()})

    def gradient(self, stream: Stream) -> np.ndarray:
        """dl_i/ds_t of every example, step and tap, (batch, time, width) float64."""
        return self._gradient(_in_float64(stream).parts).numpy()

    def by_state(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """(batch, time, width) split into `h`, and `c` where the cell has one."""
        return {state: values[..., places] for state, places in self._places.items()}

    def outputs(self, stream: Stream, taps: np.ndarray) -> np.ndarray:
        """The network's answers, in float64, with `taps` added (they must be 0 where it is fast)."""
        inputs = network_inputs(_in_float64(stream).map(tf.constant))
        return self._network([*(inputs if isinstance(inputs, list) else [inputs]), tf.constant(taps)]).numpy()

    def losses(self, stream: Stream, outputs: np.ndarray) -> np.ndarray:
        """The loss of each example that is differentiated, (batch,), from answers of `outputs`."""
        return np.asarray(self._task.loss(_in_float64(stream), outputs))

    def _norms_of_states(self, parts: dict[str, Any]) -> dict[str, Any]:
        gradient = self._gradient_wrt_taps(parts)
        return {state: tf.norm(tf.gather(gradient, at, axis=-1), axis=-1) for state, at in self._places.items()}

    def _gradient_wrt_taps(self, parts: dict[str, Any]) -> Any:
        stream = Stream(**parts)
        sequences = stream.tokens if stream.features is None else stream.features
        taps = tf.zeros((*tf.unstack(tf.shape(sequences)[:2]), self.width), tf.float64)
        inputs = network_inputs(stream)
        with tf.GradientTape() as tape:
            tape.watch(taps)
            outputs = self._network([*(inputs if isinstance(inputs, list) else [inputs]), taps])
            # Examples do not touch each other, so the gradient of the sum holds every example's own.
            loss = ops.sum(self._task.loss(stream, outputs))
        return tape.gradient(loss, taps)


def _in_float64(stream: Stream) -> Stream:
    """What is probed: without the read steps that are not scored, and with real numbers in float64."""
    return stream.scored_only.map(lambda part: part.astype(np.float64) if part.dtype == np.float32 else part)

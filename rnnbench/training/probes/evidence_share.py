"""How much of the recurrent weights' gradient comes from the steps of the evidence.

A weight is used at every step, and its gradient is the sum over these uses. Where the gradient has vanished on its way
back, all of it comes from the filler and the readout, and training learns from them alone (Pascanu, Mikolov & Bengio
2013, section 2).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Layout, Stream
from rnnbench.training.network import cells, first_layer_inputs, model_layers
from rnnbench.training.probes.profile import first_scored_steps
from rnnbench.training.traced import for_every_length


class EvidenceShare:
    """Measures the share in a network that `training.network.build` made, at its weights of the moment."""

    def __init__(self, task: Task, network: keras.Model) -> None:
        self._task, self._network = task, network
        recurrent = cells(network) if len(cells(network)) == len(model_layers(network)) else []
        self._layers = [keras.layers.RNN(cell, return_sequences=True, return_state=True) for cell in recurrent]
        self._weights = [weight.value for cell in recurrent for weight in cell.trainable_weights]
        self._gradients = for_every_length(self._by_part)

    def measure(self, stream: Stream, layout: Layout) -> dict[str, float]:
        """`evidence`: ||E|| / (||E|| + ||R||), with E the part of the evidence and what is before it, and R the rest.

        The gradient is that of the mean loss over the scored steps. Empty for a model whose layers are not all
        recurrent, where examples end at different steps, and where both norms are 0 or one is not finite.
        """
        parts = self.parts(stream, layout)
        if parts is None:
            return {}
        evidence, rest = (float(np.sqrt(sum(np.sum(np.square(part)) for part in of_weights))) for of_weights in parts)
        share = evidence / (evidence + rest) if evidence + rest > 0 else np.nan
        return {"evidence": share} if np.isfinite(share) else {}

    def parts(self, stream: Stream, layout: Layout) -> tuple[list[np.ndarray], list[np.ndarray]] | None:
        """The gradient with respect to each weight of the cells: its part up to the end of the evidence, and the rest.

        None where there is none, see `measure`.
        """
        ends = np.unique(first_scored_steps(stream, layout)) - layout.lag
        if not self._weights or len(ends) > 1 or ends[0] < 1:
            return None
        evidence, rest = self._gradients(stream.scored_only.parts | {"end": np.int32(ends[0])})
        return [part.numpy() for part in evidence], [part.numpy() for part in rest]

    def _by_part(self, parts: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        parts = dict(parts)
        end, stream = parts.pop("end"), Stream(**parts)
        features = first_layer_inputs(self._network, stream)
        with tf.GradientTape(watch_accessed_variables=False) as before:
            before.watch(self._weights)
            outputs, states = self._through(features[:, :end], [None] * len(self._layers))
        known = [outputs, *states]
        with tf.GradientTape(watch_accessed_variables=False) as after:
            after.watch([*self._weights, *tf.nest.flatten(known)])
            later, _ = self._through(features[:, end:], states)
            loss = ops.mean(self._task.loss(stream, self._answers(stream, ops.concatenate([outputs, later], axis=1))))
        none = tf.UnconnectedGradients.ZERO
        rest, upstream = after.gradient(loss, [self._weights, known], unconnected_gradients=none)
        evidence = before.gradient(known, self._weights, output_gradients=upstream, unconnected_gradients=none)
        return evidence, rest

    def _through(self, features: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """The output of the last layer at every step, and the states that each layer ends in."""
        reached = []
        for layer, start in zip(self._layers, states, strict=True):
            features, *last = layer(features, initial_state=start)
            reached.append(last)
        return features, reached

    def _answers(self, stream: Stream, outputs: Any) -> Any:
        if stream.readout is not None:
            read = ops.take_along_axis(outputs, stream.readout[..., None], axis=1)
        else:
            read = outputs[:, -tf.shape(stream.targets)[1] :]
        return self._network.get_layer("head")(read)

"""Free-running answers: at each readout step but the first, the network reads its own last answer.

A recurrent network is carried on from its states before the readout, one step of its cells at a time. Any other network
reads the whole sequence again for each answer, with those it has given in their places: a causal one cannot tell what
stands behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.training.network import first_layer_inputs, model_layers
from rnnbench.training.probes.states import StateReader

Answer = Callable[[Stream], np.ndarray]
"""What a network answers to a stream, (B, R, outputs)."""


class Decoder:
    """Answers of a network that `training.network.build` made, at its weights of the moment."""

    def __init__(self, network: keras.Model, reader: StateReader) -> None:
        self._network, self._reader = network, reader
        self._layers = model_layers(network)
        self._carries_states = all(hasattr(layer, "cell") for layer in self._layers)
        self._take_step = tf.function(self._step, reduce_retracing=True, autograph=False)

    def answers(self, task: Task, stream: Stream, whole: Answer) -> np.ndarray:
        """The free-running answers to a stream, (B, R, outputs); of its readout only the first step is read.

        `whole`: what the network answers to a stream as it stands, for a network that has no states to carry.
        """
        return self._carried(task, stream) if self._carries_states else _again_and_again(task, stream, whole)

    def _carried(self, task: Task, stream: Stream) -> np.ndarray:
        reads = stream.targets.shape[1]
        first = stream.steps - reads
        inputs = {name: part for name, part in stream.parts.items() if name in ("features", "tokens")}
        asked = stream._replace(**{name: part[:, :first] for name, part in inputs.items()})
        last = np.full((stream.examples, 1), first - 1)
        (found,) = self._reader.read([asked], [last], [last])
        states = self._split(tf.constant(found.joint[:, 0]))
        inputs = {name: part[:, first] for name, part in inputs.items()}
        answers = []
        for _ in range(reads):
            answer, states = self._take_step(inputs, states)
            answers.append(answer.numpy())
            inputs = task.fed_back(answers[-1])
        return np.stack(answers, axis=1)

    def _split(self, joint: Any) -> list[list[Any]]:
        """The states of each layer, from all beside each other."""
        sizes = [keras.tree.flatten(layer.cell.state_size) for layer in self._layers]
        parts = iter(tf.split(joint, [size for of_layer in sizes for size in of_layer], axis=-1))
        return [[next(parts) for _ in of_layer] for of_layer in sizes]

    def _step(self, inputs: dict[str, Any], states: list[list[Any]]) -> tuple[Any, list[list[Any]]]:
        """The answer to one step, (B, outputs), and the states after it."""
        of_step = Stream(targets=None, **{name: part[:, None] for name, part in inputs.items()})  # type: ignore[arg-type]
        values, after = first_layer_inputs(self._network, of_step)[:, 0], []
        for layer, state in zip(self._layers, states, strict=True):
            values, found = layer.cell(values, state)
            after.append(keras.tree.flatten(found))
        return self._network.get_layer("head")(values), after


def _again_and_again(task: Task, stream: Stream, whole: Answer) -> np.ndarray:
    reads = stream.targets.shape[1]
    running = stream.map(np.copy)
    answers = []
    for read in range(reads):
        answers.append(whole(running)[:, read])
        if read + 1 < reads:
            for name, values in task.fed_back(answers[-1]).items():
                running.parts[name][:, stream.steps - reads + read + 1] = values
    return np.stack(answers, axis=1)

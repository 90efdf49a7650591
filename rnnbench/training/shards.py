"""A batch cut into equal parts, the shards, each a call of one compiled program, so that several cores share a step.

XLA on a CPU does a program's loops one after another on one core; TensorFlow calls several programs side by side if the
function around them is not compiled itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnnbench.errors import UserError
from rnnbench.tasks.stream import Stream
from rnnbench.training.buffers import STEPS
from rnnbench.training.network import network_inputs
from rnnbench.training.traced import for_every_length

Parts = Mapping[str, Any]
"""A batch: what `Stream` consists of, by name, and `STEPS` if it comes in a buffer."""
TaskLoss = Callable[[Stream, Any], Any]
_SEED = "seed_generator_state"
"""Name of the variable of a `keras.random.SeedGenerator`."""
_ODD = 0x9E3779B9
"""2^32 over the golden ratio: its multiples differ in many bits."""


class ShardedGradient:
    """The loss and the gradient of a batch, from equal parts of it that are computed side by side.

    Both are the means over the shards of those of each shard, so that the task's loss is the mean over examples, and
    what layers add to it (regularisers) counts once. A shard reads no variable: it is given the values of all, and
    returns the new ones of those that are not trained. So no shard waits for another, and none sees what another did.
    Shard i > 0 draws from other random seeds (those of the network, changed by i). Afterwards generators have the state
    that shard 0 left; other variables that are not trained, such as the moving averages of a normalisation, the mean
    over the shards, or if they are integers the value of shard 0.
    """

    def __init__(self, network: keras.Model, loss: TaskLoss, count: int, jit_compile: bool) -> None:
        self._network, self._loss, self._count = network, loss, count
        self._of_shard = tf.function(self._shard, jit_compile=jit_compile, reduce_retracing=True, autograph=False)

    def __call__(self, parts: Parts) -> tuple[list[Any], list[list[Any]], list[list[Any]]]:
        """Losses, gradients and new values of what is not trained, of each shard: to be joined by `mean` and `after`.

        Call it where a function is traced that is not compiled.
        """
        weights, others = _values(self._network.trainable_variables), _values(self._network.non_trainable_variables)
        found = [
            self._of_shard(weights, self._seeded(others, number), shard)
            for number, shard in enumerate(shards(parts, self._count))
        ]
        losses, gradients, after = zip(*found, strict=True)
        return list(losses), list(gradients), list(after)

    def after(self, values: Sequence[Sequence[Any]]) -> None:
        """Give the variables that are not trained their values after a step, from those after each shard."""
        for variable, found in zip(self._network.non_trainable_variables, zip(*values, strict=True), strict=True):
            variable.assign(mean(found) if found[0].dtype.is_floating else found[0])

    def _seeded(self, values: Sequence[Any], number: int) -> list[Any]:
        if not number:
            return list(values)
        change = tf.constant([number * _ODD % 2**32, 0], tf.uint32)
        named = zip(self._network.non_trainable_variables, values, strict=True)
        return [
            tf.bitwise.bitwise_xor(value, tf.cast(change, value.dtype)) if variable.name == _SEED else value
            for variable, value in named
        ]

    def _shard(self, weights: list[Any], others: list[Any], parts: dict[str, Any]) -> tuple[Any, list[Any], list[Any]]:
        stream = Stream(**{name: part for name, part in parts.items() if name != STEPS})
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            outputs, others, added = self._network.stateless_call(
                weights, others, network_inputs(stream, parts.get(STEPS)), training=True, return_losses=True
            )
            loss = sum(map(ops.sum, added), ops.mean(self._loss(stream, outputs)))
        _refuse_variables()
        return loss, dense(tape.gradient(loss, weights, unconnected_gradients="zero")), others


def sharded_outputs(network: keras.Model, count: int, jit_compile: bool) -> Callable[[Any], Any]:
    """What `network` answers to the inputs of a batch, a multiple of `count` examples, in parts side by side."""

    def of_shard(weights: list[Any], others: list[Any], inputs: list[Any]) -> Any:
        return network.stateless_call(weights, others, inputs if len(inputs) > 1 else inputs[0], training=False)[0]

    compiled = tf.function(of_shard, jit_compile=jit_compile, reduce_retracing=True, autograph=False)

    def outputs(batch: Any) -> Any:
        names = [tensor.name for tensor in network.inputs]
        parts = dict(zip(names, batch if isinstance(batch, list) else [batch], strict=True))
        values = _values(network.trainable_variables), _values(network.non_trainable_variables)
        return tf.concat([compiled(*values, list(part.values())) for part in shards(parts, count)], 0)

    return for_every_length(outputs)


def shards(parts: Parts, count: int) -> list[dict[str, Any]]:
    """A batch cut into `count` parts of as many examples each, in their order."""
    cut = {name: [part] * count if name == STEPS else tf.split(part, count) for name, part in parts.items()}
    return [{name: pieces[number] for name, pieces in cut.items()} for number in range(count)]


def mean(values: Sequence[Any]) -> Any:
    """Of tensors of one shape, added in their order."""
    return sum(values[1:], values[0]) / len(values)


def dense(gradients: Sequence[Any]) -> list[Any]:
    """Each as a tensor. An embedding's has a row for each time a token is read; its norm is that of their sum."""
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def _refuse_variables() -> None:
    """Raise `UserError` if what is being traced reads a variable, which several shards might change at once."""
    captured = [outer for outer, _ in tf.compat.v1.get_default_graph().captures if outer.dtype == tf.resource]
    if captured:
        raise UserError(
            "training.shards: a layer has a tf.Variable, or draws random numbers without a seed of its own, so that "
            "shards would disturb each other; use add_weight and keras.random.SeedGenerator, or shards: 1"
        )


def _values(variables: Sequence[Any]) -> list[Any]:
    return [tf.convert_to_tensor(variable.value) for variable in variables]

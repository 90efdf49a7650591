"""The training step: a Keras network that takes several in one compiled call."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnnbench.experiment.run_spec import CompileKey
from rnnbench.layers import has_fast_loop
from rnnbench.tasks.stream import Stream
from rnnbench.training.buffers import STEPS
from rnnbench.training.network import network_inputs
from rnnbench.training.probes.norms import GradientNorms
from rnnbench.training.shards import ShardedGradient, dense, mean, sharded_outputs
from rnnbench.training.traced import for_every_length


class SteppedNetwork(keras.Model):
    """A `keras.Model` whose `fit` minimises the task's loss, and which keeps the loss and norms of the latest steps.

    As in Keras, what layers add to it (`network.losses`: regularisers, `add_loss`) is part of the loss.
    """

    def __init__(self, inputs: Any, outputs: Any, key: CompileKey) -> None:
        super().__init__(inputs, outputs)
        # XLA's cost of the stock recurrent loops on a CPU grows with the square of the length; cuDNN does not use it.
        self._jit_compile = any(has_fast_loop(layer) for layer in self.layers)
        # Keras' own `jit_compile` is not to be had where operations are deterministic.
        self._compiled_steps = tf.function(
            self._steps, jit_compile=self._jit_compile, reduce_retracing=True, autograph=False
        )
        self.outputs_for = for_every_length(self.call, jit_compile=self._jit_compile)
        """What the network answers to one batch."""
        self._task_loss = key.task.loss
        self._global_clipnorm, self._window = key.global_clipnorm, key.window
        self.gradient_norms = GradientNorms(self, key.model)
        self.step_values = tf.Variable(tf.zeros((key.window, 2 + len(self.gradient_norms.names))), trainable=False)
        """One row for each of the last `key.window` steps: the loss, and the gradient's norms before clipping."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step on each of the batches that `data`, the parts of a stream, stacks."""
        return {"loss": self._compiled_steps(data)}

    def _steps(self, parts: dict[str, Any]) -> Any:
        def step(index: Any, _: Any) -> tuple[Any, Any]:
            return index + 1, self._step({name: part[index] for name, part in parts.items()})

        count = tf.shape(parts["targets"])[0]
        return tf.while_loop(lambda index, _: index < count, step, (0, 0.0), parallel_iterations=1)[1]

    def _step(self, parts: dict[str, Any]) -> Any:
        steps = parts.pop(STEPS, None)
        stream = Stream(**parts)
        with tf.GradientTape() as tape:
            loss = ops.mean(self._task_loss(stream, self(network_inputs(stream, steps), training=True)))
            loss = sum(map(ops.sum, self.losses), loss)
        gradients = tape.gradient(loss, self.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return self._descend(loss, dense(gradients))

    def _descend(self, loss: Any, gradients: list[Any]) -> Any:
        """Take note of loss and norms, clip, and change the weights; returns the loss."""
        norms = self.gradient_norms(gradients)
        index = tf.cast(self.optimizer.iterations, tf.int32) % self._window
        self.step_values.scatter_nd_update([[index]], [tf.concat([[loss], norms], axis=0)])
        if self._global_clipnorm is not None:
            # Pascanu et al. 2013, section 3.2. Keras' own clipping takes the norm of an embedding's rows one by one.
            scale = tf.minimum(1.0, self._global_clipnorm / norms[0])
            gradients = [gradient * scale for gradient in gradients]
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return loss


class ShardedNetwork(SteppedNetwork):
    """A `SteppedNetwork` that takes each step, and answers each batch, in `key.shards` equal parts side by side."""

    def __init__(self, inputs: Any, outputs: Any, key: CompileKey) -> None:
        super().__init__(inputs, outputs, key)
        self._sharded_gradient = ShardedGradient(self, self._task_loss, key.shards, self._jit_compile)
        self._after_shards = tf.function(self._join, jit_compile=self._jit_compile, autograph=False)
        self.outputs_for = sharded_outputs(self, key.shards, self._jit_compile)

    def train_step(self, data: Any) -> dict[str, Any]:
        """As that of `SteppedNetwork`. What is compiled are its parts: Keras puts a function around it that is not."""
        return {"loss": self._steps(data)}

    def _step(self, parts: dict[str, Any]) -> Any:
        return self._after_shards(*self._sharded_gradient(parts))

    def _join(self, losses: list[Any], gradients: list[list[Any]], others: list[list[Any]]) -> Any:
        self._sharded_gradient.after(others)
        return self._descend(mean(losses), [mean(of_weight) for of_weight in zip(*gradients, strict=True)])

"""A batch in shards: the whole batch's gradient, each shard's own randomness, the same bits each time."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.tasks.stream import Stream
from rnnbench.training import run as training
from rnnbench.training.network import build, network_inputs
from rnnbench.training.program import program_for
from rnnbench.training.shards import ShardedGradient, dense, mean
from tests.training.test_resume import interrupted
from tests.training.test_run import without_seconds

ROOT = Path(__file__).parents[2]
BATCH = 12


def spec_of(model="gru", dropout=0.0, units=6, **settings):
    defaults = {"steps": 20, "batch_size": BATCH, "evaluate_every": 10, "shards": 2, "implementation": "stock"}
    return Experiment(
        name="sharded",
        tasks={"copy_memory": {"lag": 3, "symbols": 2, "examples": 30, "objective": "all"}},
        models={model: {"units": units, "dropout": dropout}},
        training=defaults | settings,
        gradients={"examples": 5},
    ).runs[0]


def weighted_stream(task):
    """A batch whose examples and steps have weights of their own, some of them 0."""
    stream = task.train_batch(0, 0, BATCH)
    weights = np.random.default_rng(0).uniform(0, 2, stream.targets.shape[:2]).astype(np.float32)
    weights[1], weights[3, 1:] = 0, 0
    return stream._replace(weights=weights)


def sharded(network, loss, stream, count, jit_compile=False):
    """Loss, gradient and what the variables that are not trained become, of each of two calls from the same state."""
    gradient = ShardedGradient(network, loss, count, jit_compile)

    @tf.function(autograph=False)
    def joined(parts):
        losses, gradients, after = gradient(parts)
        return mean(losses), [mean(of_weight) for of_weight in zip(*gradients, strict=True)], gradients, after

    parts = {name: tf.constant(part) for name, part in stream.parts.items()}
    return joined(parts), joined(parts)


def whole(network, loss, stream):
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(stream, network(network_inputs(stream), training=True))) + sum(network.losses)
    return value, dense(tape.gradient(value, network.trainable_variables, unconnected_gradients="zero"))


@pytest.mark.parametrize(
    ("model", "count", "compiled"),
    [("simple_rnn", 2, False), ("lstm", 3, False), ("gru", 4, False), ("lstm", 2, True),
     pytest.param("simple_rnn", 2, True, marks=pytest.mark.slow),
     pytest.param("gru", 2, True, marks=pytest.mark.slow)],
)  # fmt: skip
def test_the_gradient_is_that_of_the_whole_batch(model, count, compiled):
    spec = spec_of(model)
    network = build(spec.task, spec.model, 1, implementation="fast")
    network.get_layer("head").kernel.regularizer = keras.regularizers.L2(0.1)
    stream = weighted_stream(spec.task)
    (loss, gradients, *_), _ = sharded(network, spec.task.loss, stream, count, compiled)
    expected, expected_gradients = whole(network, spec.task.loss, stream)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    for one, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_each_shard_drops_inputs_of_its_own(dropout):
    spec = spec_of(dropout=dropout)
    network = build(spec.task, spec.model, 1)
    half = spec.task.train_batch(0, 0, BATCH // 2)
    twice = Stream(**{name: np.concatenate([part, part]) for name, part in half.parts.items()})
    first, again = sharded(network, spec.task.loss, twice, 2)
    one, other = first[2]
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)) == (not dropout)
    for a, b in zip(first[1], again[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_moving_averages_become_the_mean_over_the_shards():
    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.5)(inputs))
    stream = Stream(np.zeros((4, 1)), features=np.arange(12, dtype=np.float32).reshape(4, 3))
    gradient = ShardedGradient(network, lambda stream, outputs: tf.reduce_sum(outputs, -1), 2, jit_compile=False)

    @tf.function(autograph=False)
    def step():
        gradient.after(gradient({name: tf.constant(part) for name, part in stream.parts.items()})[2])

    step()
    # Each half has the variance 1.5^2 around its own mean.
    np.testing.assert_allclose(network.layers[1].moving_mean, stream.features.mean(0) / 2)
    np.testing.assert_allclose(network.layers[1].moving_variance, np.full(3, (1 + 1.5**2) / 2))


def test_a_variable_that_keras_does_not_know_is_refused():
    class Counting(keras.layers.Layer):
        def build(self, shape):
            self.calls = tf.Variable(0.0)

        def call(self, inputs):
            return inputs + self.calls.assign_add(1.0)

    inputs = keras.Input((3,))
    network = keras.Model(inputs, Counting()(inputs))
    stream = Stream(np.zeros((4, 1)), features=np.ones((4, 3), np.float32))
    with pytest.raises(UserError, match=r"training\.shards: a layer has a tf\.Variable.*or shards: 1"):
        sharded(network, lambda stream, outputs: tf.reduce_sum(outputs, -1), stream, 2)


def test_a_run_in_shards_learns_as_the_whole_batch_does():
    losses, norms = {}, {}
    for shards in (1, 3):
        spec = spec_of("lstm", shards=shards, learning_rate=0.01)
        program = program_for(spec.compile_key)
        program.reset(build(spec.task, spec.model, 0), 0.01)
        losses[shards], norms[shards] = program.fit(spec.task, 0, spec.training, 0, 10)
    np.testing.assert_allclose(losses[3], losses[1], rtol=1e-4)
    np.testing.assert_allclose(norms[3], norms[1], rtol=1e-3)
    assert not np.array_equal(losses[3], losses[1])


def test_an_odd_batch_is_evaluated_in_shards():
    spec = spec_of("lstm")
    program, network = program_for(spec.compile_key), build(spec.task, spec.model, 3)
    program.reset(network, 0.01)
    batch = spec.task.train_batch(0, 0, 7)
    np.testing.assert_allclose(program.outputs_for(batch, 7), network(network_inputs(batch)), atol=1e-6)


def test_a_run_in_shards_goes_on_to_the_last_bit():
    """Dropout draws what it would have drawn."""
    spec = spec_of(dropout=0.3, steps=35)
    expected = without_seconds(training.run(spec))
    weights = program_for(spec.compile_key).network.get_weights()
    attempts, events, found = interrupted(spec)
    assert attempts == 3
    assert without_seconds(events) == expected
    for a, b in zip(found, weights, strict=True):
        np.testing.assert_array_equal(a, b)


def digest(batch_size=BATCH, units=6, implementation="stock"):
    """Of all that a run says, with dropout."""
    spec = spec_of("lstm", 0.3, units, implementation=implementation, batch_size=batch_size)
    return hashlib.sha256(repr(without_seconds(training.run(spec))).encode()).hexdigest()


@pytest.mark.slow
def test_shards_on_one_thread_do_not_wait_for_each_other():
    """And products too small for two threads have the same bits."""
    assert digest_in_a_process(1) == digest_in_a_process(2)


@pytest.mark.slow
def test_the_bits_are_the_same_each_time():
    """Of products that two threads share, too."""
    arguments = {"batch_size": 64, "units": 128, "implementation": "fast"}
    assert digest_in_a_process(2, **arguments) == digest_in_a_process(2, **arguments)


def digest_in_a_process(threads, **arguments):
    script = (
        "from rnnbench.execution.base import set_up_tensorflow\n"
        f"assert set_up_tensorflow({threads})\n"
        "from tests.training.test_shards import digest\n"
        f"print(digest(**{arguments!r}))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]

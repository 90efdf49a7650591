"""Every optimiser trains as in plain Keras or as written, starts over as new, and goes on where it was."""

import math
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from rnnbench.experiment.optimizers import known, parsed
from rnnbench.training.network import build
from rnnbench.training.optimizers import Scheduled, optimizer_class
from rnnbench.training.program import Program, program_for
from tests.training.test_run import loss_of, specs

SOME = ["sgd(momentum=0.9, nesterov=True)", "adagrad", "adamw(weight_decay=0.1)"]
"""One that starts from other numbers than zeros among them; all of them are tried by a slow test."""


def spec_of(optimizer, **training):
    (spec,) = specs(steps=8, evaluate_every=4, global_clipnorm=None, optimizer=optimizer, **training)
    return spec


def weights_after(program, spec, start, stop):
    program.fit(spec.task, spec.seed, spec.training, start, stop)
    return program.network.get_weights()


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def weights_of_a_run_that_goes_on(program, spec, network, rate):
    """The weights after eight steps; they are the same when another run comes between the fourth and the fifth."""
    program.reset(network, rate)
    weights_after(program, spec, 0, 4)
    state = program.state()
    uninterrupted = weights_after(program, spec, 4, 8)
    program.reset(build(spec.task, spec.model, 77), 50 * rate)
    weights_after(program, spec, 0, 4)
    program.restore(state, rate)
    assert_equal(weights_after(program, spec, 4, 8), uninterrupted)
    return uninterrupted


@pytest.mark.parametrize("optimizer", [*SOME, *(pytest.param(name, marks=pytest.mark.slow) for name in known())])
def test_it_trains_as_keras_does_and_goes_on_to_the_last_bit(optimizer):
    spec = spec_of(optimizer)
    program = Program(replace(spec.compile_key, window=4))
    network = build(spec.task, spec.model, spec.seed)
    uninterrupted = weights_of_a_run_that_goes_on(program, spec, network, 0.01)
    program.reset(network, 0.01)
    weights_after(program, spec, 0, 4)
    assert_equal(weights_after(program, spec, 4, 8), uninterrupted)

    name, arguments = parsed(optimizer)
    stock = optimizer_class(name)(learning_rate=0.01, **arguments)
    # `fit` would build it in a scope where one of them does not see the weights that it starts from.
    stock.build(network.trainable_variables)
    network.compile(stock, loss_of(spec.task))
    for step in range(8):
        stream = spec.task.train_batch(spec.seed, step, spec.training.batch_size)
        network.train_on_batch(stream.inputs, stream.targets)
    for one, other in zip(uninterrupted, network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("constant", lambda p: 1.0), ("linear", lambda p: 1 - p), ("cosine", lambda p: (1 + math.cos(math.pi * p)) / 2)],
)
def test_the_rate_rises_and_falls_as_it_is_defined(name, expected):
    schedule = Scheduled(name, warmup=4, steps=20, peak=0.5)
    rates = [float(schedule(step)) for step in range(20)]
    assert rates[:4] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert rates[4:] == pytest.approx([0.5 * expected((step - 4) / 16) for step in range(4, 20)], rel=1e-5)
    assert min(rates) > 0


def test_a_scheduled_run_makes_the_steps_that_its_rates_say_and_goes_on_to_the_last_bit():
    spec = spec_of("sgd", schedule="linear", warmup=2)
    program = program_for(spec.compile_key)
    network = build(spec.task, spec.model, spec.seed)
    program.reset(network, 0.5)
    weights_after(program, spec, 0, 4)
    state = program.state()
    uninterrupted = weights_after(program, spec, 4, 8)
    program.reset(network, 0.01)
    program.restore(state, 0.5)
    assert_equal(weights_after(program, spec, 4, 8), uninterrupted)
    for step in range(8):
        factor = (step + 1) / 2 if step < 2 else 1 - (step - 2) / 6
        network.compile(keras.optimizers.SGD(0.5 * factor), loss_of(spec.task))
        stream = spec.task.train_batch(spec.seed, step, spec.training.batch_size)
        network.train_on_batch(stream.inputs, stream.targets)
    for one, other in zip(uninterrupted, network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_programs_are_shared_by_runs_that_differ_in_the_rate_alone():
    first, second = (spec_of("sgd", learning_rate=rate, schedule="cosine") for rate in (0.1, 0.2))
    assert first.compile_key == second.compile_key != spec_of("sgd", learning_rate=0.1).compile_key
    assert spec_of("adam").compile_key != spec_of("sgd").compile_key


def test_the_optimiser_of_a_plug_in_trains_as_it_is_written_and_goes_on_to_the_last_bit():
    plugin = str(Path(__file__).parents[1] / "plugins" / "sign_sgd.py")
    (spec,) = specs(
        steps=8, evaluate_every=4, global_clipnorm=None, plugins=[plugin], schedule="linear", warmup=2,
        optimizer={"name": "sign_sgd", "momentum": 0.5},
    )  # fmt: skip
    program = program_for(spec.compile_key)
    network = build(spec.task, spec.model, spec.seed)
    uninterrupted = weights_of_a_run_that_goes_on(program, spec, network, 0.5)

    moments = [0.0] * len(network.trainable_variables)
    for step in range(8):
        stream = spec.task.train_batch(spec.seed, step, spec.training.batch_size)
        with tf.GradientTape() as tape:
            loss = ops.mean(spec.task.loss(stream, network(stream.inputs, training=True)))
        gradients = tape.gradient(loss, network.trainable_variables)
        rate = 0.5 * ((step + 1) / 2 if step < 2 else 1 - (step - 2) / 6)
        for at, (variable, gradient) in enumerate(zip(network.trainable_variables, gradients, strict=True)):
            moments[at] = 0.5 * moments[at] + 0.5 * gradient.numpy()
            variable.assign(variable.numpy() - rate * np.sign(moments[at]))
    for one, other in zip(uninterrupted, network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)

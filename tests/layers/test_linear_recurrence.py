"""The linear recurrence against its definition, and its gradients against those of an ordinary loop."""

import numpy as np
import pytest
import tensorflow as tf

from rnnbench.layers.linear_product import affine, product
from rnnbench.layers.linear_recurrence import linear_recurrence, parallel_recurrence

STEPS, BATCH, UNITS = 7, 2, 3


def numbers(shape, parts, seed):
    rng = np.random.default_rng(seed)
    return [tf.constant(0.7 * rng.normal(size=shape)) for _ in range(parts)]


def arguments(parts, constant=False, steps=STEPS):
    a = numbers((BATCH, UNITS) if constant else (STEPS, BATCH, UNITS), parts, 0)
    a = a if constant else [one[:steps] for one in a]
    return a, [one[:steps] for one in numbers((STEPS, BATCH, UNITS), parts, 1)], numbers((BATCH, UNITS), parts, 2)


def as_complex(parts):
    return parts[0].numpy() + (1j * parts[1].numpy() if len(parts) == 2 else 0)


def ordinary(a, b, start, truncate=None):
    """Step by step, of operations that TensorFlow differentiates."""
    h, states = start, []
    for t in range(b[0].shape[0]):
        if truncate and t and t % truncate == 0:
            h = [tf.stop_gradient(one) for one in h]
        at = [one if len(one.shape) == 2 else one[t] for one in a]
        if len(h) == 1:
            h = [at[0] * h[0] + b[0][t]]
        else:
            h = [at[0] * h[0] - at[1] * h[1] + b[0][t], at[0] * h[1] + at[1] * h[0] + b[1][t]]
        states.append(h)
    return [tf.stack(one) for one in zip(*states, strict=True)]


def derivatives(recurrence, given, order):
    """The gradients of a function of all states, or of the squares of those."""
    flat = [one for group in given for one in group]
    with tf.GradientTape() as outer:
        outer.watch(flat)
        with tf.GradientTape() as tape:
            tape.watch(flat)
            total = sum(tf.reduce_sum(tf.sin((1 + at) * h)) for at, h in enumerate(recurrence(*given)))
        gradients = tape.gradient(total, flat)
        squares = sum(tf.reduce_sum(one**2) for one in gradients)
    return gradients if order == 1 else outer.gradient(squares, flat)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("parts", [1, 2])
def test_the_definition(parts, constant):
    given = arguments(parts, constant)
    a, b, h = map(as_complex, given)
    for found in (as_complex(linear_recurrence(*given)), as_complex(parallel_recurrence(*given))):
        state = h
        for t in range(STEPS):
            state = (a if constant else a[t]) * state + b[t]
            np.testing.assert_allclose(found[t], state, atol=1e-12)


@pytest.mark.parametrize(
    ("parts", "constant", "truncate", "order"),
    [(1, False, None, 1), (1, True, 3, 1), (2, False, 3, 1), (2, True, None, 1), (2, True, 3, 2),
     pytest.param(1, False, 3, 2, marks=pytest.mark.slow)],
)  # fmt: skip
def test_gradients(parts, constant, truncate, order):
    given = arguments(parts, constant)
    expected = derivatives(lambda *given: ordinary(*given, truncate), given, order)
    found = derivatives(lambda *given: linear_recurrence(*given, truncate=truncate), given, order)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize(
    ("constant", "order"),
    [(True, 1), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((False, 1), (False, 2), (True, 2)))],
)
def test_compiled_with_steps_as_data(constant, order):
    """XLA gives, in a buffer, what an ordinary loop gives at the length itself."""
    taken = STEPS - 2

    @tf.function(jit_compile=True, autograph=False)
    def compiled(a, b, start, taken):
        return derivatives(lambda *given: linear_recurrence(*given, taken=taken, truncate=2), (a, b, start), order)

    found = compiled(*arguments(2, constant), tf.constant(taken))
    expected = derivatives(lambda *given: ordinary(*given, 2), arguments(2, constant, taken), order)
    for one, other in zip(found, expected, strict=True):
        whole = np.zeros_like(one)
        whole[: len(other)] = other
        np.testing.assert_allclose(one, whole, atol=1e-9)


def test_a_product_is_summed_over_blocks_as_over_all_steps(monkeypatch):
    monkeypatch.setattr("rnnbench.layers.linear_product.BLOCK", 3 * BATCH * UNITS)
    (inputs,), (kernel,), (bias,) = (numbers(shape, 1, 3) for shape in ((STEPS, BATCH, 4), (4, UNITS), (UNITS,)))

    def gradients(function):
        return derivatives(lambda *given: [function(*(one for (one,) in given))], ([inputs], [kernel], [bias]), 2)

    for one, other in zip(gradients(affine), gradients(lambda x, w, b: tf.tensordot(x, w, 1) + b), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    np.testing.assert_array_equal(product(inputs, kernel), tf.tensordot(inputs, kernel, 1))

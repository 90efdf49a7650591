"""Runs in the caller's session: it is set as they need it while they last, and restored afterwards.

Imports TensorFlow and Keras: only for a process that trains.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.debug.lib import check_numerics_callback
from tensorflow.python.eager import context
from tensorflow.python.framework import config, ops

from rnnbench.errors import UserError

_KERAS: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "dtype_policy": "float32",
    # For debugging: they cut every training short.
    "max_epochs": None,
    "max_steps_per_epoch": None,
}
"""Settings of `keras.config` with the values by which the suite is defined."""


def set_keras() -> None:
    """Give Keras the settings by which the suite is defined, whatever `keras.json` or the session says."""
    for name, value in _KERAS.items():
        getattr(keras.config, f"set_{name}")(value)


def check() -> None:
    """Raise `UserError` if runs cannot be executed here, because of something that cannot be set and restored."""
    if keras.config.backend() != "tensorflow":
        raise UserError(
            f"Keras runs on {keras.config.backend()} in this session, but the suite needs TensorFlow: use worker "
            "processes (workers=1 or more), or set KERAS_BACKEND=tensorflow before Keras is imported"
        )
    if not tf.executing_eagerly():
        raise UserError(
            "TensorFlow does not execute eagerly here (a tf.Graph, a tf.function, or tf.compat.v1): use worker "
            "processes (workers=1 or more), or call from outside it"
        )
    if tf.distribute.has_strategy():
        raise UserError("runs do not train under a tf.distribute strategy: call from outside its scope")


@contextmanager
def neutral() -> Iterator[None]:
    """Inside, Keras and TensorFlow are set as the suite is defined; afterwards they are as before.

    Except TensorFlow's threads, which can only be set before its first use. Raises `UserError` as `check` does.
    """
    check()
    with ExitStack() as stack:
        # What is entered first is restored last: dtype policies depend on floatx.
        for name in _KERAS:
            stack.callback(getattr(keras.config, f"set_{name}"), getattr(keras.config, name)())
        set_keras()
        for part in (_operation_seeds, _tensorflow, _numpy_behaviour, _check_numerics):
            stack.enter_context(part())
        yield


@contextmanager
def _operation_seeds() -> Iterator[None]:
    """The generator of seeds that TensorFlow gives to operations without one."""
    # There is one if the session has set a global seed.
    generator = getattr(context.context(), "_rng", None)
    if generator is None:
        yield
        return
    state = generator.getstate()
    # Other seeds inside: an operation that is given the same seed again continues where it was.
    generator.seed("rnnbench")
    try:
        yield
    finally:
        generator.setstate(state)


@contextmanager
def _tensorflow() -> Iterator[None]:
    with ExitStack() as stack:
        if not config.is_op_determinism_enabled():
            stack.callback(config.disable_op_determinism)
        config.enable_op_determinism()
        for now, change, wanted in (
            (tf.config.functions_run_eagerly(), tf.config.run_functions_eagerly, False),
            (debug_mode.DEBUG_MODE, debug_mode.toggle_debug_mode, False),
            (tf.config.optimizer.get_jit(), tf.config.optimizer.set_jit, ""),
            (_rewriting(), tf.config.optimizer.set_experimental_options, dict.fromkeys(_rewriting(), False)),
        ):
            if now != wanted:
                stack.callback(change, now)
                change(wanted)
        yield


def _rewriting() -> dict[str, bool]:
    """Options that would compute a run in less than float32."""
    options = tf.config.optimizer.get_experimental_options()
    return {name: on for name, on in options.items() if name.startswith("auto_mixed_precision")}


@contextmanager
def _numpy_behaviour() -> Iterator[None]:
    """TensorFlow's own rules of promotion and slicing; the NumPy methods added to tensors do no harm."""
    promotion, slicing = ops.promo_mode_enum_to_string(ops.get_dtype_conversion_mode()), ops._numpy_style_slicing
    ops.set_dtype_conversion_mode("off")
    ops._numpy_style_slicing = False
    try:
        yield
    finally:
        ops.set_dtype_conversion_mode(promotion)
        ops._numpy_style_slicing = slicing


@contextmanager
def _check_numerics() -> Iterator[None]:
    """A loss that is not finite is a result here, not an error."""
    callback = getattr(check_numerics_callback._state, "check_numerics_callback", None)
    if callback is None:
        yield
        return
    tf.debugging.disable_check_numerics()
    try:
        yield
    finally:
        tf.debugging.enable_check_numerics(callback._stack_height_limit, callback._path_length_limit)

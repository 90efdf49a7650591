"""Runs in the caller's process: the same results whatever it is set to, and it is left as it was."""

import logging
import os
import random
import sys
import warnings

import altair as alt
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tensorflow.python.debug.lib import check_numerics_callback
from tensorflow.python.framework import config, ops

import rnnbench
from rnnbench.errors import UserError
from rnnbench.execution import in_process
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.process_state import preserve_process_state
from rnnbench.training import session
from rnnbench.training.program import program_for

SMALL = Experiment(
    name="small",
    tasks={"copy_memory": {"lag": 2, "symbols": 1, "examples": 20}},
    models={"simple_rnn": {"units": 4}},
    training={"steps": 4, "batch_size": 4, "evaluate_every": 2, "implementation": "stock"},
    gradients={"examples": 4},
)


def state():
    loggers = {name: logging.getLogger(name).level for name in ("", "tensorflow", "mlflow", "alembic", "absl")}
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),
        "errors": np.geterr(),
        "keras": [getattr(keras.config, name)() for name in session._KERAS],
        "determinism": config.is_op_determinism_enabled(),
        "eager": tf.config.functions_run_eagerly(),
        "jit": tf.config.optimizer.get_jit(),
        "promotion": (ops.get_dtype_conversion_mode(), ops._numpy_style_slicing),
        "numerics": hasattr(check_numerics_callback._state, "check_numerics_callback"),
        "environment": dict(os.environ),
        "loggers": (loggers, list(logging.root.handlers)),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "rest": (os.getcwd(), list(sys.path), sys.stdout, sys.stderr, alt.theme.active, sys.excepthook),
    }


@pytest.fixture
def disturbed(monkeypatch):
    """A session with other ideas of nearly everything."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    with preserve_process_state(), session.neutral(), monkeypatch.context() as patched:
        config.disable_op_determinism()
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("mixed_float16")
        keras.config.set_epsilon(1e-3)
        keras.config.set_image_data_format("channels_first")
        keras.config.set_max_epochs(1)
        tf.config.run_functions_eagerly(True)
        tf.config.optimizer.set_jit(True)
        tf.debugging.enable_check_numerics()
        ops.set_dtype_conversion_mode("legacy")
        patched.setattr(ops, "_numpy_style_slicing", True)
        np.seterr(all="raise")
        warnings.simplefilter("error")
        logging.getLogger("tensorflow").setLevel(logging.DEBUG)
        random.seed(1)
        np.random.seed(1)
        try:
            yield
        finally:
            tf.debugging.disable_check_numerics()
            tf.config.run_functions_eagerly(False)
            tf.config.optimizer.set_jit("")
            config.enable_op_determinism()


def test_the_results_are_the_same_in_a_session_that_was_disturbed_and_it_stays_so(tmp_path, request):
    expected = rnnbench.run_experiment(SMALL, tmp_path, workers=0, quiet=True)
    assert expected.runs["status"].tolist() == ["finished"]
    program_for.cache_clear()  # as in a new session
    request.getfixturevalue("disturbed")
    before = state()
    found = rnnbench.run_experiment(SMALL, tmp_path, workers=0, fresh=True, quiet=True)
    assert state() == before
    columns = ["metric", "step", "value"]
    pd.testing.assert_frame_equal(found.history[columns], expected.history[columns], check_exact=True)
    # What was traced in between must not stay for others.
    program_for.cache_clear()


@pytest.mark.parametrize("ending", [RuntimeError, KeyboardInterrupt])
def test_a_session_is_put_back_however_a_run_ends(tmp_path, disturbed, monkeypatch, ending):
    def ends(*_):
        assert keras.config.floatx() == "float32"
        assert not tf.config.functions_run_eagerly()
        random.seed(5)
        os.environ["RNNBENCH_TEST_PACE"] = "3"
        raise ending

    monkeypatch.setattr(in_process, "stream", ends)
    before = state()
    with pytest.raises(ending):
        rnnbench.run_experiment(SMALL, tmp_path, workers=0, quiet=True)
    assert state() == before


def test_the_random_numbers_of_tensorflow_go_on(tmp_path):
    with session.neutral():
        config.disable_op_determinism()
        try:
            tf.random.set_seed(3)
            wanted = [float(tf.random.normal([])) for _ in range(2)][1]
            tf.random.set_seed(3)
            tf.random.normal([])
            with session.neutral():
                tf.random.normal([])
            assert float(tf.random.normal([])) == wanted
            assert len(list(tf.data.Dataset.range(3).shuffle(3))) == 3
        finally:
            config.enable_op_determinism()


def test_what_cannot_be_neutralised_is_refused_in_a_line_before_anything_is_written(tmp_path, monkeypatch):
    def refused(match):
        with pytest.raises(UserError, match=match) as error:
            rnnbench.run_experiment(SMALL, tmp_path, workers=0, quiet=True)
        assert "\n" not in str(error.value)
        assert not list(tmp_path.iterdir())

    with tf.Graph().as_default():
        refused("TensorFlow does not execute eagerly here")
    with tf.distribute.get_strategy().scope(), tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        refused("call from outside its scope")
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    refused(r"Keras runs on jax in this session, but the suite needs TensorFlow: use worker processes \(workers=1 or")

"""The state of the caller's process, which a call into rnnbench leaves as it was."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rnnbench import console
from rnnbench.errors import disarm_warnings

_LOGGERS = ("", "absl", "alembic", "mlflow", "tensorflow")
"""Loggers that this package and its libraries configure."""


@contextmanager
def preserve_process_state() -> Iterator[None]:
    """Restore on leaving what the caller had set; inside, output, warnings and NumPy's errors end nothing.

    Restored are the generators of `random` and NumPy, environment variables, loggers, warning filters, NumPy's error
    handling, `sys.stdout` and `sys.stderr`.
    """
    with ExitStack() as stack:
        for part in (console.surviving, _generators, _environment, _loggers, _warnings, _numpy_errors):
            stack.enter_context(part())
        yield


@contextmanager
def _generators() -> Iterator[None]:
    import numpy as np

    python, of_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(of_numpy)


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _loggers() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, logger.disabled, list(logger.handlers)) for logger in loggers]
    try:
        yield
    finally:
        for logger, (level, disabled, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.disabled = disabled
            if logger is logging.root:
                logger.handlers[:] = handlers


@contextmanager
def _warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        disarm_warnings()
        yield


@contextmanager
def _numpy_errors() -> Iterator[None]:
    import numpy as np

    with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        yield

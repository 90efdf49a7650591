"""No test leaves a driver behind, even one that fails."""

import contextlib
import os
import signal

import pytest
from drivers import Driver


@pytest.fixture(autouse=True)
def _end_drivers():
    yield
    while Driver.started:
        driver = Driver.started.pop()
        if not driver.is_over:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(driver.process.pid, signal.SIGKILL)
            driver.process.wait()

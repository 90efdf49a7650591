"""Fixtures for the tests of executors; no test leaves a driver behind, even one that fails."""

import contextlib
import os
import signal

import pytest

from rnnbench.experiment.definition import Experiment
from rnnbench.registry import load_plugins
from tests.execution.drivers import Driver

PLUGIN = """
import os
from rnnbench import register_task
from rnnbench.errors import UserError
from rnnbench.tasks.copy_memory import CopyMemory

@register_task("{name}")
class Guarded(CopyMemory):
    def check_data(self):
        place = os.environ["RNNBENCH_MANUAL_DIR"]
        if not os.path.exists(place + "/data"):
            raise UserError(f"{{place}}: the data are missing")
"""


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """The run of a task of a plug-in, `tmp_path / "guarded.py"`, that needs the data `tmp_path / "data"`."""
    plugin, name = tmp_path / "guarded.py", f"guarded_{tmp_path.name}"
    plugin.write_text(PLUGIN.format(name=name))
    monkeypatch.setenv("RNNBENCH_MANUAL_DIR", str(tmp_path))
    (tmp_path / "data").touch()
    load_plugins([str(plugin)])
    return Experiment(
        name="guarded",
        plugins=(str(plugin),),
        tasks={name: {"lag": 2, "symbols": 1}},
        models={"gru": {"units": 4}},
        training={"steps": 2},
    ).runs


@pytest.fixture(autouse=True)
def _end_drivers():
    yield
    while Driver.started:
        driver = Driver.started.pop()
        if not driver.is_over:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(driver.process.pid, signal.SIGKILL)
            driver.process.wait()

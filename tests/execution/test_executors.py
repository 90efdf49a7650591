"""Both executors give the same events; a run that crashes or dies takes no other with it."""

import dataclasses
import random
import re
import time
from pathlib import Path

import psutil
import pytest

from rnnbench.errors import UserError
from rnnbench.events import Answered, Dispatched, Ending, Failed, Finished, Measured, Profiled, Scored, Started
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.in_process import InProcess
from rnnbench.execution.local import LocalPool
from rnnbench.execution.system_metrics import INTERVAL, SWITCH, SystemMetrics, sample, switch_on
from rnnbench.experiment.definition import Experiment
from rnnbench.registry import load_plugins

TROUBLED = str(Path(__file__).parent.parent / "plugins" / "troubled.py")


def specs(trouble, models=("leaky",), **training):
    load_plugins([TROUBLED])
    return Experiment(
        name="t",
        plugins=(TROUBLED,),
        tasks={"troubled": {"lag": 2, "symbols": 1, "examples": 20, "trouble": trouble}},
        models={model: {"units": 4} for model in models},
        training={"steps": 4, "batch_size": 4, "evaluate_every": 2, "implementation": "stock"} | training,
        gradients={"examples": 2},
    ).runs


def events_of(executor, runs):
    """The events of each run, without what differs from one execution to the next."""
    found = {run.signature: [] for run in runs}
    for event in executor.execute(runs):
        if isinstance(event, Dispatched):
            event = dataclasses.replace(event, worker=0)
        if isinstance(event, Finished):
            event = dataclasses.replace(
                event, metrics={k: v for k, v in event.metrics.items() if not k.startswith("seconds")}
            )
        found[event.signature].append(event)
    return found


def test_a_crash_becomes_failed_and_the_others_go_on():
    runs = specs(["raise", "none"])
    crashed, fine = events_of(InProcess(), runs).values()
    assert type(crashed[0]) is Dispatched
    assert isinstance(crashed[-1], Failed)
    assert "as asked for" in crashed[-1].message
    assert "train_batch" in crashed[-1].traceback
    assert isinstance(fine[-1], Finished)
    assert {type(event) for event in fine} == {Dispatched, Started, Measured, Profiled, Scored, Answered, Finished}


def test_a_pool_gives_the_same_events_in_any_order_and_number():
    """In this process and in two workers, forwards and backwards: the same bits."""
    runs = specs(["none", "raise"], models=("leaky", "gru"))
    expected = events_of(InProcess(), runs)
    found = events_of(LocalPool(2), runs[::-1])
    for signature, said in expected.items():
        if isinstance(said[-1], Failed):
            assert found[signature][-1].message == said[-1].message
            assert found[signature][:-1] == said[:-1]
        else:
            assert found[signature] == said


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_and_the_order_change_no_bit(workers):
    models = ("simple_rnn", "lstm", "gru", "leaky")
    runs = list(specs("none", models=models, steps=40, evaluate_every=10, implementation="fast"))
    expected = events_of(InProcess(), runs)
    random.Random(workers).shuffle(runs)
    assert {key: said[1:] for key, said in events_of(LocalPool(workers), runs).items()} == {
        key: said[1:] for key, said in expected.items()
    }


def test_a_run_that_goes_on_says_so_and_a_damaged_checkpoint_starts_over(tmp_path):
    (run,) = specs("none")
    (expected,) = events_of(InProcess(), [run]).values()
    checkpoints = Checkpoints(tmp_path)

    def stop_at_once():
        executor = InProcess(checkpoints)
        events = executor.execute([run])
        said = [next(events)]
        executor.cancel()
        return said + list(events)

    assert not any(isinstance(event, Ending) for event in stop_at_once())
    taken, *said = next(iter(events_of(InProcess(checkpoints), [run]).values()))
    assert taken == Dispatched(run.signature, 0, resumed=True)
    assert said == expected[1:]

    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    taken, warning, *said = next(iter(events_of(InProcess(checkpoints), [run]).values()))
    assert taken == Dispatched(run.signature, 0, resumed=False)
    assert re.fullmatch(r"checkpoint /.* cannot be used \(damaged or cut off\): the run starts over", warning.message)
    assert said == expected[1:]

    stop_at_once()
    snapshot = checkpoints.load(run.signature)
    checkpoints.save(run.signature, dataclasses.replace(snapshot, versions=snapshot.versions | {"keras": "2.0"}))
    taken, warning, *said = next(iter(events_of(InProcess(checkpoints), [run]).values()))
    assert not taken.resumed
    assert "other versions" in warning.message
    assert "keras 2.0" in warning.message
    assert said == expected[1:]


def test_cancelled_runs_stop_without_an_ending():
    executor, runs = InProcess(), specs("wait", steps=2000)
    began, seen = time.monotonic(), []
    for event in executor.execute(runs):
        seen.append(event)
        if isinstance(event, Measured) and event.step == 2:
            executor.cancel()
    assert not any(isinstance(event, Ending) for event in seen)
    assert time.monotonic() - began < 120


def test_a_run_tells_how_busy_the_machine_is_where_mlflow_is_told_to(monkeypatch):
    runs = specs("none", steps=40)
    (without,) = events_of(InProcess(), runs).values()
    monkeypatch.setenv(SWITCH, "true")
    monkeypatch.setenv(INTERVAL, "0.001")
    (events,) = events_of(InProcess(), runs).values()
    busy = [
        event for event in events if isinstance(event, Measured) and "system/network_receive_megabytes" in event.metrics
    ]
    assert [event for event in events if event not in busy] == without
    assert busy
    for event in busy:
        assert all(name.startswith("system/") for name in event.metrics)
        assert 0 <= event.metrics["system/cpu_utilization_percentage"] <= 100
        assert 0 < event.metrics["system/system_memory_usage_percentage"] < 100


def test_the_switch_and_the_names_are_mlflows_own(monkeypatch):
    from mlflow.environment_variables import (
        MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING,
        MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL,
    )
    from mlflow.system_metrics.metrics import cpu_monitor, disk_monitor, network_monitor

    assert (MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.name, MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.name) == (
        SWITCH,
        INTERVAL,
    )
    names = set()
    for monitor in (cpu_monitor.CPUMonitor(), disk_monitor.DiskMonitor(), network_monitor.NetworkMonitor()):
        monitor.collect_metrics()
        names |= monitor.aggregate_metrics().keys()
    assert sample(psutil.net_io_counters()).keys() == names
    monkeypatch.setenv(SWITCH, "false")
    monkeypatch.setenv(INTERVAL, "0.001")
    for on in (False, True):
        with SystemMetrics.sampling() as machine:
            time.sleep(0.5)
        assert bool(machine.taken()) == on
        switch_on()
    monkeypatch.setenv(INTERVAL, "often")
    with pytest.raises(UserError, match="'often', not a number of seconds"), SystemMetrics.sampling():
        pass

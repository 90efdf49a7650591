"""Ray: a cluster of two nodes on this machine gives the same numbers, and a lost node or worker loses no run."""

import contextlib
import dataclasses
import os
import shutil
import socket
import time
from pathlib import Path

import pytest
import stub_runs

from rnnbench.errors import UserError
from rnnbench.events import Ending, Failed, Finished, Measured, Profiled, Started, Taken, Warned
from rnnbench.execution.base import ATTEMPTS
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.in_process import InProcess
from rnnbench.execution.ray import RayExecutor
from rnnbench.experiment import Experiment

ray = pytest.importorskip("ray", reason="needs the extra rnnbench[ray]")

HERE = Path(__file__).parent


@contextlib.contextmanager
def cluster_of(*cpus, **environment):
    """A Ray cluster on this machine, a node for each entry of `cpus`; its workers can import the tests' modules."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent.parent)]))
        cluster = Cluster()
        try:
            for count in cpus:
                cluster.add_node(num_cpus=count, include_dashboard=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@pytest.fixture(scope="module")
def two_nodes():
    with cluster_of(1, 1) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _leave():
    yield
    ray.shutdown()


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def by_run(events):
    found = {}
    for event in events:
        found.setdefault(event.signature, []).append(event)
    return found


def steps(said):
    return [event.step for event in said if isinstance(event, Measured)]


def test_every_run_is_done_once_on_both_nodes(two_nodes, checkpoints):
    runs = stub_runs.specs(6)
    warnings = []
    executor = RayExecutor(two_nodes.address, checkpoints, warn=warnings.append, work=stub_runs.counted)
    assert executor.workers == 2
    found = by_run(executor.execute(runs))
    assert found.keys() == {run.signature for run in runs}
    for said in found.values():
        assert [type(event) for event in (said[0], said[-1])] == [Taken, Finished]
        assert steps(said) == [1, 2, 3, 4, 5]
    assert {said[0].worker for said in found.values()} == {0, 1}
    assert warnings == []
    assert {path.suffix for path in checkpoints.directory.iterdir()} == {".checkpoint"}


def test_a_run_is_left_out_if_it_is_not_claimed(two_nodes):
    runs = stub_runs.specs(3)
    executor = RayExecutor(two_nodes.address, workers=1, work=stub_runs.counted)
    found = by_run(executor.execute(runs, claim=lambda spec: spec.seed != 1))
    assert found.keys() == {run.signature for run in runs if run.seed != 1}
    assert {said[0].worker for said in found.values()} == {0}


def test_a_crash_is_a_failure_of_its_run_only(two_nodes):
    runs = stub_runs.specs(3)
    found = by_run(RayExecutor(two_nodes.address, work=stub_runs.crashes).execute(runs))
    crashed = found.pop(runs[0].signature)[-1]
    assert isinstance(crashed, Failed)
    assert crashed.message == "RuntimeError: as asked for"
    assert "stub_runs.py" in crashed.traceback
    assert all(isinstance(said[-1], Finished) for said in found.values())


def test_a_killed_worker_costs_only_its_run_and_that_goes_on(two_nodes, checkpoints):
    runs = stub_runs.specs(3)
    found = by_run(RayExecutor(two_nodes.address, checkpoints, work=stub_runs.dies_once).execute(runs))
    unlucky = found.pop(runs[0].signature)
    assert [event.resumed for event in unlucky if isinstance(event, Taken)] == [False, True]
    (warning,) = (event for event in unlucky if isinstance(event, Warned))
    assert "its worker process on node" in warning.message
    assert "(2 of 4)" in warning.message
    assert steps(unlucky) == [1, 1, 2, 3, 4, 5]
    assert isinstance(unlucky[-1], Finished)
    assert all(isinstance(said[-1], Finished) for said in found.values())


def test_a_run_whose_worker_always_dies_fails_in_the_end(two_nodes, checkpoints):
    runs = stub_runs.specs(2)
    found = by_run(RayExecutor(two_nodes.address, checkpoints, work=stub_runs.always_dies).execute(runs))
    unlucky, fine = (found[run.signature] for run in runs)
    assert sum(isinstance(event, Taken) for event in unlucky) == ATTEMPTS
    assert isinstance(unlucky[-1], Failed)
    assert f"it was lost {ATTEMPTS} times: at last its worker process on node" in unlucky[-1].message
    assert isinstance(fine[-1], Finished)


def test_cancelled_runs_leave_a_checkpoint_and_go_on_from_it(two_nodes, checkpoints):
    runs = stub_runs.specs(3, steps=30)
    executor = RayExecutor(two_nodes.address, checkpoints, work=stub_runs.slow)
    began, seen = None, []
    for event in executor.execute(runs):
        seen.append(event)
        if isinstance(event, Measured) and event.step == 3 and began is None:
            began = time.monotonic()
            executor.cancel()
            executor.cancel()
    assert time.monotonic() - began < 3
    assert not any(isinstance(event, Ending) for event in seen)
    for signature, said in by_run(seen).items():
        assert steps(checkpoints.load(signature).events) == steps(said)
    found = by_run(RayExecutor(two_nodes.address, checkpoints, work=stub_runs.counted).execute(runs))
    assert sorted(said[0].resumed for said in found.values()) == [False, True, True]
    assert all(steps(said) == list(range(1, 31)) for said in found.values())


def test_closing_ends_the_workers_at_once(two_nodes, checkpoints):
    runs = stub_runs.specs(2, steps=100)
    events = RayExecutor(two_nodes.address, checkpoints, work=stub_runs.slow).execute(runs)
    next(event for event in events if isinstance(event, Measured))
    events.close()
    time.sleep(2)
    reached = {run.signature: steps(checkpoints.load(run.signature).events) for run in runs if _saved(checkpoints, run)}
    time.sleep(1)
    assert all(steps(checkpoints.load(signature).events) == before for signature, before in reached.items())


def _saved(checkpoints, run):
    return checkpoints.load(run.signature) is not None


def test_a_lost_node_loses_no_run(checkpoints):
    runs = stub_runs.specs(6, steps=20)
    with cluster_of(1, 2) as cluster:
        (doomed,) = cluster.worker_nodes
        executor = RayExecutor(cluster.address, checkpoints, work=stub_runs.slow)
        assert executor.workers == 3
        seen = []
        for event in executor.execute(runs):
            seen.append(event)
            if len(checkpoints_of(checkpoints)) == 3 and cluster.worker_nodes:
                cluster.remove_node(doomed, allow_graceful=False)
    warned = [event for event in seen if isinstance(event, Warned)]
    assert len({event.signature for event in warned}) == 2
    assert all("was lost; the run is taken up again (2 of 4)" in event.message for event in warned)
    for said in by_run(seen).values():
        attempts = [at for at, event in enumerate(said) if isinstance(event, Taken)]
        assert [said[at].resumed for at in attempts] == [False, True][: len(attempts)]
        assert steps(said[attempts[-1] :]) == list(range(1, 21))
        assert isinstance(said[-1], Finished)


def checkpoints_of(checkpoints):
    return list(checkpoints.directory.glob("*.checkpoint")) if checkpoints.directory.exists() else []


def test_a_node_that_joins_gets_runs_too(monkeypatch):
    monkeypatch.setattr("rnnbench.execution.ray.LOOK_SECONDS", 0.5)
    with cluster_of(1) as cluster:
        executor = RayExecutor(cluster.address, work=stub_runs.slow)
        workers = set()
        for event in executor.execute(stub_runs.specs(4, steps=40)):
            if isinstance(event, Taken):
                workers.add(event.worker)
                if not cluster.worker_nodes:
                    cluster.add_node(num_cpus=1)
    assert workers == {0, 1}


PLUGIN = """
from rnnbench import register_task
from rnnbench.errors import UserError
from rnnbench.tasks.copy_memory import CopyMemory

@register_task("guarded")
class Guarded(CopyMemory):
    def check_data(self):
        import os
        if not os.path.exists(os.environ["RNNBENCH_MANUAL_DIR"] + "/data"):
            raise UserError(os.environ["RNNBENCH_MANUAL_DIR"] + ": the data are missing")
"""


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """The runs of a task with data, in a plug-in of its own."""
    from rnnbench.registry import load_plugins

    plugin, name = tmp_path / "guarded.py", f"guarded_{tmp_path.name.replace('-', '_')}"
    plugin.write_text(PLUGIN.replace('"guarded"', f'"{name}"'))
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


def complaint(executor, runs):
    with pytest.raises(UserError) as caught:
        list(executor.execute(runs))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_starts_where_data_or_a_plugin_are_missing(two_nodes, guarded, tmp_path):
    executor = RayExecutor(two_nodes.address, work=stub_runs.counted)
    assert isinstance(list(executor.execute(guarded))[-1], Finished)
    (tmp_path / "data").unlink()
    assert f"{tmp_path}: the data are missing" in complaint(executor, guarded)
    ray.shutdown()
    executor = RayExecutor(two_nodes.address, work=stub_runs.counted)
    plugin = tmp_path / "guarded.py"
    plugin.write_text(plugin.read_text() + "\n# changed\n")
    assert "would not be the same run there: the code of" in complaint(executor, guarded)
    ray.shutdown()
    executor = RayExecutor(two_nodes.address, work=stub_runs.counted)
    plugin.unlink()
    message = complaint(executor, guarded)
    assert f"plugin '{plugin}' is not a Python file that exists" in message
    assert message.count("node ") == 2


def test_nothing_starts_where_rnnbench_is_missing_or_another(two_nodes, monkeypatch):
    monkeypatch.setattr("rnnbench.__version__", "9.9")
    executor = RayExecutor(two_nodes.address, work=stub_runs.counted)
    assert "rnnbench is 0." in (message := complaint(executor, stub_runs.specs(1)))
    assert "there and 9.9 here" in message


def test_no_cluster_is_one_line_within_seconds():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(UserError, match=f"no Ray cluster answers at 127.0.0.1:{port} .Connection refused"):
            RayExecutor(f"127.0.0.1:{port}")
        silent.listen()
        with pytest.raises(UserError, match="is not the head of a Ray cluster"):
            RayExecutor(f"127.0.0.1:{port}")
        assert time.monotonic() - began < 15
    with pytest.raises(UserError, match="must be HOST:PORT"):
        RayExecutor("ray://127.0.0.1:10001")


def test_runs_of_a_node_that_does_not_see_the_checkpoints_start_over(two_nodes, checkpoints, monkeypatch):
    # As on a machine that has a directory of that name, and other files in it.
    monkeypatch.setattr("rnnbench.execution.ray._token", lambda _: contextlib.nullcontext(Path("/nowhere/token")))
    warnings = []
    executor = RayExecutor(two_nodes.address, checkpoints, warn=warnings.append, work=stub_runs.counted)
    assert all(isinstance(said[-1], Finished) for said in by_run(executor.execute(stub_runs.specs(2))).values())
    assert len(warnings) == 2
    assert all("does not see /nowhere: runs that are interrupted there start over" in line for line in warnings)
    assert not checkpoints.directory.exists()

"""Ray: two nodes on this machine give bit-identical results, and a lost node or worker loses no run."""

import contextlib
import dataclasses
import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from rnnbench.errors import UserError
from rnnbench.events import (
    Answered,
    Dispatched,
    Ending,
    Failed,
    Finished,
    Measured,
    Profiled,
    Scored,
    Started,
    Warned,
)
from rnnbench.execution.base import ATTEMPTS
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.in_process import InProcess
from rnnbench.execution.preflight import Findings, Requirements
from rnnbench.execution.ray import RayExecutor
from rnnbench.execution.ray_cluster import Node, Room
from rnnbench.experiment.definition import Experiment
from rnnbench.registry import load_plugins
from tests.execution import stub_runs
from tests.execution.drivers import Driver, assert_equal, undisturbed, wait_for, write_grid

ray = pytest.importorskip("ray", reason="needs the extra rnnbench[ray]")

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def cluster_of(*cpus):
    """A Ray cluster on this machine, a node for each entry of `cpus`; its workers can import the tests' modules."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(ROOT))
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


def lives(process):
    """Orphans of a killed driver may stay zombies for a while."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


EVENT_TYPES = {Dispatched, Started, Measured, Profiled, Scored, Answered, Finished}


def trained_specs(models, seeds, **training):
    """Runs that train: small, and one of a cell of a plug-in."""
    plugin = str(ROOT / "tests" / "plugins" / "troubled.py")
    load_plugins([plugin])
    return Experiment(
        name="trained",
        plugins=(plugin,),
        tasks={"troubled": {"lag": 2, "symbols": 1, "examples": 20}},
        models={model: {"units": 4} for model in models},
        seeds=seeds,
        training={
            "steps": 4,
            "batch_size": 4,
            "evaluate_every": 2,
            "stop_when_solved": False,
            "implementation": "stock",
        }
        | training,
        gradients={"examples": 2},
    ).runs


def numbers(events):
    """The events of each run's last attempt, without timings."""
    found = {}
    for event in events:
        if isinstance(event, Dispatched):
            found[event.signature] = []
        elif isinstance(event, Finished):
            metrics = {name: value for name, value in event.metrics.items() if not name.startswith("seconds")}
            found[event.signature].append(dataclasses.replace(event, metrics=metrics))
        else:
            found[event.signature].append(event)
    return found


def losing_a_node(cluster, checkpoints, events):
    """Pass `events` on; kill the cluster's second node when all three runs that go on have a checkpoint."""
    (doomed,) = cluster.worker_nodes
    for event in events:
        yield event
        if cluster.worker_nodes and len(saved(checkpoints)) == 3:
            cluster.remove_node(doomed, allow_graceful=False)
    assert not cluster.worker_nodes


def saved(checkpoints):
    return sorted(checkpoints.directory.glob("*.checkpoint"))


def by_run(events):
    found = {}
    for event in events:
        found.setdefault(event.signature, []).append(event)
    return found


def steps(said):
    return [event.step for event in said if isinstance(event, Measured)]


@pytest.mark.slow
def test_results_are_bit_identical_to_local_ones(two_nodes, checkpoints):
    runs = trained_specs(models=("leaky", "gru"), seeds=2)
    expected = numbers(InProcess().execute(runs))
    found = list(RayExecutor(two_nodes.address, checkpoints).execute(runs))
    assert {event.worker for event in found if isinstance(event, Dispatched)} == {0, 1}
    assert all({type(event) for event in said} == EVENT_TYPES for said in by_run(found).values())
    assert numbers(found) == expected


def test_every_run_that_is_claimed_is_done_once_on_both_nodes(two_nodes, checkpoints):
    runs = stub_runs.specs(6)
    warnings = []
    executor = RayExecutor(two_nodes.address, checkpoints, warn=warnings.append, work=stub_runs.counted)
    assert executor.workers == 2
    found = by_run(executor.execute(runs, claim=lambda spec: spec.seed != 1))
    assert found.keys() == {run.signature for run in runs if run.seed != 1}
    for said in found.values():
        assert [type(event) for event in (said[0], said[-1])] == [Dispatched, Finished]
        assert steps(said) == [1, 2, 3, 4, 5]
    assert {said[0].worker for said in found.values()} == {0, 1}
    assert warnings == []
    assert {path.suffix for path in checkpoints.directory.iterdir()} == {".checkpoint"}


@pytest.mark.slow
def test_a_run_in_trouble_affects_no_other(two_nodes, checkpoints):
    runs = stub_runs.specs(5)
    executor = RayExecutor(two_nodes.address, checkpoints, work=stub_runs.troubled)
    found = by_run(executor.execute(runs))
    crashed, unlucky, doomed, *fine = (found[run.signature] for run in runs)
    assert crashed[-1].message == "RuntimeError: as asked for"
    assert "stub_runs.py" in crashed[-1].traceback

    (warning,) = (event for event in unlucky if isinstance(event, Warned))
    assert warning.message.startswith("its worker process on node ")
    assert warning.message.endswith(" died; retrying (attempt 2 of 4)")
    last = max(at for at, event in enumerate(unlucky) if isinstance(event, Dispatched))
    assert unlucky[last].resumed
    assert steps(unlucky[last:]) == [1, 2, 3, 4, 5]
    assert isinstance(unlucky[-1], Finished)

    assert sum(isinstance(event, Warned) for event in doomed) == ATTEMPTS - 1
    assert isinstance(doomed[-1], Failed)
    assert doomed[-1].message.startswith(
        f"it was lost {ATTEMPTS} times, the last time because its worker process on node "
    )
    assert doomed[-1].traceback == ""
    assert all(isinstance(said[-1], Finished) for said in fine)


@pytest.mark.slow
def test_cancelled_runs_save_a_checkpoint_and_resume_from_it(two_nodes, checkpoints):
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
    ray.shutdown()
    found = by_run(RayExecutor(two_nodes.address, checkpoints, work=stub_runs.counted).execute(runs))
    assert sorted(said[0].resumed for said in found.values()) == [False, True, True]
    assert all(steps(said) == list(range(1, 31)) for said in found.values())


def test_closing_ends_the_workers_at_once(two_nodes, checkpoints):
    runs = stub_runs.specs(2, steps=1000)
    events = RayExecutor(two_nodes.address, checkpoints, work=stub_runs.slow).execute(runs)
    while len(saved(checkpoints)) < 2:
        next(events)
    events.close()
    time.sleep(1)
    before = [path.read_bytes() for path in saved(checkpoints)]
    time.sleep(1)
    assert [path.read_bytes() for path in saved(checkpoints)] == before


@pytest.mark.slow
def test_a_lost_node_loses_no_run(checkpoints):
    runs = stub_runs.specs(6, steps=20)
    with cluster_of(1, 2) as cluster:
        executor = RayExecutor(cluster.address, checkpoints, work=stub_runs.slow)
        assert executor.workers == 3
        seen = list(losing_a_node(cluster, checkpoints, executor.execute(runs)))
    warned = [event for event in seen if isinstance(event, Warned)]
    assert len({event.signature for event in warned}) == 2
    assert all("was lost; retrying (attempt 2 of 4)" in event.message for event in warned)
    for said in by_run(seen).values():
        attempts = [at for at, event in enumerate(said) if isinstance(event, Dispatched)]
        assert [said[at].resumed for at in attempts] == [False, True][: len(attempts)]
        assert steps(said[attempts[-1] :]) == list(range(1, 21))
        assert isinstance(said[-1], Finished)


@pytest.mark.slow
def test_the_store_is_bit_identical_although_a_node_is_lost(tmp_path):
    write_grid(tmp_path)
    expected = undisturbed(tmp_path)
    checkpoints = Checkpoints(tmp_path / "store" / "checkpoints" / "grid")
    with cluster_of(1, 1) as cluster:
        driver = Driver(tmp_path, "--executor", "ray", "--address", cluster.address, pace=0.02)
        wait_for(lambda: driver.is_over or len(saved(checkpoints)) == 2)
        cluster.remove_node(*cluster.worker_nodes, allow_graceful=False)
        assert driver.end() == 0, driver.said()
    assert driver.said().count("was lost; retrying (attempt 2 of 4)") == 1
    assert "(raylet)" not in driver.said()
    assert_equal(tmp_path, expected)


@pytest.mark.slow
def test_signals_leave_checkpoints_and_no_process(tmp_path):
    write_grid(tmp_path)
    for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)):
        driver = Driver(tmp_path, "--executor", "ray", "--workers", "2", pace=0.2)
        driver.wait_until_it_works()
        processes = psutil.Process(driver.process.pid).children(recursive=True)
        # A terminal sends Ctrl-C to all processes in it.
        os.killpg(driver.process.pid, sent) if sent == signal.SIGINT else driver.process.send_signal(sent)
        assert driver.end() == code, driver.said()
        assert sent == signal.SIGKILL or "rnnbench run grid.yaml" in driver.said()
        assert saved(Checkpoints(tmp_path / "store" / "checkpoints" / "grid"))
        # Ray itself needs a minute to notice a driver that was killed.
        wait_for(lambda: not any(map(lives, processes)), within=120, every=1)  # noqa: B023
    driver = Driver(tmp_path, "--executor", "ray", "--workers", "2")
    assert driver.end() == 0, driver.said()
    assert_equal(tmp_path, undisturbed(tmp_path))


@pytest.mark.slow
def test_a_node_that_joins_gets_runs_too(monkeypatch):
    monkeypatch.setattr("rnnbench.execution.ray.DISCOVERY_SECONDS", 0.5)
    with cluster_of(1) as cluster:
        executor = RayExecutor(cluster.address, work=stub_runs.slow)
        workers = set()
        for event in executor.execute(stub_runs.specs(4, steps=40)):
            if isinstance(event, Dispatched):
                workers.add(event.worker)
                if not cluster.worker_nodes:
                    cluster.add_node(num_cpus=1)
    assert workers == {0, 1}


def test_nothing_starts_where_data_or_a_plugin_are_missing(two_nodes, guarded, tmp_path):
    executor = RayExecutor(two_nodes.address, work=stub_runs.counted)
    assert isinstance(list(executor.execute(guarded))[-1], Finished)
    (tmp_path / "data").unlink()
    assert f"{tmp_path}: the data are missing" in complaint(executor, guarded)
    ray.shutdown()
    Path(*guarded[0].plugins).unlink()
    message = complaint(RayExecutor(two_nodes.address, work=stub_runs.counted), guarded)
    assert f"plugin '{guarded[0].plugins[0]}' is not a Python file that exists" in message
    assert message.count("node ") == 2


def complaint(executor, runs):
    with pytest.raises(UserError) as caught:
        list(executor.execute(runs))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_cluster_is_one_line_within_seconds():
    with socket.socket() as silent:
        silent.bind(("", 0))
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(UserError, match=rf"no Ray cluster answers at \S+:{port} \(Connection refused\)"):
            RayExecutor(f"127.0.0.1:{port}")
        silent.listen()
        with pytest.raises(UserError, match="is not the head of a Ray cluster"):
            RayExecutor(f"127.0.0.1:{port}")
        assert time.monotonic() - began < 15
    with pytest.raises(UserError, match="must be HOST:PORT"):
        RayExecutor("ray://127.0.0.1:10001")


def test_ray_is_an_extra():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        with pytest.raises(UserError, match=r"pip install 'rnnbench\[ray\]'"):
            RayExecutor(None)


@dataclasses.dataclass
class FewNodes:
    """Stands in for a cluster: nodes by what they lack."""

    findings: dict

    def nodes(self):
        return [Node(name, name, slots=2, memory=5_000) for name in self.findings]

    def ask(self, nodes, requirements):
        return {node: self.findings[node.id] for node in nodes}

    def answers(self, asked, within):
        return {node: self.findings[node.id] for node in asked if self.findings[node.id] is not None}


def test_only_fit_nodes_have_room():
    cluster = FewNodes({"a": Findings(sees_checkpoints=True), "b": Findings()})
    warnings = []
    room = Room(cluster, Requirements({}, (), Path("/store/checkpoints/token")), 3, warnings.append)
    assert warnings == [
        "node b does not see /store/checkpoints: runs that are interrupted there will start over; put the store on a "
        "file system that all nodes share"
    ]
    a = room.free([])
    assert (a.id, a.checkpoints) == ("a", True)
    b = room.free([a])
    assert (b.id, b.checkpoints) == ("b", False)
    assert room.free([a, b, a]) is None
    room.drop(a)
    assert room.free([b]) is b
    assert room.free([b, b]) is None

    cluster.findings = {"b": Findings(), "c": Findings(("no data",)), "a": Findings()}
    room.update()
    room.update()
    assert warnings[1:] == ["node c: no data; it will get no runs"]
    assert room.free([b, b]) is None


def test_nothing_waits_for_a_node_that_joins(monkeypatch):
    cluster = FewNodes({"a": Findings()})
    warnings = []
    room = Room(cluster, Requirements({}, (), None), None, warnings.append)
    a = room.free([])
    cluster.findings = {"a": Findings(), "slow": None, "silent": None}
    room.update()
    assert room.free([a, a]) is None
    cluster.findings["slow"] = Findings()
    room.update()
    assert room.free([a, a]).id == "slow"
    monkeypatch.setattr("rnnbench.execution.ray_cluster.EXAMINE_SECONDS", 0)
    cluster.findings["late"] = None
    room.update()
    assert warnings == ["node late: it did not answer within 0 s; it will get no runs"]


@pytest.mark.parametrize(("memory", "slots"), [(0, 2), (2_500, 2), (2_501, 1), (6_000, 1)])
def test_a_node_gets_the_runs_that_fit_into_its_memory(memory, slots):
    room = Room(FewNodes({"a": Findings()}), Requirements({}, (), None, memory), None, print)
    a = room.free([])
    assert room.free([a] * (slots - 1)) is a
    assert room.free([a] * slots) is None


@pytest.mark.parametrize(("shards", "cores", "slots"), [(1, 1, 2), (2, 2, 1), (3, 2, 1)])
def test_runs_in_shards_take_as_many_cores_or_all_that_a_node_has(shards, cores, slots):
    room = Room(FewNodes({"a": Findings()}), Requirements({}, (), None, cores=shards), None, print)
    a = room.free([])
    assert (a.cores, a.slots) == (cores, slots)
    assert room.free([a] * slots) is None


def test_nothing_starts_if_a_node_is_not_fit():
    with pytest.raises(UserError, match="node a: no data, no disk; node b: no memory"):
        Room(
            FewNodes({"a": Findings(("no data", "no disk")), "b": Findings(("no memory",))}),
            Requirements({}, (), None),
            None,
            print,
        )

"""A Ray cluster as the executor sees it: nodes with room for some runs, examined before they get any."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rnnbench.datasets import location
from rnnbench.errors import UserError
from rnnbench.execution.base import quiet_tensorflow
from rnnbench.execution.machine import cores
from rnnbench.execution.preflight import Findings, Requirements, examine
from rnnbench.text.credentials import masked_address, scrubbed

ANSWER_SECONDS = 5.0
EXAMINE_SECONDS = 180.0
"""Long, because a plug-in may import TensorFlow, which is slow on a busy machine."""
FORWARDED = ("RNNBENCH_", "TFDS_", "TF_", "KERAS_", "XLA_")
"""Prefixes of the environment variables that results depend on."""


@dataclass(frozen=True, eq=False)
class Node:
    """A machine of the cluster."""

    id: str
    address: str
    slots: int
    """Number of runs at a time."""
    cores: int = 1
    """CPUs that each of them takes."""
    memory: int = 0
    """Bytes of memory for all of them."""
    checkpoints: bool = False
    """Whether it sees the driver's checkpoints."""
    networks: set[tuple[object, ...]] = field(default_factory=set)
    """The networks that some process there has compiled."""


class Cluster:
    """The connection of this process to Ray, until it ends."""

    def __init__(self, address: str | None, workers: int | None) -> None:
        """Join the cluster at `address` (HOST:PORT of its head) or `RAY_ADDRESS`, else start one on this machine.

        Raises `UserError` if Ray is not installed or there is no such cluster.
        """
        address = address or os.environ.get("RAY_ADDRESS")
        self.has_cores = bool(address) or workers is None
        """Whether its CPUs stand for cores, and not for the workers that a user wants."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        ray = _import_ray()
        if address:
            _check_that_ray_answers(address)
            place: dict[str, Any] = {"address": address}
        else:
            place = {"address": "local", "num_cpus": workers or cores(), "include_dashboard": False}
        try:
            ray.init(
                **place, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": _environment()}
            )
        except (ray.exceptions.RayError, RuntimeError, ValueError, OSError, TimeoutError) as error:
            ray.shutdown()
            reason = str(error).strip().partition("\n")[0]
            if address and os.environ.get("RAY_AUTH_MODE") != "token":
                reason += "; if the cluster requires a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN here too"
            head = f"at {masked_address(address)}" if address else "on this machine"
            raise UserError(f"cannot join the Ray cluster {head}: {scrubbed(reason)}") from error
        # Ray prints 25 lines for each lost node, without a switch; the executor reports it in one line.
        ray._private.worker.print_to_stdstream = lambda *args, **kwargs: None

    def nodes(self) -> list[Node]:
        """The live nodes with room: one run per GPU if the cluster has GPUs, else one per CPU."""
        import ray

        kinds = ("CPU", "GPU") if self.has_gpus else ("CPU",)
        nodes = []
        for node in ray.nodes():
            resources = node["Resources"]
            slots = min(int(resources.get(kind, 0)) for kind in kinds)
            if node["Alive"] and slots:
                nodes.append(Node(node["NodeID"], node["NodeManagerAddress"], slots, int(resources.get("memory", 0))))
        return nodes

    @property
    def has_gpus(self) -> bool:
        import ray

        return any(node["Alive"] and node["Resources"].get("GPU", 0) >= 1 for node in ray.nodes())

    def on(self, node_id: str) -> Any:
        """The scheduling strategy that pins a task to one node."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node_id, soft=False)

    def here(self) -> Any:
        """The scheduling strategy that pins an actor to the driver's node."""
        import ray

        return self.on(ray.get_runtime_context().get_node_id())

    def ask(self, nodes: Sequence[Node], requirements: Requirements) -> dict[Node, Any]:
        """Start to examine each node; pass the result to `answers`."""
        import ray

        probe = ray.remote(examine)
        asked = ray.put(requirements)
        return {
            node: probe.options(num_cpus=0, max_retries=1, scheduling_strategy=self.on(node.id)).remote(asked)
            for node in nodes
        }

    def answers(self, asked: dict[Node, Any], within: float) -> dict[Node, Findings]:
        """The findings of the nodes that answer within so many seconds."""
        import ray

        ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=within)
        return {node: _answer(answer) for node, answer in asked.items() if answer in ready}


class Room:
    """The nodes that may take runs: those present at the start or joining later, minus those lost."""

    def __init__(
        self, cluster: Cluster, requirements: Requirements, limit: int | None, warn: Callable[[str], None]
    ) -> None:
        """Examine every node. Raises `UserError` if one is unfit, and warns if one does not see the checkpoints."""
        self._cluster = cluster
        self._requirements = requirements
        self._limit = limit
        self._warn = warn
        self._known: set[str] = set()
        self._asked: dict[Node, Any] = {}
        self._deadlines: dict[Node, float] = {}
        self._nodes: dict[str, Node] = {}
        self._ask(cluster.nodes())
        problems = self._admit(EXAMINE_SECONDS)
        if problems:
            raise UserError("; ".join(problems))

    def update(self) -> None:
        """Admit nodes that joined and have answered; warn of unfit ones and leave them out."""
        self._ask([node for node in self._cluster.nodes() if node.id not in self._known])
        for problem in self._admit(0):
            self._warn(f"{problem}; it will get no runs")

    def drop(self, node: Node) -> None:
        """Remove a lost node: Ray itself takes some seconds to notice."""
        self._nodes.pop(node.id, None)

    def free(self, busy: list[Node]) -> Node | None:
        """The node with the most free slots given the `busy` ones (one entry per run), or None."""
        if self._limit is not None and len(busy) >= self._limit:
            return None
        taken = Counter(node.id for node in busy)
        free = max(self._nodes.values(), key=lambda node: node.slots - taken[node.id], default=None)
        return free if free and free.slots > taken[free.id] else None

    def _ask(self, nodes: list[Node]) -> None:
        if nodes:
            self._known.update(node.id for node in nodes)
            self._asked |= self._cluster.ask(nodes, self._requirements)
            self._deadlines |= dict.fromkeys(nodes, time.monotonic() + EXAMINE_SECONDS)

    def _admit(self, within: float) -> list[str]:
        """Admit the nodes that answer within so many seconds and are fit; return the problems of the others."""
        if not self._asked:
            return []
        found = self._cluster.answers(self._asked, within)
        silent = Findings((f"it did not answer within {EXAMINE_SECONDS:.0f} s",))
        found = {node: silent for node in self._asked if time.monotonic() >= self._deadlines[node]} | found
        problems = []
        for node, findings in found.items():
            del self._asked[node], self._deadlines[node]
            if findings.problems:
                problems.append(f"node {node.address}: {', '.join(findings.problems)}")
                continue
            fitting = node.memory // self._requirements.memory if self._requirements.memory else node.slots
            cores = min(node.slots, self._requirements.cores)
            slots = max(1, min(node.slots // cores, fitting))
            self._nodes[node.id] = replace(node, slots=slots, cores=cores, checkpoints=findings.sees_checkpoints)
            if self._requirements.token and not findings.sees_checkpoints:
                self._warn(
                    f"node {node.address} does not see {self._requirements.token.parent}: runs that are interrupted "
                    "there will start over; put the store on a file system that all nodes share"
                )
        return problems


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError("--executor ray needs Ray: pip install 'rnnbench[ray]'") from None
    return ray


def _check_that_ray_answers(address: str) -> None:
    """Raise `UserError` unless a Ray head answers: Ray itself would retry for minutes and flood the terminal."""
    from ray.util import get_node_ip_address

    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise UserError(
            f"--address {masked_address(address)}: must be HOST:PORT of the cluster's head, e.g. 10.0.0.1:6379"
        )
    # Ray takes these to mean the address by which other machines reach this one.
    host = get_node_ip_address() if host in ("localhost", "127.0.0.1") else host
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"no Ray cluster answers at {host}:{port} ({reason}); start one there: ray start --head --port {port}"
        ) from None
    if not _is_healthy(f"{host}:{port}"):
        raise UserError(f"what answers at {host}:{port} is not the head of a Ray cluster")


def _is_healthy(address: str) -> bool:
    import grpc

    if os.environ.get("RAY_USE_TLS") == "1":
        return True  # only Ray itself has the keys for this request
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    return True


def _environment() -> dict[str, str]:
    """Environment variables for the workers, so that they find the same data and compute bit-identical results."""
    quiet_tensorflow()
    chosen = {name: value for name, value in os.environ.items() if name.startswith(FORWARDED)}
    # Relative paths would point elsewhere there.
    places = {
        "TFDS_DATA_DIR": location.data_dir,
        "RNNBENCH_MANUAL_DIR": location.manual_dir,
        "RNNBENCH_CACHE_DIR": location.cache_dir,
    }
    # NumPy reads it on import; what a run does beside its shards has one CPU.
    chosen |= {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "tensorflow"}
    return chosen | {name: str(place()) for name, place in places.items() if name in chosen}


def _answer(answer: Any) -> Findings:
    import ray

    try:
        found: Findings = ray.get(answer)
    except ray.exceptions.RayError as error:
        return Findings((_reason(error),))
    return found


def _reason(error: Exception) -> str:
    """The last line of a remote traceback, which holds the error itself."""
    lines = str(error).strip().splitlines()
    if any("No module named 'rnnbench" in line for line in lines):
        return "rnnbench is not installed in the Python that Ray was started with"
    return lines[-1].strip() if lines else type(error).__name__

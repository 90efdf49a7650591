"""The processes of the peers: tied to their cores, honest about their ends, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from rnnbench.bench import run
from rnnbench.bench.peers import PEERS, Peer
from rnnbench.bench.problem import Problem
from rnnbench.bench.process import PeerError, PeerProcess

ROOT = Path(__file__).parent.parent.parent
TINY = Problem("gru", 4, 10, 8)


def workers(parent):
    return [child for child in psutil.Process(parent).children() if "rnnbench.bench.worker" in child.cmdline()]


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_process_is_tied_to_its_cores_and_we_are_not():
    mine = os.sched_getaffinity(0)
    with PeerProcess("floor", 1, 60) as process:
        assert process.ask("prepare", TINY)["loss"] is None
        (worker,) = workers(os.getpid())
        assert worker.cpu_affinity() == [max(mine)]
        assert process.ask("run", TINY, steps=3)["seconds"] > 0
    assert os.sched_getaffinity(0) == mine
    assert not worker.is_running()


def test_a_mistake_in_a_peer_is_told_and_the_process_lives_on():
    with PeerProcess("floor", 1, 60) as process:
        with pytest.raises(PeerError, match="KeyError"):
            process.ask("run", TINY, steps=1)
        process.ask("prepare", TINY)
        assert process.ask("run", TINY, steps=1)["seconds"] > 0


def test_a_process_that_dies_is_told_and_the_next_question_starts_another():
    with PeerProcess("floor", 1, 60) as process:
        process.ask("prepare", TINY)
        (worker,) = workers(os.getpid())
        worker.kill()
        with pytest.raises(PeerError, match="its process died"):
            process.ask("run", TINY, steps=1)
        process.ask("prepare", TINY)


def test_who_does_not_answer_in_time_is_ended():
    with PeerProcess("floor", 1, 0.2) as process:
        with pytest.raises(PeerError, match=r"over 0 s"):
            process.ask("prepare", Problem("lstm", 4096, 4000, 512))
        assert workers(os.getpid()) == []


def test_peers_that_are_not_installed_have_a_row_that_says_so(monkeypatch):
    monkeypatch.setitem(PEERS, "torch", Peer("PyTorch", "", "nothing:Nothing", ("no_such_package",)))
    plan = run.Plan(["gru"], [(4, 10, 8)], ["torch", "floor"], [1], ["steps"], seconds=0, patience=60)
    assert plan.absent == ["torch"]
    ((file, rows),) = run.rows(plan)
    assert file == "steps.csv"
    assert {row["peer"]: row["status"] for row in rows} == {"floor": "measured", "torch": "not installed"}


def test_leaving_in_the_middle_leaves_no_process():
    plan = run.Plan(["gru"], [(4, 10, 8)] * 2, ["floor"], [1], ["steps"], seconds=0, patience=60)
    with closing(run.rows(plan)) as rows:
        next(rows)
        assert len(workers(os.getpid())) == 1
    assert workers(os.getpid()) == []


def test_ctrl_c_leaves_no_process(tmp_path):
    command = [
        sys.executable,
        "-m",
        "rnnbench",
        "bench",
        "--only",
        "steps",
        "--cores",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    bench = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: len(workers(bench.pid)) >= 3)
        left = workers(bench.pid)
        bench.send_signal(signal.SIGINT)
        assert bench.wait(60) == 130
    finally:
        bench.kill()
    wait_until(lambda: not any(worker.is_running() for worker in left))
    assert not (tmp_path / "out").exists()

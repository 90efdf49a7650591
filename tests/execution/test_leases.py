"""A run has one holder at most, and none that is dead."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.execution.leases import Leases

ROOT = Path(__file__).parents[2]
CLAIM_ALL = """
import sys, time
from pathlib import Path
from rnnbench.execution.leases import Leases
with Leases(Path(sys.argv[1])) as leases:
    sys.stdin.readline()
    print(*(name for name in map(str, range(50)) if leases.claim(name)), flush=True)
    sys.stdin.readline()
"""


def another_driver(directory):
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM_ALL, str(directory)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_claim_is_exclusive_until_it_is_released(tmp_path):
    with Leases(tmp_path / "l") as one, Leases(tmp_path / "l") as other:
        assert one.taken(["a"]) == set()
        assert one.claim("a")
        assert one.claim("a")
        assert not other.claim("a")
        assert other.claim("b")
        assert one.taken("abc") == other.taken("abc") == {"a", "b"}
        one.release("a")
        one.release("a")
        assert other.taken("abc") == {"b"}
        assert other.claim("a")
    assert list((tmp_path / "l").iterdir()) == []


def test_processes_that_claim_at_once_get_every_run_once(tmp_path):
    drivers = [another_driver(tmp_path) for _ in range(4)]
    for driver in drivers:
        go(driver)
    claimed = [driver.stdout.readline().split() for driver in drivers]
    assert sorted(itertools.chain(*claimed), key=int) == [str(number) for number in range(50)]
    for driver in drivers:
        driver.communicate("\n", timeout=30)
    assert list(tmp_path.iterdir()) == []


def test_the_runs_of_a_killed_driver_are_free_at_once(tmp_path):
    driver = another_driver(tmp_path)
    go(driver)
    assert len(driver.stdout.readline().split()) == 50
    with Leases(tmp_path) as leases:
        assert leases.taken(["7"]) == {"7"}
        assert not leases.claim("7")
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        assert leases.taken(["7"]) == set()
        assert leases.claim("7")


def test_the_lease_of_another_machine_lasts_while_it_is_renewed(tmp_path, monkeypatch):
    """Machines that share a directory do not always see each other's locks: here nobody sees any."""
    monkeypatch.setattr("rnnbench.execution.leases._lock", lambda *_, **__: True)
    here = Leases(tmp_path, expiry=0.5, host="here")
    with Leases(tmp_path, expiry=0.5, renewal=0.1, host="there") as there:
        assert there.claim("a")
        time.sleep(1)
        assert here.taken("a") == {"a"}
        assert not here.claim("a")
        there._over.set()  # It dies.
        time.sleep(1)
        assert here.taken("a") == set()
        assert here.claim("a")
    with here:
        assert here.claim("b")


def test_a_lease_without_a_name_in_it_is_free(tmp_path):
    """Of a driver that was killed between making the file and writing into it."""
    (tmp_path / "a").touch()
    with Leases(tmp_path) as leases:
        assert leases.taken("a") == set()
        assert leases.claim("a")


def test_claims_while_others_look(tmp_path):
    """`rnnbench status` must not make a claim fail."""
    over = threading.Event()

    def look():
        while not over.is_set():
            Leases(tmp_path).taken(["a"])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        with Leases(tmp_path) as leases:
            for _ in range(200):
                assert leases.claim("a")
                leases.release("a")
    finally:
        over.set()
        thread.join()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/l: cannot be written: Not a directory"):
        Leases(tmp_path / "file" / "l").claim("a")

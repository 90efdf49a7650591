"""A run has at most one holder, and never a dead one."""

import dataclasses
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.execution.holder import Holder
from rnnbench.execution.leases import Leases
from tests.other_user import as_user, only_root, shared_folder

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
        there._closed.set()  # It dies.
        time.sleep(1)
        assert here.taken("a") == set()
        assert here.claim("a")
    with here:
        assert here.claim("b")


def test_a_lease_without_a_name_in_it_is_free(tmp_path):
    """Its driver was killed after creating the file and before writing to it."""
    (tmp_path / "a").touch()
    with Leases(tmp_path) as leases:
        assert leases.taken("a") == set()
        assert leases.claim("a")


def test_claims_while_others_read(tmp_path):
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


def elsewhere(tmp_path, **changes):
    """A holder that could be anywhere, here but for what is changed."""
    holder = Holder.here(tmp_path.stat().st_dev)
    return dataclasses.replace(holder, **({"host": "pod-1", "pid": 1} | changes))


def leave(tmp_path, content, age=0.0, name="a"):
    """A lease that nobody has locked."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.to_bytes())
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def no_locks(monkeypatch):
    monkeypatch.setattr("rnnbench.execution.leases._lock", lambda *_, **__: None)


def test_a_dead_holder_on_this_kernel_is_known_at_once_whatever_its_host_was_called(tmp_path):
    leave(tmp_path, elsewhere(tmp_path, processes=5))
    with Leases(tmp_path) as leases:
        assert leases.taken("a") == set()
        assert leases.claim("a")


@pytest.mark.parametrize("changes", [{"machine": "another kernel"}, {"disk": -1}], ids=["kernel", "mount"])
def test_a_lease_whose_lock_could_not_be_seen_lasts_until_it_expires(tmp_path, changes):
    """Also if the other machine has our host's name, and there is such a process here."""
    holder = elsewhere(tmp_path, host=socket.gethostname(), pid=os.getpid(), **changes)
    leave(tmp_path, holder)
    leave(tmp_path, holder, age=61, name="b")
    with Leases(tmp_path) as leases:
        assert leases.taken("ab") == {"a"}
        assert (leases.claim("a"), leases.claim("b")) == (False, True)


def test_an_unreadable_lease_counts_as_another_machines(tmp_path):
    old_format = f"{socket.gethostname()} {os.getpid()}\n".encode()
    for number, content in enumerate((b"\0" * 50, b"\xff{", b"[1, 2]", b'{"host": "x"}', old_format)):
        leave(tmp_path, content, name=f"fresh {number}")
        leave(tmp_path, content, name=f"old {number}", age=61)
    names = {path.name for path in tmp_path.iterdir()}
    with Leases(tmp_path) as leases:
        assert leases.taken(names) == {name for name in names if name.startswith("fresh")}
        assert all(leases.claim(name) == name.startswith("old") for name in names)


def test_without_locks_the_process_is_looked_up(tmp_path, no_locks):
    mine = elsewhere(tmp_path, pid=os.getpid())
    leave(tmp_path, mine, age=61, name="lives")
    leave(tmp_path, dataclasses.replace(mine, began=mine.began - 1), name="number used again")
    leave(tmp_path, dataclasses.replace(mine, pid=2**22 + 1), name="dead")
    leave(tmp_path, dataclasses.replace(mine, processes=5), name="another container")
    names = {path.name for path in tmp_path.iterdir()}
    assert Leases(tmp_path).taken(names) == {"lives", "another container"}


def test_a_wait_ends_when_a_lease_expires(tmp_path, monkeypatch):
    """By the file system's clock, or by our own if the lease is from the future."""
    monkeypatch.setattr("rnnbench.execution.leases.POLL_SECONDS", 0.02)
    said = []
    for name, age in (("a", -86_400.0), ("b", 0.0)):
        leave(tmp_path, elsewhere(tmp_path, machine="x"), age=age, name=name)
        with Leases(tmp_path, expiry=0.3) as leases:
            assert not leases.claim(name)
            assert leases.wait_for_any([name], say=said.append)
            assert leases.claim(name)
    assert said == ["waiting up to 0 s to see whether `rnnbench run` on pod-1, which holds runs, is still alive"] * 2


def test_a_wait_ends_when_all_that_others_hold_is_renewed(tmp_path, monkeypatch):
    monkeypatch.setattr("rnnbench.execution.leases.POLL_SECONDS", 0.02)
    path, began = leave(tmp_path, elsewhere(tmp_path, machine="x")), time.monotonic()
    timer = threading.Timer(0.2, os.utime, [path])
    timer.start()
    assert not Leases(tmp_path).wait_for_any(["a"], say=lambda line: None)
    assert time.monotonic() - began < 30
    timer.join()


def test_no_wait_for_a_driver_known_to_be_alive_nor_after_a_signal(tmp_path):
    with Leases(tmp_path) as other:
        assert other.claim("a")
        assert not Leases(tmp_path).wait_for_any("a", say=pytest.fail)
    leave(tmp_path, elsewhere(tmp_path, machine="x"))
    assert not Leases(tmp_path).wait_for_any("a", stopped=lambda: True, say=pytest.fail)


@only_root
@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_the_leases_of_another_user_in_a_shared_directory(mode):
    with shared_folder() as place:
        with Leases(place) as leases:
            assert leases.claim("a")
            (place / "a").chmod(mode)
            assert as_user(20002, lambda: (Leases(place).taken("a"), Leases(place).claim("a"))) == "({'a'}, False)"
        leave(place, elsewhere(place), age=61).chmod(mode)
        assert as_user(20002, lambda: (Leases(place).taken("a"), Leases(place).claim("a"))) == "(set(), True)"
        leave(place, elsewhere(place), age=61, name="b")
        place.chmod(0o1777)
        assert (
            as_user(20002, lambda: Leases(place).claim("b")) == f"{place}: cannot be written: Operation not permitted"
        )

"""Which process does which run when several `rnnbench run` share a store: a lock file for each run in progress."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple, Self

from rnnbench.errors import UserError, require_posix_module, unwritable
from rnnbench.execution.holder import Holder

EXPIRY = 60.0
"""Seconds without renewal after which a lease expires, if its holder cannot be observed from here."""
RENEWAL = 15.0
_CLAIM_ATTEMPTS = 100
"""How often a claim retries a lease that is locked but names no holder."""
POLL_SECONDS = 0.5
"""Seconds between two checks of leases whose holders may be dead."""


class _State(Enum):
    FREE = auto()
    ALIVE = auto()
    """Its holder is known to be alive."""
    UNKNOWN = auto()
    """Its holder was alive recently, but cannot be observed from here."""


class _Lease(NamedTuple):
    """What is known of a lease."""

    state: _State
    heartbeat: tuple[int, int] = (0, 0)
    """Inode and modification time of its file: a change shows that its holder is alive."""
    host: str = "another machine"


class Leases:
    """The runs of one experiment that this driver holds; a context manager that releases them on exit.

    A lease is a lock on its file, which the system releases when the holder dies: processes with the same kernel and
    mount, in whatever container, know at once. Machines that share the directory may not see each other's locks, so
    holders also touch their files, and a lease of another machine expires when its file was not touched for `expiry`
    seconds, by the file system's clock or, in case that is wrong, as observed by this process.
    """

    def __init__(self, directory: Path, expiry: float = EXPIRY, renewal: float = RENEWAL, host: str = "") -> None:
        """`host` replaces this machine's identity, in tests."""
        self.directory = directory
        self._expiry, self._renewal = expiry, renewal
        self._host = host
        self._held: dict[str, int] = {}
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        """The last heartbeat of others' leases, and when it was first seen."""
        self._mutex = threading.Lock()
        self._closed = threading.Event()
        self._renewer = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for signature in list(self._held):
            self.release(signature)

    def claim(self, signature: str) -> bool:
        """Claim a run unless a driver that may be alive holds it. Raises `UserError` if the lease cannot be written."""
        if signature in self._held:
            return True
        try:
            file = self._claim(signature)
        except OSError as error:
            raise UserError(f"{self.directory}: {unwritable(error)}") from None
        if file is None:
            return False
        with self._mutex:
            self._held[signature] = file
        if not self._renewer.is_alive():
            self._renewer.start()
        return True

    def _claim(self, signature: str) -> int | None:
        """The open and locked file of a lease, or None if another driver holds it."""
        path = self.directory / signature
        self.directory.mkdir(parents=True, exist_ok=True)
        attempts = 0
        while True:
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except PermissionError:
                if not path.exists():
                    raise
                if not self._discard(signature):
                    return None
                continue
            try:
                if self._inspect(signature, file, os.fstat(file)).state is not _State.FREE:
                    is_empty = not os.pread(file, 1, 0)
                    os.close(file)
                    attempts += 1
                    if is_empty and attempts < _CLAIM_ATTEMPTS:
                        # Another process is reading it, or about to write its name, which may take a moment.
                        time.sleep(0.01)
                        continue
                    return None
                if _is(file, path):
                    os.ftruncate(file, 0)
                    os.pwrite(file, self._this_process(file).to_bytes(), 0)
                    return file
            except OSError:
                os.close(file)
                raise
            os.close(file)  # Its holder released and removed it after we opened it and before we locked it.

    def _discard(self, signature: str) -> bool:
        """Remove a lease of another user if it is free; False if it is not."""
        with self._opened(signature) as lease:
            if lease.state is _State.FREE:
                (self.directory / signature).unlink(missing_ok=True)
            return lease.state is _State.FREE

    def release(self, signature: str) -> None:
        """Release a run; does nothing if it is not held."""
        with self._mutex:
            file = self._held.pop(signature, None)
            if file is not None:
                with contextlib.suppress(OSError):
                    # If this machine was suspended, another one may have taken the lease.
                    if os.pread(file, 1000, 0) == self._this_process(file).to_bytes():
                        # While it is still locked: a process that has it open checks that it still exists.
                        (self.directory / signature).unlink()
                os.close(file)

    def taken(self, signatures: Iterable[str]) -> set[str]:
        """Those held by a driver that is or may be alive, this one included. Claims nothing."""
        return {signature for signature in signatures if self._look_up(signature).state is not _State.FREE}

    def wait_for_any(
        self, signatures: Iterable[str], stopped: Callable[[], bool] = lambda: False, say: Callable[[str], None] = print
    ) -> bool:
        """Wait until one of others' leases can be claimed, or all their holders are known to be alive.

        True as soon as one can be claimed; False if the holders of all are alive, or `stopped()`. A wait is announced
        to `say`.
        """
        first_heartbeats: dict[str, tuple[int, int]] = {}
        alive: set[str] = set()
        announced = False
        while not stopped():
            leases = {signature: self._look_up(signature) for signature in signatures}
            if any(lease.state is _State.FREE for lease in leases.values()):
                return True
            for signature, lease in leases.items():
                first = first_heartbeats.setdefault(signature, lease.heartbeat)
                if lease.state is _State.ALIVE or lease.heartbeat != first:
                    alive.add(signature)
            uncertain = {lease.host for signature, lease in leases.items() if signature not in alive}
            if not uncertain:
                return False
            if not announced:
                say(
                    f"waiting up to {self._expiry:.0f} s to see whether `rnnbench run` on "
                    f"{', '.join(sorted(uncertain))}, which holds runs, is still alive"
                )
                announced = True
            time.sleep(POLL_SECONDS)
        return False

    def _look_up(self, signature: str) -> _Lease:
        if signature in self._held:
            return _Lease(_State.ALIVE)
        with self._opened(signature) as lease:
            return lease

    @contextlib.contextmanager
    def _opened(self, signature: str) -> Iterator[_Lease]:
        """Inspect a lease, even one that this user may not read; its state does not change within the context."""
        path = self.directory / signature
        file = None
        try:
            with contextlib.suppress(PermissionError):
                file = os.open(path, os.O_RDONLY)
            lease = self._inspect(signature, file, os.fstat(file) if file is not None else path.stat(), shared=True)
        except OSError:
            lease = _Lease(_State.FREE)
        try:
            yield lease
        finally:
            if file is not None:
                os.close(file)

    def _inspect(self, signature: str, file: int | None, status: os.stat_result, shared: bool = False) -> _Lease:
        """Inspect a lease, and lock it if it is free and the file system supports locks."""
        locked = _lock(file, shared) if file is not None else None
        content = os.pread(file, 1000, 0) if file is not None else b"unreadable"
        heartbeat, here = (status.st_ino, status.st_mtime_ns), Holder.here(status.st_dev, self._host)
        holder = Holder.read(content)
        if holder is None and not content:
            # Its driver was killed after creating the file and before writing to it.
            return _Lease(_State.ALIVE if locked is False else _State.FREE, heartbeat)
        if holder is not None and here.shares_locks_with(holder):
            if locked is not None:
                return _Lease(_State.FREE if locked else _State.ALIVE, heartbeat)
            if here.sees(holder):
                return _Lease(_State.ALIVE if holder.is_running() else _State.FREE, heartbeat)
        expired = self._has_expired(signature, heartbeat, status.st_mtime) and locked is not False
        state = _State.FREE if expired else _State.UNKNOWN
        return _Lease(state, heartbeat, holder.host) if holder else _Lease(state, heartbeat)

    def _has_expired(self, signature: str, heartbeat: tuple[int, int], touched: float) -> bool:
        now = time.monotonic()
        before, since = self._seen.get(signature, (None, now))
        if before != heartbeat:
            since = now
            self._seen[signature] = heartbeat, since
        return self._now() - touched >= self._expiry or now - since >= self._expiry

    def _now(self) -> float:
        """The time by the file system's clock, which is common to all machines that share it."""
        try:
            with tempfile.TemporaryFile(dir=self.directory) as new:
                return os.fstat(new.fileno()).st_mtime
        except OSError:
            return time.time()

    def _this_process(self, file: int) -> Holder:
        return Holder.here(os.fstat(file).st_dev, self._host)

    def _renew(self) -> None:
        while not self._closed.wait(self._renewal):
            with self._mutex:
                for file in self._held.values():
                    with contextlib.suppress(OSError):
                        os.utime(file)


def _lock(file: int, shared: bool = False) -> bool | None:
    """Whether the file could be locked, until it is closed; None if the file system does not support locks."""
    fcntl = require_posix_module("fcntl", "sharing the runs of a store")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    for delay in (0.0, 0.01, 0.03):
        # A process that only inspects the lease holds the lock for an instant.
        time.sleep(delay)
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError:
            return None
        return True
    return False


def _is(file: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False

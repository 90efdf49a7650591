"""Who does which run, when several `rnnbench run` share a store: a file for each run that is going on."""

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
"""Seconds after which a lease is over that nobody renews and whose holder cannot be seen from here."""
RENEWAL = 15.0
_LOOKS = 100
"""How often a claim looks again at a lease that is locked and names nobody."""
LOOK_EVERY = 0.5
"""Seconds between two looks at leases whose holders may be dead."""


class _State(Enum):
    FREE = auto()
    ALIVE = auto()
    """Its holder is known to live."""
    UNKNOWN = auto()
    """Its holder lived a short while ago, where nobody can look from here."""


class _Look(NamedTuple):
    state: _State
    beat: tuple[int, int] = (0, 0)
    """The file, and when it was last touched: another one is a sign of life."""
    host: str = "another machine"


class Leases:
    """The runs of one experiment that this driver holds; a context manager, which gives them back at its end.

    A lease is a lock on its file, which the system frees when its holder dies: whoever shares the holder's kernel and
    mount, in whatever container, knows at once. Machines that share the directory may not see each other's locks, so
    holders also touch their files, and those of other machines that were not touched for `expiry` seconds are over: by
    the clock of the file system, or where that is wrong by the time for which this process has seen nobody touch them.
    """

    def __init__(self, directory: Path, expiry: float = EXPIRY, renewal: float = RENEWAL, host: str = "") -> None:
        """`host` stands in for this machine, in tests."""
        self.directory = directory
        self._expiry, self._renewal = expiry, renewal
        self._host = host
        self._held: dict[str, int] = {}
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        """The last beat of others' leases, and when it was first seen."""
        self._changing = threading.Lock()
        self._over = threading.Event()
        self._renewer = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for signature in list(self._held):
            self.release(signature)

    def claim(self, signature: str) -> bool:
        """Take a run, unless another driver that may live holds it. Raises `UserError` where nothing can be written."""
        if signature in self._held:
            return True
        try:
            file = self._claim(signature)
        except OSError as error:
            raise UserError(f"{self.directory}: {unwritable(error)}") from None
        if file is None:
            return False
        with self._changing:
            self._held[signature] = file
        if not self._renewer.is_alive():
            self._renewer.start()
        return True

    def _claim(self, signature: str) -> int | None:
        """The open and locked file of a lease, or None if another driver holds it."""
        path = self.directory / signature
        self.directory.mkdir(parents=True, exist_ok=True)
        looks = 0
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
                if self._judge(signature, file, os.fstat(file)).state is not _State.FREE:
                    names_nobody = not os.pread(file, 1, 0)
                    os.close(file)
                    looks += 1
                    if names_nobody and looks < _LOOKS:
                        # Somebody only looks, or is about to write a name; on a busy machine that takes its time.
                        time.sleep(0.01)
                        continue
                    return None
                if _is(file, path):
                    os.ftruncate(file, 0)
                    os.pwrite(file, self._me(file).to_bytes(), 0)
                    return file
            except OSError:
                os.close(file)
                raise
            os.close(file)  # Its holder gave it back, and removed it, between our opening and locking it.

    def _discard(self, signature: str) -> bool:
        """Remove a lease of another user if it is over; False if it is not."""
        with self._opened(signature) as look:
            if look.state is _State.FREE:
                (self.directory / signature).unlink(missing_ok=True)
            return look.state is _State.FREE

    def release(self, signature: str) -> None:
        """Give a run back; one that is not held is fine."""
        with self._changing:
            file = self._held.pop(signature, None)
            if file is not None:
                with contextlib.suppress(OSError):
                    # A machine that slept may have lost its lease to another one.
                    if os.pread(file, 1000, 0) == self._me(file).to_bytes():
                        # While it is still locked: whoever opened it before looks whether it is still there.
                        (self.directory / signature).unlink()
                os.close(file)

    def taken(self, signatures: Iterable[str]) -> set[str]:
        """Those that a driver holds which lives or may live, this one or another; for whoever only looks."""
        return {signature for signature in signatures if self._look(signature).state is not _State.FREE}

    def settle(
        self, signatures: Iterable[str], stopped: Callable[[], bool] = lambda: False, say: Callable[[str], None] = print
    ) -> bool:
        """Wait until it is known of others' leases whether their holders live; says so to `say` if it takes a while.

        True as soon as one of them is over and may be claimed; False if somebody who lives holds all, or `stopped()`.
        """
        waiting: dict[str, tuple[int, int]] = {}
        alive: set[str] = set()
        told = False
        while not stopped():
            looks = {signature: self._look(signature) for signature in signatures}
            if any(look.state is _State.FREE for look in looks.values()):
                return True
            for signature, look in looks.items():
                if look.state is _State.ALIVE or waiting.setdefault(signature, look.beat) != look.beat:
                    alive.add(signature)
            in_doubt = {look.host for signature, look in looks.items() if signature not in alive}
            if not in_doubt:
                return False
            if not told:
                say(
                    f"waiting for up to {self._expiry:.0f} s: `rnnbench run` on {', '.join(sorted(in_doubt))} holds "
                    f"runs, and is alive or has just died"
                )
            told = True
            time.sleep(LOOK_EVERY)
        return False

    def _look(self, signature: str) -> _Look:
        if signature in self._held:
            return _Look(_State.ALIVE)
        with self._opened(signature) as look:
            return look

    @contextlib.contextmanager
    def _opened(self, signature: str) -> Iterator[_Look]:
        """How a lease stands, which changes nothing before the block ends; also one that this user may not read."""
        path = self.directory / signature
        file = None
        try:
            with contextlib.suppress(PermissionError):
                file = os.open(path, os.O_RDONLY)
            look = self._judge(signature, file, os.fstat(file) if file is not None else path.stat(), shared=True)
        except OSError:
            look = _Look(_State.FREE)
        try:
            yield look
        finally:
            if file is not None:
                os.close(file)

    def _judge(self, signature: str, file: int | None, status: os.stat_result, shared: bool = False) -> _Look:
        """How a lease stands; if it is free, it is locked from now on, where that is possible."""
        locked = _lock(file, shared) if file is not None else None
        content = os.pread(file, 1000, 0) if file is not None else b"unreadable"
        beat, me = (status.st_ino, status.st_mtime_ns), Holder.here(status.st_dev, self._host)
        holder = Holder.read(content)
        if holder is None and not content:
            # Of a driver that was killed between making the file and writing into it.
            return _Look(_State.ALIVE if locked is False else _State.FREE, beat)
        if holder is not None and me.shares_locks_with(holder):
            if locked is not None:
                return _Look(_State.FREE if locked else _State.ALIVE, beat)
            if me.sees(holder):
                return _Look(_State.ALIVE if holder.is_running() else _State.FREE, beat)
        over = self._is_silent(signature, beat, status.st_mtime) and locked is not False
        return _Look(_State.FREE if over else _State.UNKNOWN, beat, holder.host if holder else _Look(_State.FREE).host)

    def _is_silent(self, signature: str, beat: tuple[int, int], touched: float) -> bool:
        now = time.monotonic()
        before, since = self._seen.get(signature, (None, now))
        if before != beat:
            since = now
            self._seen[signature] = beat, since
        return self._now() - touched >= self._expiry or now - since >= self._expiry

    def _now(self) -> float:
        """The time by the clock of the file system, which all machines that share it have in common."""
        try:
            with tempfile.TemporaryFile(dir=self.directory) as new:
                return os.fstat(new.fileno()).st_mtime
        except OSError:
            return time.time()

    def _me(self, file: int) -> Holder:
        return Holder.here(os.fstat(file).st_dev, self._host)

    def _renew(self) -> None:
        while not self._over.wait(self._renewal):
            with self._changing:
                for file in self._held.values():
                    with contextlib.suppress(OSError):
                        os.utime(file)


def _lock(file: int, shared: bool = False) -> bool | None:
    """Whether the file could be locked, until it is closed; None where the file system knows no locks."""
    fcntl = require_posix_module("fcntl", "sharing the runs of a store")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    for patience in (0.0, 0.01, 0.03):
        # Whoever only looks holds the lock for an instant.
        time.sleep(patience)
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

"""Who does which run, when several `rnnbench run` share a store: a file for each run that is going on."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from rnnbench.errors import UserError, posix_only, unwritable

EXPIRY = 60.0
"""Seconds after which the lease of another machine that does not renew it is over."""
RENEWAL = 15.0


class Leases:
    """The runs of one experiment that this driver holds; a context manager, which gives them back at its end.

    On one machine a lease is a lock on its file, which the system frees when its holder dies. Machines that share the
    directory may not see each other's locks, so holders also touch their files, and those of other machines that were
    not touched for `expiry` seconds are over.
    """

    def __init__(self, directory: Path, expiry: float = EXPIRY, renewal: float = RENEWAL, host: str = "") -> None:
        self.directory = directory
        self._expiry, self._renewal = expiry, renewal
        self._host = host or socket.gethostname()
        self._held: dict[str, int] = {}
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
        """Take a run, unless another driver that lives holds it. Raises `UserError` where nothing can be written."""
        if signature in self._held:
            return True
        try:
            file = self._claim(self.directory / signature)
        except OSError as error:
            raise UserError(f"{self.directory}: {unwritable(error)}") from None
        if file is None:
            return False
        with self._changing:
            self._held[signature] = file
        if not self._renewer.is_alive():
            self._renewer.start()
        return True

    def _claim(self, path: Path) -> int | None:
        """The open and locked file of a lease, or None if another driver holds it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if not _lock(file) or self._is_held_elsewhere(file):
                    os.close(file)
                    return None
                if _is(file, path):
                    os.ftruncate(file, 0)
                    os.pwrite(file, f"{self._host} {os.getpid()}\n".encode(), 0)
                    return file
            except OSError:
                os.close(file)
                raise
            os.close(file)  # Its holder gave it back, and removed it, between our opening and locking it.

    def release(self, signature: str) -> None:
        """Give a run back; one that is not held is fine."""
        with self._changing:
            file = self._held.pop(signature, None)
            if file is not None:
                # While it is still locked: whoever opened it before looks whether it is still there.
                with contextlib.suppress(OSError):
                    (self.directory / signature).unlink()
                os.close(file)

    def taken(self, signatures: Iterable[str]) -> set[str]:
        """Those that a driver which lives holds, this one or another; for whoever only looks."""
        return {signature for signature in signatures if self._is_taken(signature)}

    def _is_taken(self, signature: str) -> bool:
        if signature in self._held:
            return True
        try:
            file = os.open(self.directory / signature, os.O_RDONLY)
        except OSError:
            return False
        try:
            return not _lock(file, shared=True) or self._is_held_elsewhere(file)
        finally:
            os.close(file)

    def _is_held_elsewhere(self, file: int) -> bool:
        """Whether a file that nobody here has locked is the living lease of another machine."""
        holder = os.pread(file, 1000, 0).decode(errors="replace").split()
        return bool(holder) and holder[0] != self._host and self._now() - os.fstat(file).st_mtime < self._expiry

    def _now(self) -> float:
        """The time by the clock of the file system, which all machines that share it have in common."""
        clock = self.directory / f".{self._host}"
        try:
            clock.touch()
            return clock.stat().st_mtime
        except OSError:
            return time.time()

    def _renew(self) -> None:
        while not self._over.wait(self._renewal):
            with self._changing, contextlib.suppress(OSError):
                for file in self._held.values():
                    os.utime(file)


def _lock(file: int, shared: bool = False) -> bool:
    """Whether the file could be locked until it is closed; also true where the file system knows no locks."""
    fcntl = posix_only("fcntl", "sharing the runs of a store")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    for patience in (0.0, 0.01, 0.03):
        # Whoever only looks holds the lock for an instant.
        time.sleep(patience)
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError:
            pass
        return True
    return False


def _is(file: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False

"""The identity of a process among all that may share a directory, as a lease records it."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A process. Its number and host name do not identify it: both are reused."""

    host: str
    """For messages only: each container has its own host name, and may reuse that of an earlier one."""
    pid: int
    began: int
    """When the process started, in kernel ticks since boot: process numbers are reused."""
    machine: str
    """The kernel's boot ID; the host name where there is none."""
    processes: int
    """The PID namespace of `pid`; 0 where there are none."""
    disk: int
    """Device number of the lease's file system in this kernel: two mounts of one network disk may not share locks."""

    @classmethod
    def here(cls, disk: int, machine: str = "") -> Self:
        """This process. `disk`: `st_dev` of the lease; `machine`: overrides this machine, in tests."""
        host, processes = machine or socket.gethostname(), 0
        with suppress(OSError):
            machine = machine or (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        with suppress(OSError):
            processes = (_PROC / "self/ns/pid").stat().st_ino
        return cls(host, os.getpid(), _began(os.getpid()), machine or host, processes, disk)

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        """The holder that a lease names; None if its content cannot be parsed."""
        with suppress(ValueError, TypeError):
            return cls(**json.loads(content))
        return None

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    def shares_locks_with(self, other: Holder) -> bool:
        """Whether each sees the other's locks at once, and the system releases them when either dies."""
        return (self.machine, self.disk) == (other.machine, other.disk)

    def sees(self, other: Holder) -> bool:
        """Whether this process can find out if the other `is_running`."""
        return (self.machine, self.processes) == (other.machine, other.processes) and bool(other.began)

    def is_running(self) -> bool:
        """Whether the process exists; only valid for one that this process `sees`."""
        return _began(self.pid) == self.began


def _began(pid: int) -> int:
    """When a process started; 0 if it does not exist, or there is no /proc."""
    with suppress(OSError, ValueError, IndexError):
        # The second field is a name in parentheses, which may contain any character.
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    return 0

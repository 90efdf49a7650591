"""Who a process is among all that may share a directory: what a lease says of its holder."""

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
    """A process. Neither its number nor the name of its host tells it from all others: both come again."""

    host: str
    """For people only: containers on one machine have names of their own, and a new one may have that of the last."""
    pid: int
    began: int
    """When the process began, in the kernel's ticks since it was started itself: process numbers are used again."""
    machine: str
    """The kernel since it was started; the host's name where it does not tell."""
    processes: int
    """The namespace in which `pid` counts; 0 where there are none."""
    disk: int
    """The file system of the lease as this kernel numbers it: two mounts of one network disk may not share locks."""

    @classmethod
    def here(cls, disk: int, machine: str = "") -> Self:
        """This process; `disk`: `st_dev` of the lease, `machine`: stands in for this one, in tests."""
        host, processes = machine or socket.gethostname(), 0
        with suppress(OSError):
            machine = machine or (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        with suppress(OSError):
            processes = (_PROC / "self/ns/pid").stat().st_ino
        return cls(host, os.getpid(), _began(os.getpid()), machine or host, processes, disk)

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        """What a lease says; None if it cannot be made out."""
        with suppress(ValueError, TypeError):
            return cls(**json.loads(content))
        return None

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    def shares_locks_with(self, other: Holder) -> bool:
        """Whether each of the two sees the other's locks at once, and the system frees those of whoever dies."""
        return (self.machine, self.disk) == (other.machine, other.disk)

    def sees(self, other: Holder) -> bool:
        """Whether `is_running` means something if this process asks it of the other."""
        return (self.machine, self.processes) == (other.machine, other.processes) and bool(other.began)

    def is_running(self) -> bool:
        """Whether there is such a process; for one that this process `sees`."""
        return _began(self.pid) == self.began


def _began(pid: int) -> int:
    """When a process began; 0 if there is none, or nobody who tells."""
    with suppress(OSError, ValueError, IndexError):
        # The second field is a name in brackets, which may hold anything.
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    return 0

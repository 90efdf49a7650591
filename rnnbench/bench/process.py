"""The parent's side of a peer's process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rnnbench.bench.peers import PEERS
from rnnbench.bench.problem import Problem
from rnnbench.errors import UserError
from rnnbench.text import strict_json


class PeerError(Exception):
    """A peer cannot be timed; the message says why in a few words."""


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        raise UserError("bench pins its processes to cores, which needs Linux")
    return sorted(os.sched_getaffinity(0))


class PeerProcess:
    """A process that does the steps of one peer on `cores` cores; a context manager."""

    def __init__(self, name: str, cores: int, patience: float) -> None:
        """`patience`: seconds to wait for an answer before the process is killed."""
        self.name = name
        self._cores = cores
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> PeerProcess:
        self._process = _started(self.name, self._cores)
        return self

    def __exit__(self, *of_the_exception: object) -> None:
        self.end()

    def ask(self, do: str, problem: Problem, **options: Any) -> dict[str, Any]:
        """Call a method of the process' `worker.Worker`. Raises `PeerError` if it fails, dies or takes too long."""
        if self._process is None:
            self._process = _started(self.name, self._cores)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            print(json.dumps({"do": do, "problem": problem.as_dict(), "options": options}), file=process.stdin)
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], self._patience)
            line = process.stdout.readline() if ready else ""
        except BrokenPipeError:
            ready, line = [process.stdout], ""
        if not line:
            self.end()
            why = f"its process died ({_death(process.returncode)})" if ready else f"over {self._patience:.0f} s"
            raise PeerError(why)
        answer: dict[str, Any] = strict_json.loads_exactly(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def end(self) -> None:
        """Kill the process; the next question starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


def _started(name: str, cores: int) -> subprocess.Popen[str]:
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "KERAS_BACKEND": "tensorflow", **PEERS[name].environment}
    with _on(usable_cores()[-cores:]):
        return subprocess.Popen(
            [sys.executable, "-m", "rnnbench.bench.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            start_new_session=True,  # Ctrl-C goes to the parent alone, which then kills it
        )


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """Pin this process to `cores` for a moment; a process that starts inside stays on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _death(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

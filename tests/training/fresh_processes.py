"""Processes in which TensorFlow has computed nothing yet, at the price of one import: forks of one that imported it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class FreshProcesses:
    """Calls functions of a module, each in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, module: str, function: str, environment: dict[str, str], *arguments: Any) -> Any:
        """What the function returns, through JSON; None if its process was killed."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([module, function, environment, arguments]), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]


@contextmanager
def fresh_processes() -> Iterator[FreshProcesses]:
    command = [sys.executable, "-m", "tests.training.fresh_processes"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    # A test before may have had this process use a cache of its own.
    environment.pop("TF_XLA_FLAGS", None)
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield FreshProcesses(process)
        assert process.stdin
        process.stdin.close()


def _serve() -> None:
    from rnnbench.execution.base import quiet_tensorflow

    quiet_tensorflow()
    import rnnbench.training.run  # noqa: F401  (for the forks)

    for line in sys.stdin:
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            with os.fdopen(theirs, "w") as answer:
                json.dump(_answer(*json.loads(line)), answer)
            os._exit(0)
        os.close(theirs)
        with os.fdopen(ours) as answered:
            print(answered.read() or json.dumps({"result": None}), flush=True)
        os.waitpid(child, 0)


def _answer(module: str, function: str, environment: dict[str, str], arguments: list[Any]) -> dict[str, Any]:
    try:
        os.environ.update(environment)
        called = getattr(__import__(module, fromlist=[function]), function)
        return {"result": called(*arguments)}
    except BaseException:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    _serve()

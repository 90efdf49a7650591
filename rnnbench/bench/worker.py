"""The process of one peer: prepares problems and does steps on request, a line of JSON for a line of JSON.

Its affinity and environment are set before it starts, because NumPy, TensorFlow, PyTorch and JAX read them on import.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from contextlib import suppress
from typing import Any

import psutil

from rnnbench.bench.peers import PEERS, Peer, Step
from rnnbench.bench.problem import Problem
from rnnbench.text import strict_json

_GUARDED_CALLS = 2
_KIB = 1024


class Worker:
    """The problems that a peer has prepared."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._steps: dict[Problem, Step] = {}

    def prepare(self, problem: Problem) -> dict[str, Any]:
        """Compile and do the first steps: seconds until the first is done, and the mean loss of all."""
        began = time.perf_counter()
        step = self._steps[problem] = self._peer.prepare(problem)
        losses = [step.run(step.steps_per_call)]
        seconds = time.perf_counter() - began
        guarded = _GUARDED_CALLS * problem.steps_per_call
        losses += [step.run(step.steps_per_call) for _ in range(guarded // step.steps_per_call - 1)]
        known = [loss for loss in losses if loss is not None]
        mean = sum(known) / len(known) if known else None
        return {"seconds": seconds, "loss": mean, "steps_per_call": step.steps_per_call}

    def run(self, problem: Problem, steps: int) -> dict[str, Any]:
        """Seconds that `steps` take."""
        gc.collect()
        gc.disable()
        began = time.perf_counter()
        self._steps[problem].run(steps)
        seconds = time.perf_counter() - began
        gc.enable()
        return {"seconds": seconds}

    def close(self, problem: Problem) -> dict[str, Any]:
        """Discard a problem, if it is prepared."""
        if problem in self._steps:
            self._steps.pop(problem).close()
        gc.collect()
        return {}

    def memory(self, problem: Problem, steps: int) -> dict[str, Any]:
        """Peak growth of the process in bytes, from its imports and the data to the end of `steps`."""
        importing = Problem(problem.cell, 1, 4, 2)
        self.prepare(importing)
        self.close(importing)
        before = psutil.Process().memory_info().rss
        self.prepare(problem)
        self.run(problem, steps)
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB - before}


def main() -> None:
    # Libraries may print to standard output, so the answers go to a copy of it.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = PEERS[sys.argv[1]]
    with suppress(Exception):  # reported with the first question
        peer.load()
    worker = Worker(peer)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            problem = Problem(**question["problem"])
            answer = getattr(worker, question["do"])(problem, **question["options"])
        except Exception as error:
            answer = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        print(strict_json.dumps_exactly(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

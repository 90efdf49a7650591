"""What buffers cost a step, in which the length of the sequences is data: see `rnnbench.training.buffers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rnnbench.bench.peers import OURS
from rnnbench.bench.problem import Problem
from rnnbench.bench.process import PeerProcess
from rnnbench.bench.table import MEASURED, PROBLEM, named, ratio, row
from rnnbench.bench.timing import Entrant, measure

SIZE = (32, 128)
"""Batch and units."""
LENGTHS = ((64, 64), (110, 128), (300, 320), (500, 512))
"""Steps of the sequences, and of the buffers that training puts them into."""
COLUMNS = [*PROBLEM, "buffer", "peer", "status", "static_ms", "step_ms", "quotient"]
"""Of buffers.csv: medians of the milliseconds a step at the static length and in the buffer; the median over the rounds
of their quotients, above 1 the buffer is slower."""
_STATIC, _BUFFERED = "static", "buffered"


def rows(cells: Sequence[str], seconds: float, patience: float) -> Iterator[list[dict[str, Any]]]:
    """For each cell a row per length, on one core, the two taking turns for about `seconds`."""
    with PeerProcess(OURS, 1, patience) as process:
        for cell in cells:
            yield [_row(process, Problem(cell, SIZE[0], *pair[:1], SIZE[1]), pair[1], seconds) for pair in LENGTHS]


def _row(process: PeerProcess, problem: Problem, buffer: int, seconds: float) -> dict[str, Any]:
    in_buffer = replace(problem, buffer=buffer)
    entrants = {_STATIC: Entrant(process, problem), _BUFFERED: Entrant(process, in_buffer)}
    measure(entrants, seconds, _STATIC)
    static, buffered = entrants.values()
    failure = static.failure or buffered.failure
    found = named(1, in_buffer, OURS, failure or MEASURED)
    if failure:
        return found
    times = {"static_ms": row(1, OURS, static, None)["step_ms"], "step_ms": row(1, OURS, buffered, None)["step_ms"]}
    return found | times | {"quotient": ratio(buffered.rounds, static.rounds)}

"""Runs the benchmark: yields rows as they are measured, and leaves no process behind, however it ends."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from rnnbench.bench import buffers
from rnnbench.bench.peers import OURS, PEERS
from rnnbench.bench.problem import PLAIN_CELLS, PLAIN_SIZES, Problem
from rnnbench.bench.process import PeerError, PeerProcess
from rnnbench.bench.table import MEASURED, named, row
from rnnbench.bench.timing import Entrant, measure

Row = dict[str, Any]

BEST_STOCK = "keras_no_jit"
"""The stock Keras whose memory is compared, and whose loss counts as right."""
LENGTHS = (100, 200, 500, 1000, 2000)
"""Lengths at which steps of `LENGTHS_SIZE` are timed: the time should be proportional."""
LENGTHS_SIZE = (32, 128)
"""Batch and units."""
MEMORY_SIZE = (128, 1000, 128)
"""Batch, length and units of the comparison in memory."""
_MEMORY_STEPS = 2


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    cells: Sequence[str]
    sizes: Sequence[tuple[int, int, int]]
    peers: Sequence[str]
    cores: Sequence[int]
    """Numbers of cores; cells, lengths and memory are measured on the first."""
    parts: Sequence[str]
    """Of `PARTS`."""
    seconds: float
    """About how long to time a row, after compiling."""
    patience: float
    """Seconds after which a peer that does not answer is too slow."""

    @property
    def absent(self) -> list[str]:
        """The peers of which a package is missing."""
        return [name for name in self.peers if PEERS[name].missing]


def rows(plan: Plan) -> Generator[tuple[str, list[Row]], None, None]:
    """Each file of the report with rows for it, as they are measured."""
    for part in plan.parts:
        for found in PARTS[part](plan):
            yield f"{part}.csv", found


def _steps(plan: Plan) -> Iterator[list[Row]]:
    """For each problem a row per peer, including those that are not installed."""
    for cores in plan.cores:
        with ExitStack() as stack:
            processes = {
                name: stack.enter_context(PeerProcess(name, cores, plan.patience))
                for name in plan.peers
                if name not in plan.absent
            }
            for problem in (Problem(cell, *size) for cell in plan.cells for size in plan.sizes):
                entrants = {
                    name: Entrant(process, problem.on_cores(cores) if name == OURS else problem)
                    for name, process in processes.items()
                }
                measure(entrants, plan.seconds, BEST_STOCK if BEST_STOCK in entrants else OURS)
                ours = entrants.get(OURS)
                missing = [named(cores, problem, name, "not installed") for name in plan.absent]
                yield [row(cores, name, entrant, ours) for name, entrant in entrants.items()] + missing


def _lengths(plan: Plan) -> Iterator[list[Row]]:
    """For each cell a row per length: our step, the lengths taking turns."""
    batch, units = LENGTHS_SIZE
    cores = plan.cores[0]
    with PeerProcess(OURS, cores, plan.patience) as process:
        for cell in plan.cells:
            entrants = {str(length): Entrant(process, Problem(cell, batch, length, units)) for length in LENGTHS}
            measure(entrants, plan.seconds)
            yield [row(cores, OURS, entrant, None) for entrant in entrants.values()]


def _memory(plan: Plan) -> Iterator[list[Row]]:
    """For each cell a row for our step and one for stock Keras, each in a process of its own."""
    cores = plan.cores[0]
    for cell in plan.cells:
        problem = Problem(cell, *MEMORY_SIZE)
        found = []
        for name in (OURS, BEST_STOCK):
            with PeerProcess(name, cores, plan.patience) as process:
                try:
                    peak = process.ask("memory", problem, steps=_MEMORY_STEPS)["bytes"] / 2**20
                    found.append(named(cores, problem, name, MEASURED) | {"peak_mib": peak})
                except PeerError as error:
                    found.append(named(cores, problem, name, str(error)))
        yield found


def _cells(plan: Plan) -> Iterator[list[Row]]:
    """For each cell that has no loop of its own a row for our step and for those of stock Keras."""
    peers = [name for name in plan.peers if name in (OURS, "keras_no_jit", "keras_jit")]
    yield from _steps(replace(plan, cells=PLAIN_CELLS, sizes=PLAIN_SIZES, cores=plan.cores[:1], peers=peers))


def _buffers(plan: Plan) -> Iterator[list[Row]]:
    """For each cell a row per length: our step in a buffer against that at a static length, on one core."""
    return buffers.rows(plan.cells, plan.seconds, plan.patience)


PARTS = {"steps": _steps, "cells": _cells, "lengths": _lengths, "buffers": _buffers, "memory": _memory}
"""The parts of the benchmark."""

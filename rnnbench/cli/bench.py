"""`rnnbench bench`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rnnbench.bench.run import Plan, Row

_INTERRUPTED = 130


def bench(
    cells: Annotated[
        list[str] | None,
        typer.Option("--cell", metavar="NAME", help="A cell to time; may be repeated.  [default: all three]"),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="B,T,H", help="Batch, length, units; may be repeated.  [default: five sizes]"),
    ] = None,
    peers: Annotated[
        list[str] | None,
        typer.Option("--peer", metavar="NAME", help="A peer to compare with; may be repeated.  [default: all]"),
    ] = None,
    cores: Annotated[str, typer.Option(metavar="LIST", help="Numbers of cores, or `all`.")] = "1,all",
    only: Annotated[
        Literal["steps", "cells", "lengths", "buffers", "memory"] | None,
        typer.Option(
            help="One part: steps, those of other cells, at several lengths or in buffers; peak memory.  [default: all]"
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="About how long to time each row, after compiling.")] = 20,
    patience: Annotated[float, typer.Option(min=1, help="Seconds after which a peer is given up as too slow.")] = 120,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report goes, in a folder a kind of processor.")
    ] = Path("reports/benchmark"),
) -> None:
    """Time a training step of the suite's layers against Keras, PyTorch and JAX, and against bare matrix products.

    Peers that are not installed are named and left out; `pip install 'rnnbench[bench]'` installs them. Rows that DIR
    already has from the same machine and versions are kept, so the benchmark may be run in pieces. Ctrl-C keeps the
    rows that are done. All of it takes most of an hour, during which the machine should do nothing else.
    """
    from rnnbench.bench import index, page, report, run, table
    from rnnbench.cli.output import say, stdout
    from rnnbench.cli.views.benchmark import benchmark_table, measured_line
    from rnnbench.errors import UserError

    plan = _plan(cells, sizes, peers, cores, only, seconds, patience)
    for name in plan.absent:
        say(f"{name} is not installed and left out")
    rows: dict[str, list[Row]] = {}
    interrupted = False
    try:
        with closing(run.rows(plan)) as measured:
            for file, found in measured:
                rows.setdefault(file, []).extend(found)
                say(measured_line(found))
    except KeyboardInterrupt:
        interrupted = True
    made = {file: table.frame(found, report.FILES[file][0]) for file, found in rows.items()}
    if any((found["status"] == table.MEASURED).any() for found in made.values()):
        folder = report.folder(out)
        tables = report.write(made, folder, say)
        for text_table in page.text_tables(tables, report.machine()["processor"]):
            stdout.print(benchmark_table(text_table, stdout))
        index.write(out, say)
        say(f"report: {folder / 'benchmark.md'}")
    elif not interrupted:
        reasons = sorted({f"{row['peer']}: {row['status']}" for found in rows.values() for row in found})
        raise UserError(f"nothing could be measured: {'; '.join(reasons)}")
    if interrupted:
        raise typer.Exit(_INTERRUPTED)


def _plan(
    cells: list[str] | None,
    sizes: list[str] | None,
    peers: list[str] | None,
    cores: str,
    only: str | None,
    seconds: float,
    patience: float,
) -> Plan:
    from rnnbench.bench.peers import FLOOR, OURS, PEERS
    from rnnbench.bench.problem import GATES, SIZES, parse_size
    from rnnbench.bench.run import PARTS, Plan

    compared = [name for name in PEERS if name not in (OURS, FLOOR)]
    return Plan(
        cells=_known("--cell", cells, list(GATES)),
        sizes=[parse_size(size) for size in sizes] if sizes else list(SIZES),
        peers=[OURS, *_known("--peer", peers, compared), FLOOR],
        cores=_cores(cores),
        parts=[only] if only else list(PARTS),
        seconds=seconds,
        patience=patience,
    )


def _known(option: str, given: list[str] | None, known: list[str]) -> list[str]:
    from rnnbench.errors import UserError
    from rnnbench.registry import unknown

    strangers = [name for name in given or [] if name not in known]
    if strangers:
        raise UserError(f"{option}: {unknown(option.removeprefix('--'), strangers[0], known)}")
    return [name for name in known if name in given] if given else known


def _cores(text: str) -> list[int]:
    from rnnbench.bench.process import usable_cores
    from rnnbench.errors import UserError

    usable = len(usable_cores())
    parts = [str(usable) if part.strip() == "all" else part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= usable for part in parts):
        raise UserError(f"--cores {text}: give numbers from 1 to {usable}, or all, such as 1,all")
    return sorted({int(part) for part in parts})

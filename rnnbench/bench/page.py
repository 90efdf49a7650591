"""The tables of the benchmark as text, for the terminal and for benchmark.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.bench.peers import OURS, PEERS
from rnnbench.bench.problem import GLOBAL_CLIPNORM
from rnnbench.bench.table import MEASURED, PROBLEM, geometric_mean, standing
from rnnbench.report.drawing.figure import Figure
from rnnbench.report.formatting import number


@dataclass(frozen=True)
class TextTable:
    """A title, a head and rows of text; the first `words` columns hold words, the others numbers."""

    title: str
    head: list[str]
    rows: list[list[str]]
    words: int = 2
    note: str = ""
    spare: tuple[int, int] = (0, 0)
    """First column, and the one after the last, that a narrow terminal leaves out."""

    def markdown(self) -> str:
        rule = ["---"] * self.words + ["---:"] * (len(self.head) - self.words)
        return "\n".join(f"| {' | '.join(cells)} |" for cells in [self.head, rule, *self.rows])

    def narrow(self) -> TextTable:
        """Without its spare columns."""
        first, stop = self.spare
        head, *rows = ([*cells[:first], *cells[stop:]] for cells in [self.head, *self.rows])
        return replace(self, head=head, rows=rows)


def step_tables(results: pd.DataFrame) -> list[TextTable]:
    """A table per number of cores: milliseconds per step of each peer, and how ours compares."""
    return [_step_table(cores, results[results["cores"] == cores]) for cores in results["cores"].unique()]


def cell_tables(results: pd.DataFrame) -> list[TextTable]:
    """The same of the cells that have no loop of their own."""
    return [replace(one, title=f"Any cell: {one.title.lower()}", note=_CELLS) for one in step_tables(results)]


def length_table(lengths: pd.DataFrame) -> TextTable:
    """Microseconds per step and time step at each length, and how far they differ."""
    known = sorted(lengths["length"].unique())
    rows = []
    for (cores, cell), block in lengths[lengths["status"] == MEASURED].groupby(["cores", "cell"], sort=False):
        each = 1e3 * (block["step_ms"] / block["length"]).set_axis(block["length"]).reindex(known)
        rows.append([str(cell), str(cores), *map(number, each), f"{each.max() / each.min() - 1:.0%}"])
    return TextTable(
        "Time by length",
        ["cell", "cores", *(f"T={length}" for length in known), "largest over least"],
        rows,
        note=_LENGTHS,
    )


def buffer_table(found: pd.DataFrame) -> TextTable:
    """Our step at a static length and in a buffer, and the quotient."""
    measured = found[found["status"] == MEASURED]
    rows = []
    for row in measured.to_dict("records"):
        times = map(number, (row["static_ms"], row["step_ms"]))
        rows.append([row["cell"], f"{row['length']} of {row['buffer']}", *times, _ratio(row["quotient"])])
    return TextTable(
        "Steps in buffers", ["cell", "steps", "static, ms", "in a buffer, ms", "quotient"], rows, note=_BUFFERS
    )


def memory_table(memory: pd.DataFrame) -> TextTable:
    """Peak memory of ours and of stock Keras."""
    names = list(dict.fromkeys(memory["peer"]))
    rows = []
    for (cores, cell), block in memory.groupby(["cores", "cell"], sort=False):
        peak = block.set_index("peer")["peak_mib"].reindex(names)
        rows.append(
            [str(cell), str(cores), *map(number, peak), number(peak.get(OURS, np.nan) / peak.drop(OURS).iloc[0])]
        )
    labels = [f"{PEERS[name].label}, MiB" for name in names]
    return TextTable("Peak memory", ["cell", "cores", *labels, "quotient"], rows, note=_MEMORY)


def text_tables(tables: Mapping[str, pd.DataFrame], processor: str) -> list[TextTable]:
    """The tables that have rows; each title names the processor."""
    steps, cells, lengths, memory = (tables[f"{name}.csv"] for name in ("steps", "cells", "lengths", "memory"))
    shown = step_tables(steps) + cell_tables(cells)
    shown += [length_table(lengths)] if len(lengths) else []
    shown += [buffer_table(tables["buffers.csv"])] if len(tables["buffers.csv"]) else []
    shown += [memory_table(memory)] if len(memory) else []
    return [replace(table, title=f"{table.title}, {processor}") for table in shown]


def markdown(tables: Mapping[str, pd.DataFrame], machine: Mapping[str, str], figures: Sequence[Figure]) -> str:
    """benchmark.md."""
    parts = ["# One training step", _INTRODUCTION, _machine(machine), _peers(tables["steps.csv"])]
    parts += [f"![{figure.title}]({figure.name}.svg)\n\n*{figure.caption}*" for figure in figures]
    for table in text_tables(tables, machine["processor"]):
        parts += [f"## {table.title}", *([table.note] if table.note else []), table.markdown()]
    return "\n\n".join(parts) + "\n"


def brief(row: Mapping[str, Any]) -> str:
    """A row of any of the tables in a few words."""
    what = f"{row['batch']},{row['length']},{row['units']} {PEERS[row['peer']].label}"
    if row["status"] != MEASURED:
        return f"{what} {row['status']}"
    return f"{what} {number(row['peak_mib'])} MiB" if "peak_mib" in row else f"{what} {number(row['step_ms'])} ms"


def cores_text(cores: int) -> str:
    return "One core" if cores == 1 else f"{cores} cores"


def _step_table(cores: int, results: pd.DataFrame) -> TextTable:
    names = [name for name in PEERS if name in set(results["peer"])]
    standings, rows = [], []
    for (_, cell, *size), block in results.groupby(PROBLEM, sort=False):
        found = standing(block)
        standings.append(found)
        by_peer = {row["peer"]: row for row in block.to_dict("records")}
        times = [_time(by_peer[name]) if name in by_peer else "" for name in names]
        ratios = [found.over_fastest, found.over_stock, found.to_floor]
        rows.append([str(cell), ",".join(map(str, size)), *times, *map(_ratio, ratios)])
    means = [
        geometric_mean(values)
        for values in zip(*[(s.over_fastest, s.over_stock, s.to_floor) for s in standings], strict=True)
    ]
    rows.append(["geometric mean", "", *[""] * len(names), *map(_ratio, means)])
    head = [
        "cell",
        "B,T,H",
        *(PEERS[name].label + _in_shards(results[results["peer"] == name]) for name in names),
        "fastest / ours",
        "stock / ours",
        "ours / floor",
    ]
    return TextTable(f"{cores_text(cores)}, ms a step", head, rows, spare=(3, 2 + len(names)))


def _in_shards(rows: pd.DataFrame) -> str:
    """` (shards: 2)`, where rows of a peer are in shards; numbers that batches allow may differ."""
    counts = sorted({int(count) for count in rows["shards"].dropna()})
    return f" (shards: {', '.join(map(str, counts))})" if any(count > 1 for count in counts) else ""


def _time(row: Mapping[Any, Any]) -> str:
    if row["status"] != MEASURED:
        return str(row["status"])
    return f"{number(row['step_ms'])} ±{(row['high_ms'] - row['low_ms']) / 2 / row['step_ms']:.0%}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _machine(machine: Mapping[str, str]) -> str:
    return "Machine: " + ", ".join(f"{name} {value}" for name, value in machine.items()) + "."


def _peers(results: pd.DataFrame) -> str:
    lines = []
    for name, peer in PEERS.items():
        statuses = results.loc[results["peer"] == name, "status"]
        if len(statuses):
            note = f" **{statuses.iloc[0]}**" if (statuses != MEASURED).all() else ""
            lines.append(f"- **{peer.label}**: {peer.description}.{note}")
    return "\n".join(lines)


_INTRODUCTION = f"""\
A whole training step on copy-memory: 10 one-hot features, a recurrent layer over all T steps that returns its sequence,
a dense readout of the last 10 steps, softmax cross entropy, Adam, clipping to a global norm of {GLOBAL_CLIPNORM:g};
float32, batch B, length T, H units. Every peer starts from the same weights, has the same batch in memory, and is timed
only if the loss of its first steps agrees.

Each peer is a process of its own, pinned to the cores; the peers take turns of a quarter of a second. A time is the
median over these turns, ± half of the distance from the 10% to the 90% quantile. A quotient is the median over the
rounds of the quotients within a round. *fastest / ours*: the fastest of the peers over ours.
*stock / ours*: stock Keras on TensorFlow, at its fastest setting, over ours. *ours / floor*: ours over the
bare matrix products of the recurrence."""
_CELLS = """\
Cells written with Keras alone: LSTM with layer normalisation, JANET, LSTM with peepholes. Ours is `rnnbench.layers.RNN`
over the cell, stock `keras.layers.RNN`."""
_LENGTHS = "Our step at B=32, H=128, in turns: microseconds per time step."
_BUFFERS = """\
Our step at B=32, H=128 on one core, as data of its own length and in the buffer that training puts it into, where the
number of steps is data; in turns."""
_MEMORY = """\
B=128, T=1000, H=128: growth of a fresh process, from its imports and a first tiny step to the peak of compiling and two
steps."""

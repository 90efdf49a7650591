"""reports/benchmark/README.md: the processors that were measured, each with its headline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from rnnbench import files
from rnnbench.bench.table import PROBLEM, geometric_mean, standing
from rnnbench.errors import UserError

_HEAD = """\
# Benchmark of the recurrent layers

A training step of `rnnbench.layers` against stock Keras, Keras on JAX and PyTorch: a folder for each kind of processor,
each measured by `rnnbench bench` on a machine that did nothing else. The quotients are geometric means over all rows
with this number of cores: the fastest of the peers over ours, and stock Keras at its fastest setting over ours.

| processor | cores | fastest / ours | stock / ours | TensorFlow | Keras |
| --- | ---: | ---: | ---: | --- | --- |
"""


def write(out: Path, say: Callable[[str], None] = lambda line: None) -> None:
    """Write README.md into `out`, from the reports in its folders; a damaged one is reported to `say` and left out."""
    lines = []
    for path in sorted(out.glob("*/machine.json")):
        try:
            lines += _lines(path.parent)
        except (OSError, ValueError, KeyError, TypeError):
            say(f"{path.parent} is damaged: it is not listed in {out / 'README.md'}")
    try:
        files.write(out / "README.md", _HEAD + "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise UserError(f"{out}: cannot be written there: {error.strerror}; choose another --out") from None


def _lines(folder: Path) -> list[str]:
    """A line for each number of cores."""
    machine = json.loads((folder / "machine.json").read_bytes())
    steps = pd.read_csv(folder / "steps.csv")
    link = f"[{machine['processor']}]({folder.name}/benchmark.md)"
    found = []
    for cores, block in steps.groupby("cores"):
        standings = [standing(rows) for _, rows in block.groupby(PROBLEM, sort=False)]
        means = [geometric_mean(getattr(one, name) for one in standings) for name in ("over_fastest", "over_stock")]
        texts = [f"{mean:.2f}" if mean == mean else "–" for mean in means]
        found.append(f"| {link} | {cores} | {' | '.join(texts)} | {machine['tensorflow']} | {machine['keras']} |")
    return found

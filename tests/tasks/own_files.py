"""Tables as a user might have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import rnnbench
from rnnbench.experiment.run_spec import RunSpec

SEQUENCES = 60


def hours(rows: int, seed: int = 0) -> pd.DataFrame:
    """Two columns of a daily cycle and noise, `a` and `b`, with their times."""
    rng = np.random.default_rng(seed)
    day = np.sin(2 * np.pi * np.arange(rows)[:, None] / 24 + rng.uniform(0, 6, 2))
    frame = pd.DataFrame(day + 0.3 * rng.standard_normal((rows, 2)), columns=["a", "b"])
    frame.insert(0, "date", pd.date_range("2020-01-01", periods=rows, freq="h"))
    return frame


def steps(seed: int = 0, least: int = 2) -> pd.DataFrame:
    """60 sequences of 2 to 5 steps; `kind` is told by the first feature, `state` and `sum` by each step."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(least, 6, SEQUENCES)
    kind = np.repeat(np.arange(SEQUENCES) % 3, lengths)
    rows = int(lengths.sum())
    a, b = rng.normal(size=(2, rows))
    a += kind
    step = np.concatenate([np.arange(one) for one in lengths])
    found = pd.DataFrame({"id": np.repeat(np.arange(SEQUENCES), lengths), "step": step, "a": a, "b": 10 * b + 3})
    return found.assign(kind=np.array(list("xyz"))[kind], state=np.where(a > 1, "up", "down"), sum=a + b)


def planned(folder: Path, task: str, batch_size: int = 8, **settings: Any) -> tuple[RunSpec, ...]:
    """The runs of an experiment file in `folder` over one task. Raises `UserError` as `rnnbench plan` says it."""
    experiment = {
        "name": "own",
        "tasks": {task: {"lag": 2, **settings}},
        "models": {"gru": {"units": 4}},
        "training": {"steps": 10, "batch_size": batch_size},
    }
    # JSON is YAML; a key a line, so that a mistake has one.
    (folder / "own.yaml").write_text(json.dumps(experiment, indent=1))
    return rnnbench.load_experiment(folder / "own.yaml").runs

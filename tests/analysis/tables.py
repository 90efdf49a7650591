"""Hand-made tables of runs."""

from __future__ import annotations

import pandas as pd

from rnnbench.analysis.results import COLUMNS


def table(*rows: dict) -> pd.DataFrame:
    """Runs of one line, `rows` saying what differs from a finished copy-memory run."""
    usual = {"task": "copy_memory", "task_setting": "", "source": "generated", "model": "lstm", "model_setting": "",
             "filler": "blank", "training_lags": "uniform",
             "distance": "lag", "status": "finished", "score_name": "accuracy"}  # fmt: skip
    told = [usual | {"seed": seed, "signature": f"s{seed}"} | row for seed, row in enumerate(rows)]
    return pd.DataFrame(told, columns=COLUMNS)

"""Tables as a user might have them."""

from __future__ import annotations

import numpy as np
import pandas as pd


def hours(rows: int, seed: int = 0) -> pd.DataFrame:
    """Two columns of a daily cycle and noise, `a` and `b`, with their times."""
    rng = np.random.default_rng(seed)
    day = np.sin(2 * np.pi * np.arange(rows)[:, None] / 24 + rng.uniform(0, 6, 2))
    frame = pd.DataFrame(day + 0.3 * rng.standard_normal((rows, 2)), columns=["a", "b"])
    frame.insert(0, "date", pd.date_range("2020-01-01", periods=rows, freq="h"))
    return frame

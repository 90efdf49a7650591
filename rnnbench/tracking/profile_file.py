"""The Parquet files of a run: gradient profiles, a row for each state and distance; scores, one for each example."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.tracking.names import EXAMPLES_ARTIFACT, PROFILE_ARTIFACT

if TYPE_CHECKING:
    import pandas as pd

PROFILE_COLUMNS = ("step", "distance", "phase", "state", "median", "low", "high")


def write_profile(folder: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write profiles, given by their columns, into a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(dict(columns)), folder / PROFILE_ARTIFACT)


def write_examples(folder: Path, scores: Sequence[float]) -> None:
    """Write the scores of a run's test examples, in their order, into a folder: column `score`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"score": pa.array(scores, pa.float64())}), folder / EXAMPLES_ARTIFACT)


def read_columns(file: bytes) -> pd.DataFrame:
    """Profiles, or scores of examples, from the content of their file.

    Raises `ValueError` or `OSError` if that is damaged.
    """
    import pyarrow.parquet as pq

    # `pd.read_parquet` starts threads of Arrow's, which now and then abort the process at its exit.
    with pq.ParquetFile(io.BytesIO(file), pre_buffer=False) as parquet:
        return parquet.read(use_threads=False).to_pandas(use_threads=False)

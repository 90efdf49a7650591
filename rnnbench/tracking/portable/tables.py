"""The Parquet files of exported results: one table each of runs, metrics, gradient profiles and test examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError
from rnnbench.files import replacing
from rnnbench.tracking.profile_file import PROFILE_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

RUN_COLUMNS = ("experiment", "run_id", "question", "code", "started", "tags", "parameters", "settings")
"""`question` and `code`: see `RunSpec`. `started`: UTC. The last three are JSON: as MLflow has them, and `run.json`."""
METRIC_COLUMNS = ("run_id", "metric", "step", "value")
"""Every value of every metric."""
FILES = {
    "runs": RUN_COLUMNS,
    "metrics": METRIC_COLUMNS,
    "profiles": ("run_id", *PROFILE_COLUMNS),
    "test_examples": ("run_id", "score"),
    "answers": ("run_id", "answers"),
}
"""The columns of each file, `NAME.parquet`."""
OPTIONAL = ("answers",)
"""Files that are there only where they hold something: results of before have none. `answers`: a run's as JSON."""


@dataclass(frozen=True)
class Tables:
    """The tables of a folder, or of several together."""

    runs: pd.DataFrame
    metrics: pd.DataFrame
    profiles: pd.DataFrame
    test_examples: pd.DataFrame
    answers: pd.DataFrame

    def items(self) -> Mapping[str, pd.DataFrame]:
        return {name: getattr(self, name) for name in FILES}


def file_name(table: str) -> str:
    return f"{table}.parquet"


def write_tables(folder: Path, tables: Tables) -> list[str]:
    """Write every table, but for optional ones without a row; the names of the files. Equal tables give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in tables.items().items():
        if name in OPTIONAL and table.empty:
            (folder / file_name(name)).unlink(missing_ok=True)
            continue
        written.append(file_name(name))
        numbers = [str(column) for column in table.select_dtypes("float")]
        words = [str(column) for column in table.select_dtypes(["str", "object"])]
        with replacing(folder / file_name(name)) as file:
            pq.write_table(
                pa.Table.from_pandas(table, preserve_index=False, nthreads=1).replace_schema_metadata(None),
                file,
                compression="zstd",
                compression_level=9,
                use_dictionary=words,
                # Values were float32 when they were measured: their last bytes are 0, and lie together so.
                use_byte_stream_split=numbers,
            )
    return written


def read_tables(folder: Path) -> Tables:
    """The tables of a folder. Raises `UserError` for a file that cannot be read or lacks a column."""
    import pandas as pd

    return Tables(
        **{
            name: pd.DataFrame(columns=list(columns), dtype="str")
            if name in OPTIONAL and not (folder / file_name(name)).exists()
            else _read(folder / file_name(name), columns)
            for name, columns in FILES.items()
        }
    )


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # `pd.read_parquet` starts threads of Arrow's, which now and then abort the process at its exit.
        with pq.ParquetFile(path, pre_buffer=False) as parquet:
            table = parquet.read(use_threads=False).to_pandas(use_threads=False)
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: cannot be read: {reason}") from None
    if missing := [column for column in columns if column not in table]:
        raise UserError(f"{path}: lacks the column {missing[0]}: export the results again")
    return table[list(columns)]


def packed(values: Mapping[str, Any]) -> str:
    """A mapping as one cell."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

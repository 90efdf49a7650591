"""The file of gradient profiles."""

from __future__ import annotations

import subprocess
import sys


def test_reading_a_profile_starts_no_thread() -> None:
    """Those that Arrow starts for files abort the process at its exit, once in some forty times."""
    program = """
import io, psutil
import pandas as pd, pyarrow as pa, pyarrow.parquet as pq
from rnnbench.tracking.profile_file import read_columns
file = io.BytesIO()
pq.write_table(pa.table({"step": [1, 2], "phase": ["initial", "final"], "median": [0.5, None]}), file)
before = psutil.Process().num_threads()
found = read_columns(file.getvalue())
assert psutil.Process().num_threads() == before, "threads were started"
pd.testing.assert_frame_equal(found, pd.read_parquet(file))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

"""The benchmark end to end, at a size that takes no time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent.parent.parent


def bench(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "rnnbench", "bench", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_ours_against_stock_keras(tmp_path):
    """Both compute the same; the table, the report and the ratio to the floor are there."""
    result = bench(
        "--only", "steps", "--cell", "simple_rnn", "--size", "4,10,8", "--peer", "keras_no_jit", "--cores", "1",
        "--seconds", "0", "--out", "out", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "report: out/benchmark.md" in result.stdout
    assert re.search(r"simple_rnn +4,10,8 +[\d.]+ ±\d+%", result.stdout)
    steps = pd.read_csv(tmp_path / "out" / "steps.csv").set_index("peer")
    assert steps["status"].to_dict() == dict.fromkeys(("rnnbench", "keras_no_jit", "floor"), "measured")
    assert steps.loc["rnnbench", "times_ours"] == 1
    assert (steps[["step_ms", "low_ms", "high_ms", "rounds", "steps", "first_step_seconds"]] > 0).all(axis=None)
    assert steps.loc["floor", "times_ours"] < 1


def test_mistakes_are_one_line(tmp_path):
    for arguments, message in (
        (["--cell", "lstn"], "--cell lstn: there are simple_rnn, lstm, gru"),
        (["--peer", "mxnet"], "--peer mxnet: there are keras, keras_no_jit, keras_jit, keras_jax, torch"),
        (["--size", "3"], "--size 3: give batch, length and units, such as 32,500,128"),
        (["--cores", "0"], "--cores 0: give numbers from 1 to"),
    ):
        result = bench(*arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert f"error: {message}" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1

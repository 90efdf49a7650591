"""The benchmark end to end, at a size that takes no time."""

import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from rnnbench.cli.app import app
from rnnbench.cli.views import benchmark
from rnnbench.errors import UserError


@pytest.mark.slow
def test_ours_against_stock_keras(tmp_path):
    """Both compute the same; the table, the report and the ratio to the floor are there."""
    result = CliRunner().invoke(
        app,
        ["bench", "--only", "steps", "--cell", "simple_rnn", "--size", "4,10,8", "--peer", "keras_no_jit",
         "--cores", "all", "--seconds", "0", "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert re.search(r"report: .*benchmark\.md", result.output)
    assert re.search(r"simple_rnn +4,10,8 +[\d.]+ ±\d+%", result.output)
    (found,) = (tmp_path / "out").glob("*/steps.csv")
    steps = pd.read_csv(found).set_index("peer")
    assert steps["status"].to_dict() == dict.fromkeys(("rnnbench", "keras_no_jit", "floor"), "measured")
    assert steps.loc["rnnbench", "times_ours"] == 1
    assert (steps[["step_ms", "low_ms", "high_ms", "rounds", "steps", "first_step_seconds"]] > 0).all(axis=None)
    assert steps.loc["floor", "times_ours"] < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cell", "lstn"], "--cell: unknown cell 'lstn' (did you mean 'lstm'?); known: simple_rnn, lstm, gru"),
        (["--peer", "mxnet"], "--peer: unknown peer 'mxnet'; known: keras, keras_no_jit, keras_jit, keras_jax, torch"),
        (["--size", "3"], "--size 3: give batch, length and units, such as 32,500,128"),
        (["--cores", "0"], "--cores 0: give numbers from 1 to"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    error = CliRunner().invoke(app, ["bench", *arguments]).exception
    assert isinstance(error, UserError)
    assert str(error).startswith(message)
    assert "\n" not in str(error)


def test_if_nothing_can_be_measured_it_is_an_error(tmp_path, monkeypatch):
    from rnnbench.bench import run

    def nothing(plan):
        yield "steps.csv", [{"peer": "rnnbench", "status": "over 120 s"}, {"peer": "torch", "status": "not installed"}]

    monkeypatch.setattr(run, "rows", nothing)
    monkeypatch.setattr(benchmark, "measured_line", lambda rows: "")
    error = CliRunner().invoke(app, ["bench", "--out", str(tmp_path / "out")]).exception
    assert str(error) == "nothing could be measured: rnnbench: over 120 s; torch: not installed"
    assert not (tmp_path / "out").exists()

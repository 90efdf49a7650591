"""Results with little or nothing in them make a true report."""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnbench.analysis.results import Results
from rnnbench.report import build as report
from rnnbench.report.headline import Headline
from tests.report.fake_results import fake_results

TASKS = ("copy_memory", "forecasting")
MODELS = ("simple_rnn", "lstm")
DRAWN = "nothing but NaN"
"""The case whose figures are drawn too, which takes the time."""


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def changed(results: Results, **columns: Any) -> Results:
    return replace(results, runs=results.runs.assign(**columns))


def without_scores(results: Results) -> Results:
    """All validations, scores and gradients undefined, in finished runs."""
    nan = dict.fromkeys(("score", "skill", "validation_score", "survival", "survival_initial"), math.nan)
    solved, never = pd.array([False] * len(results.runs), "boolean"), pd.array([None] * len(results.runs), "Int64")
    told = changed(results, **nan, solved=solved, steps_to_solve=never)
    return replace(told, history=results.history.assign(value=math.nan), levels=results.levels.iloc[:0])


def infinite(results: Results) -> Results:
    """What no store gives back, in every column of numbers."""
    inf = dict.fromkeys(("score", "skill", "validation_score", "survival", "reach", "decay_per_step"), math.inf)
    return replace(changed(results, **inf), history=results.history.assign(value=-math.inf))


ALL = range(100)
RESULTS = {
    "all diverged": lambda: fake_results(TASKS, MODELS, lags=(0, 5), statuses=dict.fromkeys(ALL, "diverged")),
    "all failed": lambda: fake_results(TASKS, MODELS, lags=(0, 5), statuses=dict.fromkeys(ALL, "failed")),
    "one seed, one lag": lambda: fake_results(TASKS[1:], MODELS, lags=(5,), seeds=1),
    "one run, at lag 0": lambda: fake_results(("sentiment",), ("gru",), lags=(0,), seeds=1, history=False),
    "nothing but NaN": lambda: without_scores(fake_results(TASKS, MODELS, lags=(0, 5))),
    "infinities": lambda: infinite(fake_results(TASKS[1:], MODELS, lags=(0, 5))),
    "nothing solved, no skill": lambda: changed(
        fake_results(TASKS, MODELS, lags=(0, 5), training_lags=("fixed", "far")), skill=math.nan, solved=False
    ),
    "one score for all": lambda: changed(
        fake_results(TASKS[1:], MODELS, lags=(0, 5)), score=0.0, skill=0.0, survival=0.0
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_a_report_of_what_there_is(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = RESULTS[case]()
    experiment = {"name": "x", "tasks": {task: {"lag": [0, 5]} for task in TASKS}}
    monkeypatch.setattr(report, "_library", lambda: "")
    if case != DRAWN:
        monkeypatch.setattr(report, "_write_figures", lambda figures, folder: None)
    page = report.build(experiment, results, tmp_path, title="x", provenance={}, reproduce=[])
    manifest = strict((tmp_path / "manifest.json").read_text("utf-8"))
    assert manifest["totals"]["runs"] == len(results.runs)
    html = page.read_text("utf-8")
    packed = re.search(r'id="panels">(.*?)</script>', html)
    assert packed
    specs = gzip.decompress(base64.b64decode(packed[1])).decode()
    strict(specs)
    for text in (
        re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL),
        specs,
        (tmp_path / "report.md").read_text(),
    ):
        # What the made-up runs say of themselves.
        said = text.replace("loss is nan", "")
        assert not re.search(r"(?<![\w.])-?(nan|NaN|inf|Infinity)(?![\w.])", said)


@pytest.mark.parametrize("case", ["all diverged", "all failed", "nothing but NaN", "infinities"])
def test_nothing_is_claimed_where_nothing_is_known(case: str) -> None:
    horizons = {row.horizon for row in Headline(RESULTS[case]()).rows}
    # Infinities: `solved` is the word of the task, and stays.
    assert horizons <= ({"–", "?"} if case != "infinities" else {"–", "?", "0", "5", "≥ 5"})


def test_the_declared_direction_stands_in_the_table() -> None:
    table = pd.read_csv(io.StringIO(report.csv(fake_results(TASKS, lags=(5,), seeds=1).runs)))
    found = table.groupby("score_name")["higher_is_better"].unique().map(list).to_dict()
    assert found == {"accuracy": [True], "mse": [False]}

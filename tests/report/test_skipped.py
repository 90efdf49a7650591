"""Points that are skipped stand in the tables of a report with their reasons, and in nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rnnbench.analysis.results import Results
from rnnbench.errors import UserError
from rnnbench.report.build import build, figures
from rnnbench.report.data import ReportData
from rnnbench.report.headline import Headline
from rnnbench.report.horizons import horizon_tables
from rnnbench.report.tables import score_table, skipped_table
from rnnbench.report.words import answers, run_counts
from tests.report.fake_results import fake_results

MODELS, LAGS, REASON = ("simple_rnn", "lstm", "gru"), (5, 20), "it takes <10> | steps"


def skipping(*where: str) -> Results:
    """Made-up results of two lags, with the rows that a query each names skipped instead."""
    results = fake_results(models=MODELS, lags=LAGS, seeds=2)
    runs = results.runs
    gone = runs.index.isin([at for query in where for at in runs.query(query).index])
    kept = set(runs.loc[~gone, "signature"])
    empty = [
        "score", "skill", "solved", "steps", "steps_to_solve", "parameters", "seconds", "training_seconds", "survival",
        "survival_initial", "decay_per_step", "reach", "validation_score", "test_se", "clock", "generalises_to",
        "start_shift", "memoryless", "reference", "frozen",
    ]  # fmt: skip
    runs = runs.assign(**{name: runs[name].mask(gone) for name in empty}, message=runs["message"].mask(gone, REASON))
    told = {"role": "", "status": "skipped", "started": "", "run_id": ""}
    runs = runs.assign(**{name: runs[name].mask(gone, value) for name, value in told.items()})
    others = {
        name: table[table["signature"].isin(kept)]
        for name in ("history", "profiles", "levels", "lag_curves")
        for table in [getattr(results, name)]
    }
    return replace(results, runs=runs, **others)


def without(results: Results) -> Results:
    return replace(results, runs=results.runs[results.runs["status"] != "skipped"].reset_index(drop=True))


LONG = "model == 'gru' and lag == 20"
ALL_OF_ONE = "model == 'lstm'"


def test_figures_and_statistics_are_those_of_the_runs_alone() -> None:
    results = skipping(LONG, ALL_OF_ONE)
    data, alone = ReportData(results), ReportData(without(results))
    names = ("runs", "all_runs", "summary", "solving", "improvements", "history", "profiles", "levels", "lag_curves")
    for name in names:
        pd.testing.assert_frame_equal(
            getattr(data, name).reset_index(drop=True), getattr(alone, name).reset_index(drop=True)
        )
    assert [series.label for series in data.series] == ["simple_rnn", "gru"]
    shown, expected = figures(results), figures(without(results))
    assert shown.keys() == expected.keys()
    assert [shown[name].svg() for name in ("overview", "score-copy_memory")] == [
        expected[name].svg() for name in ("overview", "score-copy_memory")
    ]


def test_tables_have_a_cell_for_what_is_skipped() -> None:
    data = ReportData(skipping(LONG, ALL_OF_ONE))
    (problem,) = data.problems
    table = score_table(data, problem)
    assert {row[0][0]: [cell[0] == "skipped" for cell in row[1:]] for row in table.rows} == {
        "simple_rnn": [False, False],
        "lstm": [True, True],
        "gru": [False, True],
    }
    (horizons,) = horizon_tables(data)
    assert horizons.head[0] == "model"
    assert "2 seeds a point" in horizons.caption
    found = {model[0]: cell for model, cell in horizons.rows}
    assert list(found) == [*MODELS]
    assert (found["lstm"], found["gru"][-1]) == (("skipped",), "not tested at 20")
    skipped = skipped_table(data)
    assert skipped
    assert skipped.rows == [[(REASON,), ("6",), ("lstm and gru",), ("copy_memory",), ("5, 20",)]]


def test_a_point_of_which_one_seed_is_skipped_says_so_beside_its_denominator() -> None:
    data = ReportData(skipping("model == 'gru' and lag == 5 and seed == 1"))
    (problem,) = data.problems
    (gru,) = [row for row in score_table(data, problem).rows if row[0][0] == "gru"]
    assert gru[1][1] == "1/1 solved, 1 skipped"


def test_sentences_tell_what_is_skipped_and_count_it_apart() -> None:
    data = ReportData(skipping(LONG, ALL_OF_ONE))
    (problem,) = data.problems
    assert run_counts(data, 6) == f"6 runs: 6 finished. 6 more are skipped: {REASON}."
    text = " ".join(answers(data, problem))
    assert "gru at least 5, 2 of 2, not tested at 20" in text
    assert "Skipped, uniform lags, blank filler: lstm." in text
    assert "n = 2 seeds a point." in text


def test_the_headline_of_a_run_and_of_its_page_in_mlflow_name_it() -> None:
    found = Headline(skipping(LONG, ALL_OF_ONE))
    assert [(row.model, row.horizon == "skipped") for row in found.rows] == [
        ("simple_rnn", False),
        ("lstm", True),
        ("gru", False),
    ]
    assert "| it takes &lt;10&gt; &#124; steps | 6 | lstm and gru | copy&#95;memory | 5, 20 |" in found.markdown()


def test_the_files_of_a_report(tmp_path: Path) -> None:
    usual = {"title": "lag", "provenance": {}, "reproduce": []}
    folder = build({}, skipping(LONG, ALL_OF_ONE), tmp_path, planned=6, **usual).parent
    assert json.loads((folder / "manifest.json").read_text())["totals"] | {"training_seconds": 0} == {
        "planned": 6, "runs": 6, "finished": 6, "skipped": 6, "training_seconds": 0,
    }  # fmt: skip
    table = pd.read_csv(folder / "results.csv")
    rows = table[table["status"] == "skipped"]
    assert rows["message"].tolist() == [REASON] * 6
    assert rows[["score", "steps", "role", "run_id"]].isna().all(axis=None)
    page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert "<bdi>it takes &lt;10&gt; | steps</bdi>" in page
    assert "### Skipped" in text
    assert "None: every run that was started has finished." in text


def test_a_report_of_nothing_but_skipped_runs_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to report on 'lag': every run is skipped: it takes <10>"):
        build({}, skipping("lag > 0"), tmp_path / "out", title="lag", provenance={}, reproduce=[])
    assert not (tmp_path / "out").exists()

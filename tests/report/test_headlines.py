"""Headlines of hand-made tables claim what the tables hold, in at most 60 words."""

from __future__ import annotations

import io
import math
from typing import Any

import pandas as pd
import pytest

from rnnbench.analysis.results import Results
from rnnbench.report import build
from rnnbench.report.claims import claims
from rnnbench.report.data import ReportData
from rnnbench.report.headlines import MOST_WORDS, headline
from tests.analysis.tables import table
from tests.report.read_headlines import check_headlines
from tests.report.recomputed import labelled

SEEDS = 5
LAGS = (5, 20, 50, 200)
SURVIVAL = {"gru": 1e-10, "lstm": 1e-6, "simple_rnn": 0.004, "lstm_chrono": 0.22}


def results(*cells: dict[str, Any], **usual: Any) -> Results:
    """Runs from cells: `model`, and by lag how many of `n` seeds solve it; of these the first `clocks` are clocks."""
    rows = []
    for cell in cells:
        about = {"training_lags": "uniform", "filler": "blank", "clocks": 0, "n": SEEDS, **usual, **cell}
        solved, n, clocks = about.pop("solved"), about.pop("n"), about.pop("clocks")
        for lag, count in solved.items():
            for seed in range(n):
                wins = seed < count
                rows.append(_run(about, lag, seed, wins, wins and seed < clocks))
    runs = table(*rows).astype({"solved": "boolean"})
    runs = runs.assign(role="evaluated", experiment="x", signature=[f"{at:04x}" for at in range(len(runs))])
    empty = pd.DataFrame(columns=["signature", "step", "metric", "value"])
    profiles = pd.DataFrame(columns=["signature", "step", "phase", "state", "distance", "median", "low", "high"])
    levels = runs.melt("signature", ["memoryless", "reference"], "level", "value")
    return Results(runs, empty.astype({"metric": str, "value": float}), profiles, levels)


def _run(about: dict[str, Any], lag: int, seed: int, wins: bool, clock: bool) -> dict[str, Any]:
    score = 1.0 if wins else 0.125 + seed / 1000
    run = {
        "lag": lag, "seed": seed, "score": score, "skill": (score - 0.125) / 0.875, "solved": wins,
        "memoryless": 0.125, "reference": 1.0, "clock": (0.9 if clock else 0.1) if wins else math.nan,
        "steps": 800 if wins else 2000, "steps_to_solve": 600 if wins else None, "higher_is_better": True,
        "survival_initial": SURVIVAL.get(about["model"], 0.1) ** (lag / 200) * (1 + seed / 100),
    }  # fmt: skip
    return run | about


def all_of(count: int, *lags: int) -> dict[int, int]:
    return {lag: (count if lag in lags else 0) for lag in LAGS}


EVERY = dict.fromkeys(LAGS, 5)
THREE = (
    {"model": "lstm_chrono", "solved": EVERY}, {"model": "gru", "solved": all_of(5, 5, 20)},
    {"model": "simple_rnn", "solved": all_of(0)},
)  # fmt: skip
MANY = tuple({"model": f"m{at}", "solved": all_of(5, *LAGS[: 1 + at % 3])} for at in range(9))


def diverged(found: Results, model: str, lag: int) -> Results:
    runs = found.runs
    gone = (runs["model"] == model) & (runs["lag"] == lag)
    runs.loc[gone, ["score", "skill", "clock", "steps_to_solve"]] = None
    runs.loc[gone, "status"] = "diverged"
    runs.loc[gone, "solved"] = False
    return found


def errors(found: Results) -> Results:
    """The same as mean squared errors against a reference."""
    runs = found.runs.assign(score_name="mse", higher_is_better=False, memoryless=1.9, reference=0.026)
    runs["score"] = [0.027 if won else 1.2 + seed / 100 for won, seed in zip(runs["solved"], runs["seed"], strict=True)]
    return Results(runs, found.history, found.profiles, runs.melt("signature", ["memoryless"], "level", "value"))


TABLES = {
    "three models": lambda: results(*THREE),
    "the example of the specification": lambda: results(
        *({"model": model, "solved": EVERY, "filler": filler}
          for filler in ("blank", "distractor") for model in ("lstm_chrono", "gru_chrono")),
        *({"model": model, "solved": all_of(5, 5, 20), "filler": filler}
          for filler in ("blank", "distractor") for model in ("lstm", "gru")),
        {"model": "simple_rnn", "solved": all_of(5, 5, 20, 50), "clocks": 5},
        {"model": "simple_rnn", "solved": all_of(0), "filler": "distractor"},
        training_lags="fixed",
    ),
    "both protocols": lambda: results(
        *({**cell, "training_lags": lags} for lags in ("fixed", "uniform") for cell in THREE)
    ),
    "all four protocols": lambda: results(
        *({**cell, "training_lags": lags} for lags in ("far", "log", "fixed", "uniform") for cell in THREE)
    ),
    "all alike": lambda: results(*({**cell, "solved": EVERY} for cell in THREE)),
    "none solves anything": lambda: results(*({**cell, "solved": all_of(0)} for cell in THREE)),
    "one model, one lag, one seed": lambda: results({"model": "gru", "solved": {20: 1}, "n": 1}),
    "one model fails at its one lag": lambda: results({"model": "gru", "solved": {20: 2}}),
    "success that is not monotone": lambda: results(
        {"model": "gru", "solved": {5: 5, 20: 2, 50: 4, 200: 0}}, *THREE[:1]
    ),
    "exactly half": lambda: results(
        {"model": "gru", "solved": {5: 4, 20: 2}, "n": 4}, {"model": "lstm", "solved": {5: 5}}
    ),
    "clocks of several models": lambda: results(
        *({"model": model, "solved": EVERY, "clocks": 4} for model in ("simple_rnn", "lstm", "gru", "gru_chrono")),
        *THREE[:1], training_lags="fixed",
    ),
    "a clock at some of its lags": lambda: results(
        {"model": "simple_rnn", "solved": {50: 5, 200: 3}, "clocks": 2}, {"model": "gru", "solved": {50: 5, 200: 0}}
    ),
    "nine models": lambda: results(*MANY),
    "nine models through four fillers": lambda: results(
        *({**cell, "filler": filler} for filler in ("zeros", "blank", "distractor", "decoy") for cell in MANY)
    ),
    "nine models that all do the same": lambda: results(*({**cell, "solved": EVERY} for cell in MANY)),
    "long names": lambda: results(
        *({"model": model, "model_setting": f"units={units} optimizer=sgd(momentum=0.9)",
           "solved": all_of(5, *LAGS[:at])}
          for at, model in enumerate(("lstm", "gru", "simple_rnn"), 1) for units in (8, 16))
    ),
    "a diverged point": lambda: diverged(results(*THREE), "lstm_chrono", 200),
    "all diverged": lambda: diverged(results({"model": "gru", "solved": {5: 0}}), "gru", 5),
    "other lags for each model": lambda: results(
        {"model": "gru", "solved": {5: 5, 20: 5}}, {"model": "lstm", "solved": {5: 5, 20: 0, 50: 0}},
        {"model": "simple_rnn", "solved": {20: 5, 50: 1}},
    ),
    "errors": lambda: errors(results(*THREE)),
    "two fillers that differ": lambda: results(
        *THREE, *({**cell, "filler": "decoy", "solved": all_of(4, 5)} for cell in THREE)
    ),
    "lengths T": lambda: results(*THREE, task="adding", distance="T"),
}  # fmt: skip


def told(found: Results) -> dict[str, str]:
    data = ReportData(found)
    return {problem.label: " ".join(headline(one) for one in claims(data, problem)) for problem in data.problems}


@pytest.mark.parametrize("case", TABLES)
def test_every_claim_is_in_the_table(case: str) -> None:
    found = TABLES[case]()
    runs = labelled(pd.read_csv(io.StringIO(build.csv(found.runs))))
    said = told(found)
    assert set(said) == set(runs["problem"])
    for problem, block in runs.groupby("problem"):
        assert list(check_headlines(said[problem], block)) == [], said[problem]


def test_a_false_claim_is_found() -> None:
    """The parser of the test above is no rubber stamp."""
    found = results(*THREE)
    runs = labelled(pd.read_csv(io.StringIO(build.csv(found.runs))))
    (said,) = told(found).values()
    changes = [
        ("reached lag 200", "reached lag 50"), ("gru 20", "gru 50"), ("in all runs", "in all runs, never 500 or more"),
        ("5 seeds", "4 seeds"), ("2,000", "1,000"), ("simple_rnn no lag", "simple_rnn 5"), ("; simple_rnn no lag", ""),
        ("1.0e−10 in gru", "1.0e−9 in gru"), (" in lstm_chrono", " in gru"), ("lstm_chrono 1.0", "lstm_chrono 0.9"),
        ("Initial gradient", "A clock: gru through blanks at lag 5. Initial gradient"),
        (", the longest", " (the longest)"),
    ]  # fmt: skip
    for true, false in changes:
        assert true in said
        assert list(check_headlines(said.replace(true, false), runs)) != [], (true, false)


def test_the_example_reads_as_it_should() -> None:
    (said,) = told(TABLES["the example of the specification"]()).values()
    assert said.startswith("One fixed lag, at most 2,000 steps, 5 seeds. ")
    assert "lstm_chrono and gru_chrono reached lag 200, the longest, in all runs; lstm and gru 20 in all runs." in said
    assert "A clock: simple_rnn through blanks." in said
    assert "1.0e−10 in gru" in said
    assert len(said.split()) <= MOST_WORDS


def test_models_that_do_the_same_are_named_together() -> None:
    (said,) = told(TABLES["all alike"]()).values()
    assert "Through blanks, lstm_chrono, gru and simple_rnn reached lag 200, the longest, in all runs." in said


def test_above_six_models_the_best_the_worst_and_counts_are_told() -> None:
    (said,) = told(TABLES["nine models"]()).values()
    assert "m2, m5 and m8 reached lag 50 in all runs; m0, m3 and m6 5 in all runs; 3 between." in said
    (said,) = told(TABLES["nine models that all do the same"]()).values()
    assert "Through blanks, 9 of 9 models reached lag 200, the longest, in all runs." in said


def test_where_the_data_ask_no_memory_nothing_else_is_claimed() -> None:
    found = results(*THREE)
    found.runs["skill"] = math.nan
    (said,) = told(found).values()
    assert said == (
        "Uniform lags, at most 2,000 steps, 5 seeds. "
        "These data ask no memory: the reference does not beat what needs none."
    )

"""The figures of what protocols ask: lag curves, the budget, the lead, gradient and information, equal steps."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from rnnbench.report.data import ReportData
from rnnbench.report.figures.budget import Budget
from rnnbench.report.figures.gradient_profiles import GradientProfiles
from rnnbench.report.figures.lag_curves import LagCurves
from rnnbench.report.figures.start_shift import StartShift
from rnnbench.report.figures.survival import Survival
from rnnbench.report.setups import FIXED
from rnnbench.tasks.protocol import longest_lead
from tests.report.fake_results import fake_results
from tests.report.figures.panels import figure, layers, tables, with_columns, words


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ReportData(fake_results(models=("simple_rnn", "lstm"), lags=(5, 20), seeds=3, training_lags=("fixed",)))


def test_a_panel_for_each_model_holds_its_curve_for_each_trained_lag(data: ReportData) -> None:
    found = figure(LagCurves().draw(data, data.problems[0]))
    assert [panel["title"] for panel in found.panels] == ["simple_rnn", "lstm"]
    cells = with_columns(found.panels[0], "test_lag", "score", "n")
    assert set(cells["lag"]) == {5, 20}
    assert set(cells.loc[cells["lag"] == 20, "test_lag"]) == {0, 10, 19, 20, 21, 40}
    at = cells.set_index(["lag", "test_lag"])
    # A clock: perfect at its own lag, without skill beside it.
    assert [at.loc[(20, lag), "score"] for lag in (19, 20, 21)] == [0.125, 1.0, 0.125]
    assert [str(at.loc[(20, lag), "said"]) for lag in (19, 20, 21)] == ["0.12", "1.0", "0.12"]
    # In all rows the trained lag stands at the same place.
    assert [at.loc[(lag, lag), "column"] for lag in (5, 20)] == [0, 0]
    assert [at.loc[(20, lag), "column"] for lag in (0, 10, 19, 21, 40)] == [-3, -2, -1, 1, 2]
    assert words(found.panels[0], "name") == {"5", "20, clock"}
    assert words(found.panels[1], "name") == {"5", "20"}
    assert "trained at 20 (3 of 3 that solved it by a clock): " in found.panels[0]["description"]
    assert found.caption.endswith(FIXED)


def test_without_lag_curves_there_is_no_figure(data: ReportData) -> None:
    empty = ReportData(fake_results(lags=(5,), seeds=1, history=False))
    assert LagCurves().draw(empty, empty.problems[0]) == []
    assert StartShift().draw(empty, empty.problems[0]) is None


def test_the_budget_figure_shows_what_more_steps_bring() -> None:
    results = fake_results(models=("lstm",), lags=(5, 20), seeds=2)
    runs = results.runs.assign(solved=True, status="finished", score=1.0, skill=1.0)
    runs["steps_to_solve"] = pd.array([100 if lag == 5 else 900 for lag in runs["lag"]], "Int64")
    data = ReportData(replace(results, runs=runs))
    found = figure(Budget().draw(data, data.problems[0]))
    assert found.numbers is not None
    rows = found.numbers[["budget", "horizon", "counts"]].itertuples(index=False, name=None)
    assert list(rows) == [
        (250, "5", "5, 2 of 2; 20, 0 of 2"), (500, "5", "5, 2 of 2; 20, 0 of 2"),
        (1000, "20", "20, 2 of 2"), (2000, "20", "20, 2 of 2"),
    ]  # fmt: skip
    assert "lstm: 5 after 250, 5 after 500, 20 after 1,000" in found.panels[0]["description"]


def test_no_budget_figure_where_nothing_is_solved() -> None:
    results = fake_results(models=("lstm",), lags=(5, 20), seeds=2)
    data = ReportData(replace(results, runs=results.runs.assign(solved=False)))
    assert Budget().draw(data, data.problems[0]) is None


def test_the_lead_is_shown_from_none_to_twice_the_longest(data: ReportData) -> None:
    found = figure(StartShift().draw(data, data.problems[0]))
    assert [panel["title"] for panel in found.panels] == [
        "one fixed lag, blank filler, lag 5", "one fixed lag, blank filler, lag 20",
    ]  # fmt: skip
    points = with_columns(found.panels[1], "lead", "score", "n")
    longest = longest_lead(20)
    assert set(points["lead"]) == {0, 1, 5, longest, 2 * longest}
    assert set(points["n"]) == {3}
    assert words(found.panels[1], "level") == {"memoryless", "reference"}
    assert set(with_columns(found.panels[1], "series", "value")["series"]) == {"simple_rnn", "lstm"}
    assert FIXED in found.caption


def test_gradient_and_information_stand_on_one_figure_and_states_apart_only_where_there_are_two(
    data: ReportData,
) -> None:
    found = figure(GradientProfiles().draw(data, data.problems[0]))
    assert [panel["title"] for panel in found.panels] == [
        f"lag {lag}, {what}"
        for lag in (5, 20)
        for what in (
            "at initialisation", "after training", "readable at initialisation", "readable after training",
        )
    ]  # fmt: skip
    marks = pd.concat(table for table in tables(found.panels[0]) if {"state", "median"} <= set(table))
    assert marks.groupby("series")["state"].unique().map(set).to_dict() == {
        "simple_rnn": {"joint"}, "lstm": {"joint", "h", "c"},
    }  # fmt: skip
    # A band for the whole network only.
    bands = [layer for layer in layers(found.panels[0]) if layer.get("mark", {}).get("type") == "area"]
    assert len(bands) == 1
    read = with_columns(found.panels[2], "series", "distance", "score")
    assert read.loc[read["series"] == "lstm", "distance"].tolist() == [0, 1, 2, 5]
    assert "dotted: h" in found.caption


def test_survival_is_compared_after_equally_many_steps() -> None:
    results = fake_results(models=("simple_rnn", "lstm"), lags=(5, 20), seeds=2)
    history = results.history
    # One run has no gradient at step 400: the last step that all have is 100.
    first = history["signature"] == results.runs["signature"][0]
    of_400 = (history["metric"] == "gradient_profile/survival") & (history["step"] == 400) & first
    data = ReportData(replace(results, history=history[~of_400]))
    found = figure(Survival().draw(data, data.problems[0]))
    assert [panel["title"] for panel in found.panels] == [
        "uniform lags, blank filler, at initialisation", "uniform lags, blank filler, after 100 steps",
    ]  # fmt: skip
    assert data.equal_step(data.problems[0]) == 100
    whole = ReportData(results)
    assert whole.equal_step(whole.problems[0]) == 400
    # The tested networks are of the best weights, wherever these were met, though all runs note them at one step.
    tested = history[(history["metric"] == "gradient_profile/survival") & (history["step"] == 400)].assign(step=2000)
    assert (results.profiles.loc[results.profiles["phase"] == "final", "step"] == 2000).all()
    ended = ReportData(replace(results, history=pd.concat([history, tested])))
    assert ended.equal_step(ended.problems[0]) == 400

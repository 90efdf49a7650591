"""Published scores: every entry is complete; those that can be compared are drawn, the others only listed."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pandas as pd
import pytest

from rnnbench import registry
from rnnbench.experiment.choice import ALL_LAGS, Choice
from rnnbench.report import published
from rnnbench.report.build import build
from rnnbench.report.data import Problem
from tests.report.fake_results import fake_results

ADDING = Problem("adding", "", "generated", "mse")
PIXELS = {"task": "sequential_mnist", "order": "pixels", "permuted": [False, True], "source": "mnist"}


@pytest.mark.parametrize("task", published._read())
def test_entries_are_complete_and_fit_the_task(task):
    fields = registry.tasks[task].model_fields
    for entry in published.entries(task):
        assert {"source", "metric", "setting", "like_for_like", "scores"} <= set(entry)
        # Like for like, or with all that is not.
        assert entry["like_for_like"] == ("differs" not in entry)
        assert all(isinstance(one, str) and one for one in entry.get("differs", ["x"]))
        assert all(isinstance(value, float) for value in entry["scores"].values())
        if "lag" in entry:
            assert {"short", "where"} <= set(entry)
            assert set(entry["where"]) <= set(fields)
            assert entry["metric"] == registry.tasks[task].score.name


def test_adding_is_drawn_at_its_length_in_the_form_of_the_paper_only():
    drawn = published.points(ADDING, {"adding": {"form": "bai"}})
    assert set(drawn["lag"]) == {600}
    assert dict(zip(drawn["label"], drawn["value"], strict=True)) == {
        "LSTM, Bai 2018, differs": 0.164, "GRU, Bai 2018, differs": 5.3e-5, "RNN, Bai 2018, differs": 0.177,
    }  # fmt: skip
    assert published.points(ADDING, {"adding": {"form": "urnn"}}).empty
    assert published.points(ADDING, {"adding": {"form": "lag"}}).empty


def test_an_axis_of_the_task_decides_too():
    problem = Problem("pixels", "permuted=True", "mnist", "accuracy")
    drawn = published.points(problem, {"pixels": PIXELS})
    assert drawn.set_index("label")["value"]["GRU, Bai 2018, differs"] == 0.873
    rows = Problem("rows", "", "mnist", "accuracy")
    assert published.points(rows, {"rows": {**PIXELS, "order": "rows", "permuted": False}}).empty


def test_what_is_drawn_stands_in_the_figure_and_in_its_scale(tmp_path):
    tasks = {"forecasting": {"task": "forecasting", "source": "ETTh1", "variables": "multivariate", "horizon": 24,
                             "target": "value"}}  # fmt: skip
    results = fake_results(tasks=("forecasting",), lags=(0, 24), seeds=2)
    page = build({"tasks": tasks}, results, tmp_path, title="f", provenance={}, reproduce=[]).read_text("utf-8")
    packed = re.findall(r'id="panels">(.*?)</script>', page)[0]
    specs = json.loads(gzip.decompress(base64.b64decode(packed)))
    drawn = [spec for spec in specs if "LSTMa, Informer Table 2, differs" in json.dumps(spec)]
    assert [spec["title"] for spec in drawn] == ["uniform lags, blank filler"]
    domains = re.findall(r'"domain": \[([-\d.e]+), ([\d.e]+)\]', json.dumps(drawn[0]))
    assert any(float(high) > 0.65 > float(low) for low, high in domains)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "an LSTM with attention<br>other look-back<br>another optimiser and budget" in text
    assert "✱: published scores" in text


def test_the_chosen_rate_is_shown_with_the_scores_of_all(tmp_path):
    results = fake_results(models=("lstm",), lags=(5, 20), seeds=3)
    results.runs["choice"] = [Choice((("learning_rate", rate),)) for rate in results.runs["learning_rate"]]
    results.runs["chosen_for"] = ALL_LAGS
    slow = results.runs.assign(learning_rate=1e-4, validation_score=0.2, role="not picked", score=0.111)
    slow["choice"] = [Choice((("learning_rate", 1e-4),))] * len(slow)
    slow["signature"] = slow["signature"] + "slow"
    results.runs["validation_score"] = 0.8
    results.runs.loc[results.runs["seed"] == 0, "role"] = "tuning"
    slow.loc[slow["seed"] == 0, "role"] = "tuning"
    both = results.__class__(
        pd.concat([results.runs, slow], ignore_index=True), results.history, results.profiles, results.levels
    )
    folder = build({}, both, tmp_path, title="r", provenance={}, reproduce=[]).parent
    text = (folder / "report.md").read_text("utf-8")
    assert "| lstm<br>copy\\_memory<br>uniform lags, blank filler | 0.200<br>2 runs | 0.800 ●<br>2 runs |" in text
    assert "The runs of tuning seed 0 enter no other figure or table" in text
    assert "12 runs: 12 finished. 4 of them are evaluated" in text
    assert "0.111" not in text
    assert len(pd.read_csv(folder / "results.csv")) == 12


def test_combinations_have_a_row_each_and_a_lag_where_each_has_its_own(tmp_path):
    results = fake_results(models=("lstm",), lags=(5, 20), seeds=2)
    parts = []
    for optimizer, clip, score in (("adam", 1.0, 0.7), ("sgd", None, 0.8)):
        part = results.runs.assign(validation_score=score, role="not picked" if clip else "evaluated")
        part["choice"] = [Choice((("optimizer", optimizer), ("global_clipnorm", clip)))] * len(part)
        part["chosen_for"] = [f"lag {lag}" for lag in part["lag"]]
        part["signature"] += optimizer
        parts.append(part.assign(optimizer=optimizer))
    both = results.__class__(pd.concat(parts, ignore_index=True), results.history, results.profiles, results.levels)
    folder = build({}, both, tmp_path, title="r", provenance={}, reproduce=[]).parent
    text = (folder / "report.md").read_text("utf-8")
    assert "| model | lag | optimizer | global\\_clipnorm | validation score |" in text
    assert "| lstm<br>copy\\_memory<br>uniform lags, blank filler | 20 | adam | 1 | 0.700<br>2 runs |" in text
    assert "| lstm<br>copy\\_memory<br>uniform lags, blank filler | 20 | sgd | null | 0.800 ●<br>2 runs |" in text
    assert "Validation score of every combination of optimizer and global clipnorm that was tried" in text
    assert "One was chosen (●) for each lag of a model" in text
    assert list(pd.read_csv(folder / "results.csv").columns[-2:]) == ["run_id", "optimizer"]

"""Reports agree with a recomputation from their CSV files that shares no code with the package."""

from __future__ import annotations

import ast
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rnnbench.analysis.results import Results
from rnnbench.grid.results import load
from rnnbench.report import build as report
from rnnbench.report.drawing.figure import Figure
from tests.event_streams import experiment, new_store
from tests.report import read_headlines, recomputation, recomputed, synthetic_store
from tests.report.fake_results import fake_results

ROOT = Path(__file__).parents[2]
BOTH = ("fixed", "uniform")
MODELS = ("simple_rnn", "lstm", "gru", "lstm_chrono", "gru_chrono")


def by_input(results: Results) -> Results:
    """`gru` has no state, so that its gradients are on another scale."""
    of = results.profiles["signature"].isin(results.runs.loc[results.runs["model"] == "gru", "signature"])
    return replace(results, profiles=results.profiles.assign(state=results.profiles["state"].mask(of, "x")))


STORES = {
    "real data": lambda: fake_results(("sentiment", "forecasting"), MODELS[:3], lags=(0, 20, 50), seeds=3),
    "failures": lambda: fake_results(
        lags=(5, 20, 50), seeds=4, statuses={1: "diverged", 2: "failed", 9: "diverged", 14: "failed"}
    ),
    "one seed, one lag": lambda: fake_results(lags=(5,), seeds=1),
    "all diverged": lambda: fake_results(lags=(5, 10), seeds=2, statuses=dict.fromkeys(range(12), "diverged")),
    "ten seeds": lambda: fake_results(models=MODELS[:2], lags=(5, 20), seeds=10),
    "settings": lambda: fake_results(
        models=MODELS[:2],
        lags=(5, 20),
        model_settings=("units=8", "units=16"),
        task_settings=("symbols=1", "symbols=2"),
    ),
    "models without a state": lambda: by_input(fake_results(lags=(5, 20), training_lags=BOTH)),
}


def written(results: Results, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a report without its pictures."""
    monkeypatch.setattr(report, "_library", lambda: "")
    monkeypatch.setattr(Figure, "svg", lambda self: "<svg/>")
    return report.build({}, results, folder, title="x", provenance={}, reproduce=[]).parent


@pytest.fixture(scope="module")
def protocols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two protocols and fillers, which takes a while to write."""
    results = fake_results(
        models=MODELS, lags=(5, 20, 50, 200), fillers=("blank", "distractor"), seeds=5, training_lags=BOTH
    )
    with pytest.MonkeyPatch.context() as patch:
        return written(results, tmp_path_factory.mktemp("protocols"), patch)


def test_a_report_of_protocols_and_fillers_agrees(protocols: Path) -> None:
    assert recomputation.check(protocols) == []


@pytest.mark.parametrize("store", STORES)
def test_a_report_of_made_up_results_agrees(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recomputation.check(written(STORES[store](), tmp_path, monkeypatch)) == []


def test_a_report_of_a_synthetic_store_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    axes = {"lag": [5, 50], "training_lags": ["fixed", "uniform"], "filler": ["blank", "distractor"]}
    grid = experiment(tasks={"copy": {"task": "copy_memory", "symbols": 1} | axes}, seeds=3)
    location = new_store(tmp_path / "store")
    synthetic_store.fill(location, grid)
    folder = written(load(location, grid), tmp_path / "report", monkeypatch)
    runs = pd.read_csv(folder / "results.csv")
    assert len(runs) == len(grid.points) == 2 * 2 * 2 * 2 * 3
    assert runs.loc[runs["solved"], ["clock", "generalises_to", "start_shift"]].notna().all(axis=None)
    assert pd.read_csv(folder / "lag_curve.csv")["signature"].nunique() == (runs["status"] == "finished").sum()
    assert recomputation.check(folder) == []


def committed() -> list[Path]:
    """The committed reports that have the columns of today."""
    folders = [file.parent for file in sorted(ROOT.glob("reports/*/results.csv"))]
    return [one for one in folders if set(pd.read_csv(one / "results.csv", nrows=0)) >= recomputed.NEW]


@pytest.mark.parametrize("folder", committed() or [None], ids=lambda folder: folder.name if folder else "none")
def test_a_committed_report_agrees(folder: Path | None) -> None:
    if folder is None:
        pytest.skip("no committed report has the columns of today")
    assert recomputation.check(folder) == []


def test_what_does_not_agree_is_found(protocols: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    shutil.copytree(protocols, folder)
    file = folder / "results.csv"
    runs = pd.read_csv(file, dtype=str, keep_default_na=False)
    at = (runs["model"] == "gru_chrono") & (runs["lag"] != "5")
    runs.assign(solved=runs["solved"].mask(at, "False")).to_csv(file, index=False)
    found = recomputation.check(folder)
    for word in ("horizon of gru_chrono", "solved, not 0 of 5", "answer of copy_memory", "steps"):
        assert any(word in one for one in found), word
    runs.assign(score=runs["score"].mask(at, "0.5")).to_csv(file, index=False)
    found = recomputation.check(folder)
    assert any("mean" in one for one in found)
    assert any("lag curve has" in one for one in found)


@pytest.mark.parametrize("module", [recomputation, recomputed, read_headlines])
def test_it_shares_no_code_with_the_package(module: object) -> None:
    tree = ast.parse(Path(sys.modules[module.__name__].__file__ or "").read_text("utf-8"))  # type: ignore[attr-defined]
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    outside = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert outside <= {"pandas", "scipy", "tests"}
    assert all(name.startswith("tests.report.re") for name in names if name.startswith("tests"))

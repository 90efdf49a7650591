"""Several experiments in one report, and a part of one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from rnnbench.analysis.results import Results
from rnnbench.cli.app import app
from rnnbench.errors import UserError
from rnnbench.experiment import yaml_file
from rnnbench.report.comparison import Only, joined
from tests.event_streams import new_store
from tests.report.fake_results import fake_results
from tests.report.synthetic_store import fill

COPY = {"copy_memory": {"task": "copy_memory", "symbols": 1, "lag": [5, 10]}}
FILE = """
name: {name}
tasks: {{copy_memory: {{lag: [5, 20], symbols: 1}}}}
models: {{lstm: {{units: 8, initialization: {initialization}}}, {other}: {{units: 8}}}}
seeds: 2
"""


def two(first: Results, second: Results, **tasks: dict) -> tuple[Results, dict]:
    return joined({"a": first, "b": second}, {"a": tasks.get("a", COPY), "b": tasks.get("b", COPY)})


def test_a_series_of_both_carries_the_name_of_its_experiment():
    both, tasks = two(
        fake_results(models=("lstm", "gru"), lags=(5,), seeds=1),
        fake_results(models=("lstm", "simple_rnn"), lags=(5, 10), seeds=1),
    )
    lines = both.runs[["experiment", "model", "model_setting", "lag"]].itertuples(index=False, name=None)
    assert list(lines) == [
        ("a", "lstm", "a", 5), ("a", "gru", "", 5),
        ("b", "lstm", "b", 5), ("b", "lstm", "b", 10), ("b", "simple_rnn", "", 5), ("b", "simple_rnn", "", 10),
    ]  # fmt: skip
    assert tasks == COPY


def test_the_same_run_in_both_keeps_two_histories():
    one = fake_results(models=("lstm",), lags=(5,), seeds=2)
    both, _ = two(one, one)
    assert both.runs["signature"].is_unique
    names = ("history", "profiles", "levels", "lag_curves")
    for table, single in ((getattr(both, name), getattr(one, name)) for name in names):
        assert table["signature"].value_counts().to_dict() == {
            f"{signature} {name}": count
            for signature, count in single["signature"].value_counts().items()
            for name in "ab"
        }


def test_a_task_with_other_settings_is_another_task():
    one = fake_results(models=("lstm",), lags=(5,), seeds=1)
    hard = {"copy_memory": {**COPY["copy_memory"], "symbols": 3}}
    both, tasks = two(one, one, b=hard)
    assert list(both.runs["task"]) == ["copy_memory (a)", "copy_memory (b)"]
    assert list(both.runs["model_setting"]) == ["", ""]
    assert tasks == {"copy_memory (a)": COPY["copy_memory"], "copy_memory (b)": hard["copy_memory"]}


def test_other_lags_are_the_same_task():
    one = fake_results(models=("lstm",), lags=(5,), seeds=1)
    both, _ = two(one, one, b={"copy_memory": {**COPY["copy_memory"], "lag": [200]}})
    assert set(both.runs["task"]) == {"copy_memory"}


def test_only_some_tasks_models_and_days():
    results = fake_results(tasks=("copy_memory", "sentiment"), lags=(5, 20), seeds=3)
    kept = Only(["sentiment"], ["lstm", "gru"], datetime(2026, 1, 2, tzinfo=UTC)).of(results)
    assert kept.runs[["task", "model", "seed"]].drop_duplicates().to_numpy().tolist() == [
        ["sentiment", model, seed] for model in ("lstm", "gru") for seed in (1, 2)
    ]
    assert set(kept.history["signature"]) == set(kept.profiles["signature"]) == set(kept.runs["signature"])


@pytest.mark.parametrize(
    ("tasks", "models", "since", "said"),
    [
        (["sentimant"], [], None, "--task: unknown task 'sentimant' (did you mean 'sentiment'?)"),
        ([], ["grü"], None, "--model: unknown model 'grü'"),
        ([], [], "2026-02-01", "no run is left. Shown are only runs begun since 2026-02-01 00:00 UTC."),
        ([], [], "yesterday", "--since yesterday: write a date, 2026-01-31"),
        ([], [], "", "--since : write a date, 2026-01-31"),
        ([], [], "0001-01-01T00:00+23:00", "--since 0001-01-01T00:00+23:00: in UTC that is outside"),
        ([], [], "9999-12-31T23:00-05:00", "--since 9999-12-31T23:00-05:00: in UTC that is outside"),
        ([], [], "9999-12-31", "no run is left. Shown are only runs begun since 9999-12-31 00:00 UTC."),
    ],
)
def test_what_is_not_there_is_told(tasks, models, since, said):
    results = fake_results(tasks=("copy_memory", "sentiment"), lags=(5,), seeds=1)
    with pytest.raises(UserError) as told:
        Only.parse(tasks, models, since).of(results)
    assert said in str(told.value)


@pytest.mark.parametrize("since", ["2026-01-02", "2026-01-02T00:00", "2026-01-02T02:00+02:00"])
def test_a_moment_is_utc_unless_it_says_otherwise(since):
    assert Only.parse([], [], since).since == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores")
    for name, initialization, other in (("plain", "default", "gru"), ("chrono", "chrono", "simple_rnn")):
        file = folder / f"{name}.yaml"
        file.write_text(FILE.format(name=name, initialization=initialization, other=other), "utf-8")
        fill(new_store(folder / name), yaml_file.load(file))
    return folder


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["rnnbench", "report", *arguments])
    return CliRunner().invoke(app, ["report", *arguments], catch_exceptions=False).output


def test_two_initialisations_in_one_report(folder, monkeypatch):
    both = ["plain.yaml", "chrono.yaml", "--store", "plain", "--store", "chrono"]
    assert run(folder, monkeypatch, *both, "--out", "both") == "report: both/report.html\n"
    text = (folder / "both" / "report.md").read_text("utf-8")
    assert text.startswith("# plain and chrono\n")
    horizons = text[text.index("| model | ") : text.index("![")]
    found = [horizons.index(f"\n| {model} | ") for model in ("lstm (plain)", "gru", "lstm (chrono)", "simple\\_rnn")]
    assert found == sorted(found)
    assert (
        "rnnbench run plain.yaml\nrnnbench run chrono.yaml\n"
        "rnnbench report plain.yaml chrono.yaml --store plain --store chrono --out both\n"
    ) in text
    runs = pd.read_csv(folder / "both" / "results.csv")
    assert runs.groupby("experiment").size().to_dict() == {"plain": 8, "chrono": 8}


def test_a_part_says_that_it_is_one(folder, monkeypatch):
    run(folder, monkeypatch, "plain.yaml", "--store", "plain", "--model", "lstm", "--out", "part")
    text = (folder / "part" / "report.md").read_text("utf-8")
    assert "4 runs: 4 finished. Shown are only model lstm." in text
    assert not (folder / "README.md").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plain.yaml", "chrono.yaml"], "add --out DIR"),
        (["plain.yaml", "--model", "lstm"], "add --out DIR"),
        (["plain.yaml", "plain.yaml", "--store", "plain", "--out", "x"], "an experiment is named twice"),
        (["plain.yaml", "--store", "a", "--store", "b", "--out", "x"], "2 --store for 1 files"),
    ],
)
def test_what_makes_no_report(folder, monkeypatch, arguments, said):
    with pytest.raises(UserError, match=said):
        run(folder, monkeypatch, *arguments)


def test_the_usual_folder_gets_its_list_and_links_to_the_runs(folder, monkeypatch):
    run(folder, monkeypatch, "plain.yaml", "--store", "plain")
    listed = (folder / "reports" / "README.md").read_text("utf-8")
    assert "## [plain](plain/report.md)" in listed
    assert "- **copy\\_memory.** " in listed
    assert " lag, at most 2,000 steps, 2 seeds. Through blanks, " in listed.replace("lags,", "lag,")
    assert "![Skill against lag: plain](plain/figures/overview.svg)" in listed
    assert "8 runs: 8 finished" in listed
    page = (folder / "reports" / "plain" / "report.html").read_text("utf-8")
    assert '"prefixes":["http://127.0.0.1:5000/#/experiments/1/runs/"]' in page


@pytest.mark.slow
def test_a_thousand_runs_within_a_minute_and_two_megabytes(tmp_path, monkeypatch):
    import time

    grid = FILE.format(name="big", initialization="chrono", other="gru").replace("[5, 20]", "[5, 10, 20, 50, 100]")
    (tmp_path / "big.yaml").write_text(grid.replace("seeds: 2", "seeds: 100"), "utf-8")
    fill(new_store(tmp_path / "store"), yaml_file.load(tmp_path / "big.yaml"))
    began = time.process_time()
    run(tmp_path, monkeypatch, "big.yaml")
    assert time.process_time() - began < 60
    assert (tmp_path / "reports" / "big" / "report.html").stat().st_size < 2_000_000
    assert len(pd.read_csv(tmp_path / "reports" / "big" / "results.csv")) == 1000


def test_an_early_year_leaves_every_run():
    results = fake_results(models=("lstm",), lags=(5,), seeds=2)
    only = Only.parse([], [], "0999-01-01")
    assert len(only.of(results).runs) == len(results.runs)
    assert str(only) == "Shown are only runs begun since 0999-01-01 00:00 UTC."

"""The command line as a person uses it: what it prints, its exit codes, and that nothing is half-written."""

import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rnnbench.experiment import yaml_file
from tests.event_streams import fill, new_store

ROOT = Path(__file__).parents[2]
TROUBLED = ROOT / "tests" / "plugins" / "troubled.py"
SMALL = """\
name: small
tasks:
  copy_memory: {lag: [1, 3], symbols: 1, examples: 40}
models:
  simple_rnn: {units: 8}
training: {steps: 4, batch_size: 8, evaluate_every: 2}
gradients: {examples: 4}
"""


ELSEWHERE = """\
from rnnbench.errors import UserError
from rnnbench.execution.executors import ExecutorFactory, register_executor

@register_executor("elsewhere")
class Elsewhere(ExecutorFactory):
    def connect(self, checkpoints, say):
        raise UserError("nobody is there")
"""
# What XLA compiles takes it seconds; one test runs the fast layers.
STOCK = SMALL.replace("steps: 4", "implementation: stock, steps: 4")


def rnnbench(*arguments, cwd, **environment):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rnnbench", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def assert_one_line(result, expected):
    assert result.returncode == 2, result.stdout + result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def test_run_status_report_and_a_second_run(folder):
    """The whole path with two workers; then nothing is repeated, and the report is the same to the byte."""
    first = rnnbench("run", "small.yaml", "--workers", 2, cwd=folder)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "[2/2]" in first.stdout
    report = folder / "reports" / "small"
    assert f"report:    {Path('reports/small/report.html')}" in first.stdout
    assert "MLflow UI: python -m rnnbench ui small.yaml" in first.stdout
    assert {path.name for path in report.iterdir()} >= {"report.html", "report.md", "results.csv", "manifest.json"}
    table = pd.read_csv(report / "results.csv")
    columns = "task,source,model,lag,filler,seed,status,score,skill,solved,steps,parameters,seconds,survival,"
    assert set((columns + "decay_per_step,signature").split(",")) <= set(table.columns)
    assert table.lag.tolist() == [1, 3]
    assert table.status.tolist() == ["finished"] * 2
    profiles = [pd.read_parquet(path) for path in (folder / "store").rglob("gradient_profile.parquet")]
    assert len(profiles) == 2
    for found in profiles:
        assert {"step", "distance", "phase", "state", "median", "low", "high"} <= set(found.columns)
        assert set(found.phase) == {"initial", "during", "final"}

    status = rnnbench("status", "small.yaml", cwd=folder)
    assert status.returncode == 0
    assert re.search(r"copy_memory\s+simple_rnn\s+2", status.stdout)

    written = {name: (report / name).read_bytes() for name in ("results.csv", "report.md")}
    report.rename(folder / "before")
    second = rnnbench("run", "small.yaml", cwd=folder)
    assert second.returncode == 0
    assert "2 finished before, nothing to run" in second.stdout
    assert {name: (report / name).read_bytes() for name in written} == written


@pytest.mark.slow
def test_learning_rates_are_chosen_first_and_then_evaluated(folder):
    text = STOCK.replace("lag: [1, 3]", "lag: 1").replace("units: 8", "units: 8, learning_rate: [0.0001, 0.01]")
    (folder / "chosen.yaml").write_text(text + "seeds: 2\nselect: {seeds: [0]}\n")
    first = rnnbench("run", "chosen.yaml", "--workers", 0, cwd=folder)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "3 runs, 2 to run with 1 worker, then those to evaluate" in first.stdout
    assert "learning rate chosen: 1 to evaluate" in first.stdout
    table = pd.read_csv(folder / "reports" / "small" / "results.csv").sort_values("seed")
    assert sorted(table[["seed", "role"]].values.tolist()) == [[0, "tuning"], [0, "tuning"], [1, "evaluated"]]
    choosing = table[table.seed == 0]
    best = choosing[choosing.validation_score == choosing.validation_score.max()].learning_rate
    assert table.learning_rate.iloc[-1] in best.tolist()
    again = rnnbench("status", "chosen.yaml", cwd=folder).stdout
    assert re.search(r"task +model +finished +not needed", again)
    assert re.search(r"copy_memory +simple_rnn +3 +1", again)


def test_a_failing_run_is_named_and_makes_the_command_fail(folder):
    text = STOCK.replace("copy_memory: {", "troubled: {trouble: [raise, none], ")
    (folder / "bad.yaml").write_text(text.replace("lag: [1, 3]", "lag: 2") + f"plugins: [{TROUBLED}]\n")
    result = rnnbench("run", "bad.yaml", "--fresh", "--store", "my store", "--workers", 0, cwd=folder)
    assert result.returncode == 1
    assert "go on with: python -m rnnbench run bad.yaml --store 'my store' --workers 0\n" in result.stdout
    failed = "failed: simple_rnn T2 s0 troubled trouble=raise: RuntimeError: as asked for"
    (place,) = re.findall(rf"^{failed} \(traceback: (.*)\)$", result.stderr, re.MULTILINE)
    assert "RuntimeError: as asked for" in Path(place).read_text()
    table = pd.read_csv(folder / "reports" / "small" / "results.csv")
    assert table.status.tolist() == ["failed", "finished"]
    status = rnnbench("status", "bad.yaml", "--store", "my store", cwd=folder).stdout
    assert re.search(r"task +model +finished +failed", status)
    assert re.search(r"troubled +simple_rnn +1 +1", status)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "none.yaml"], "none.yaml: no such file"),
        (["run", "small.yaml", "--set", "training.stepz=3"], "unknown key 'stepz' (did you mean 'steps'?)"),
        (["run", "small.yaml", "--set", "tasks.copy_memory.lag=-1"], "-1 is not valid"),
        (["run", "small.yaml", "--store", "small.yaml/store"], "small.yaml/store"),
        (["run", "small.yaml", "--tracking-uri", "http://127.0.0.1:9"], "does not answer"),
        (["run", "small.yaml", "--address", "10.0.0.1:6379"], "add --executor ray"),
        (["run", "small.yaml", "--executor", "ray", "--address", "127.0.0.1:9"], "Ray"),
        (
            ["run", "small.yaml", "--executor", "rya"],
            "unknown executor 'rya' (did you mean 'ray'?); known: in_process,",
        ),
        (["run", "small.yaml", "--set", "tasks={sentiment: {lag: 0}}"], "rnnbench data --prepare imdb_reviews"),
        (["report", "small.yaml"], "no runs"),
        (["list", "lstmm"], "unknown name 'lstmm' (did you mean 'lstm'?)"),
        (["list", "gru", "trainin"], "unknown name 'trainin' (did you mean 'training'?)"),
        (["run", "small.yaml", "--worker", "2"], "No such option: --worker"),
        (["plan"], "Missing argument 'FILE'; see `python -m rnnbench plan --help`"),
        (["run", "small.yaml", "--workers", "two"], "Invalid value for '--workers': "),
        (["runs"], "No such command 'runs'"),
        (["data", "imdb_review"], "unknown data set 'imdb_review' (did you mean 'imdb_reviews'?)"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(folder, arguments, expected):
    result = rnnbench(*arguments, cwd=folder, TFDS_DATA_DIR=str(folder / "no-data"))
    assert_one_line(result, expected)
    assert not (folder / "store" / "mlflow.db").exists()
    assert not (folder / "reports").exists()


def test_plan_says_how_many_runs_and_how_large(folder):
    result = rnnbench("plan", "small.yaml", "--workers", 2, cwd=folder)
    assert result.returncode == 0
    assert "small: 2 runs, equal units" in result.stdout
    row = next(line for line in result.stdout.splitlines() if "simple_rnn" in line)
    assert "Data: generated." in result.stdout
    assert {"copy_memory", "simple_rnn", "8", "216"} <= set(row.replace(",", " ").split())


def test_json_for_other_programs(folder):
    plan = json.loads(rnnbench("plan", "small.yaml", "--workers", 2, "--json", cwd=folder).stdout)
    assert (plan["experiment"], plan["planned"], plan["workers"]) == ("small", 2, 2)
    assert [run["settings"]["task_settings"]["lag"] for run in plan["runs"]] == [1, 3]
    listed = json.loads(rnnbench("list", "gru", "--json", cwd=folder).stdout)
    assert listed["models"]["gru"]["settings"]["units"]["default"] == 64
    grouped = json.loads(rnnbench("list", "select", "--json", cwd=folder).stdout)["groups"]["select"]
    assert grouped["settings"]["seeds"]["default"] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rnnbench run sm", {"small.yaml"}),
        ("rnnbench plan ", {"small.yaml", "more/other.yml", "quickstart"}),
        ("rnnbench list sim", {"simple_rnn"}),
        ("rnnbench list tr", {"training", "transformer", "transcription", "translation"}),
        ("rnnbench data ET", {"ETTh1", "ETTh2"}),
        ("rnnbench run small.yaml --executor ", {"in_process", "local", "ray"}),
        ("rnnbench run small.yaml --set training.st", {"training.steps=", "training.stop_when_solved="}),
        ("rnnbench st", {"status"}),
    ],
)
def test_the_shell_completes(folder, words, expected):
    (folder / "more").mkdir()
    (folder / "more" / "other.yml").write_text(SMALL)
    place = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_RNNBENCH_COMPLETE": "complete_bash"}
    program = "import sys; sys.argv[0] = 'rnnbench'; from rnnbench.cli.app import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **place}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert set(found.stdout.split()) == expected, found.stderr


def test_a_live_table_needs_a_terminal_and_colours_can_be_refused(folder):
    """In a log nothing is drawn over; NO_COLOR is respected where colours are forced."""
    wrong = rnnbench("run", "none.yaml", cwd=folder, FORCE_COLOR="1").stderr
    assert "\x1b[31m" in wrong
    plain = rnnbench("run", "none.yaml", cwd=folder, FORCE_COLOR="1", NO_COLOR="1").stderr
    assert plain == "error: none.yaml: no such file\n"


def test_list_and_data_and_schema(folder):
    listed = rnnbench("list", cwd=folder).stdout
    assert all(name in listed for name in ("copy_memory", "sentiment", "speech_commands", "forecasting", "gru", "lstm"))
    training = rnnbench("list", "training", "gradients", cwd=folder).stdout
    assert re.search(r"stop_when_solved +true +Stop a run", training)
    assert re.search(r"examples +64 +Size of the probe batch", training)
    data = rnnbench("data", "--data-dir", folder / "nothing", cwd=folder).stdout
    assert re.search(r"imdb_reviews +sentiment +none stated +missing", data)
    schema = json.loads(rnnbench("schema", cwd=folder).stdout)
    assert schema["properties"]["tasks"]["properties"]["copy_memory"]


def test_an_executor_may_come_from_a_plug_in_of_the_file(folder):
    """It is found by the name that it is registered with."""
    (folder / "elsewhere.py").write_text(ELSEWHERE)
    (folder / "small.yaml").write_text(STOCK + "plugins: [elsewhere.py]\n")
    assert_one_line(rnnbench("run", "small.yaml", "--executor", "elsewhere", cwd=folder), "nobody is there")


def test_help_imports_no_tensorflow(folder):
    for arguments in (["--help"], ["run", "--help"], ["list"], ["plan", str(folder / "small.yaml")]):
        result = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "rnnbench", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0
        assert "import time" in result.stderr
        assert not re.search(r"\| +(tensorflow|keras|mlflow)\b", result.stderr)


def test_validate_names_a_plug_in_that_is_not_there(tmp_path):
    assert_one_line(rnnbench("validate", "--plugins", "nowhere.py", cwd=tmp_path), "is not a Python file that exists")


@pytest.mark.slow
def test_status_of_a_thousand_runs_answers_in_two_seconds(tmp_path):
    """Seconds of the processor, as the wall's say more of what else the machine does."""
    models = "{simple_rnn: {}, lstm: {}, gru: {}, other: {model: lstm, initialization: chrono}}"
    text = "name: big\ntasks: {copy_memory: {lag: [5, 10, 20, 50, 100], symbols: 1}}\nseeds: 50\nmodels: "
    (tmp_path / "big.yaml").write_text(text + models)
    fill(new_store(tmp_path / "store"), yaml_file.load(tmp_path / "big.yaml"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = rnnbench("status", "big.yaml", cwd=tmp_path).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert shown.count("250") == 4
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


@pytest.mark.slow
def test_validate_checks_plug_ins(tmp_path):
    result = rnnbench("validate", "--plugins", TROUBLED, cwd=tmp_path, COLUMNS="200")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"model leaky: gradient probe +within 1e-3 of finite differences +kept", result.stdout)
    assert re.search(r"task troubled: answer +told by the evidence alone +kept", result.stdout)
    assert " 0 failed" in result.stdout


def test_what_a_model_refuses_is_skipped_from_plan_to_report(folder):
    """Named everywhere with its reason; nothing is waiting, nothing failed, and nothing of it is stored."""
    text = STOCK.replace("[1, 3]", "[3, 20]").replace("steps: 4", "steps: 2")
    text = text.replace("  simple_rnn: {units: 8}\n", "  short_rnn: {units: 8}\n  both_ways: {units: 8}\n")
    (folder / "small.yaml").write_text(f"{text}plugins: [{ROOT / 'tests' / 'plugins' / 'refusing.py'}]\n")
    reasons = ["it takes a lag of 10 at most", "its layer reads later steps too, which shortcuts the lag"]
    told = [
        f"skipped: 1 run (short_rnn; copy_memory; lag 20): {reasons[0]}",
        f"skipped: 2 runs (both_ways; copy_memory; lags 3, 20): {reasons[1]}",
    ]
    planned = rnnbench("plan", "small.yaml", cwd=folder)
    run = rnnbench("run", "small.yaml", "--workers", 0, cwd=folder)
    status = rnnbench("status", "small.yaml", cwd=folder)
    for result in (planned, run, status):
        assert result.returncode == 0, result.stdout + result.stderr
        assert "small: 1 run, 3 skipped" in result.stdout
        assert all(line in result.stdout for line in told)
    assert "1 finished\n" in run.stdout
    assert re.search(r"short_rnn +1 +1 +\n +both_ways +2 +\n", status.stdout)
    with sqlite3.connect(folder / "store" / "mlflow.db") as database:
        assert database.execute("SELECT count(*) FROM tags WHERE value = 'run'").fetchone() == (1,)
    table = pd.read_csv(folder / "reports" / "small" / "results.csv")
    assert table["status"].tolist() == ["finished", "skipped", "skipped", "skipped"]
    assert table["message"][1:].tolist() == [reasons[0], reasons[1], reasons[1]]
    report = (folder / "reports" / "small" / "report.md").read_text()
    assert "1 run: 1 finished. 3 more are skipped, for 2 reasons." in report
    assert all(reason in report for reason in reasons)

"""`rnnbench show` as a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rnnbench.cli.app import app
from rnnbench.errors import UserError

FILE = """\
name: two
tasks:
  far: {task: copy_memory, lag: [7, 9], symbols: 2}
  near: {task: adding, lag: 2}
models: {gru: {}}
"""


def show(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["show", *arguments], catch_exceptions=False)
    return result.stdout


def mistake(*arguments: str) -> str:
    with pytest.raises(UserError) as error:
        CliRunner().invoke(app, ["show", *arguments], catch_exceptions=False, standalone_mode=False)
    return str(error.value)


def test_a_task_at_its_defaults_and_at_others() -> None:
    told = show("copy_memory", "-n", "1")
    assert "Lag 20, blank filler" in told
    told = show("copy_memory", "--set", "lag=5", "--set", "symbols=2", "--split", "validation", "-n", "4")
    assert told.count("example ") == 4
    assert "Lag 5" in told
    assert "validation split" in told


def test_a_file_shows_each_of_its_tasks_at_the_first_point(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(FILE)
    told = show(str(tmp_path / "two.yaml"), "-n", "1", "--set", "tasks.near.lag=3")
    assert told.index("far\nLag 7") < told.index("near\nLag 3")


def test_training_is_shown_as_it_is_fed() -> None:
    assert "Lag 26" in show("copy_memory", "--split", "train", "--set", "lag=100", "-n", "1")


def test_a_page_is_written(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "page.html"
    assert str(out) in show("adding", "--out", str(out)).replace("\n", "")
    assert out.read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["copy_memry"], "unknown task 'copy_memry' (did you mean 'copy_memory'?)"),
        (["none.yaml"], "none.yaml: no such file"),
        (["copy_memory", "--split", "tset"], "--split tset: unknown split (did you mean 'test'?); known: train,"),
        (["copy_memory", "--set", "symbol=2"], "unknown key 'symbol' (did you mean 'symbols'?)"),
        (["copy_memory", "--set", "symbols=-2"], "symbols: -2 is not valid"),
        (["copy_memory", "--set", "tasks.copy_memory.lag=2"], "give the bare name of a setting: --set lag=..."),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], expected: str) -> None:
    told = mistake(*arguments)
    assert expected in told
    assert "\n" not in told


def test_a_file_of_data_is_told_from_an_experiment(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("a,b\n1,2\n")
    assert f"write one with `rnnbench new experiment {tmp_path / 'sales.csv'}`" in mistake(str(tmp_path / "sales.csv"))


def test_missing_data_are_named_with_the_command_that_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nothing"))
    told = mistake("sentiment")
    assert "rnnbench data --prepare imdb_reviews" in told

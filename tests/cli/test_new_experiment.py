"""`rnnbench new experiment FILE`: an experiment that loads and runs, or one line and nothing written."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench.cli.new_experiment import new_experiment
from rnnbench.errors import UserError
from rnnbench.events import Finished
from rnnbench.experiment import yaml_file
from rnnbench.experiment.definition import Experiment
from tests.cli.test_app import assert_one_line, rnnbench

RNG = np.random.default_rng(0)
DAYS = pd.date_range("2024-01-01", periods=120)
HEAD = "date,sold\n"
ROWS = "".join(f"{day:%Y-%m-%d},{n % 7 + 0.5}\n" for n, day in enumerate(DAYS))
SHIPPED = Path(sklearn.datasets.__file__).parent / "data"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drafted(content: str | bytes, name: str = "sales.csv") -> Experiment:
    """The experiment that is written for a file of this content."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    new_experiment(name, Path(), None)
    return yaml_file.load(Path(f"{name.partition('.')[0]}.yaml"))


def test_a_series(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = drafted(HEAD + ROWS)
    (task,) = {type(run.task).__name__ for run in experiment.runs}
    assert task == "CsvForecasting"
    assert set(experiment.models) == {"simple_rnn", "lstm", "gru", "lstm_chrono"}
    assert experiment.models["lstm_chrono"]["chrono_max"] > 7
    assert {run.task.training_lags for run in experiment.points} == {"uniform"}
    assert sorted({run.task.lag for run in experiment.points}) == [0, 7, 49]
    said = capsys.readouterr().out
    assert "sales.csv is taken for a series of numbers (csv_forecasting): column 'date' holds times that rise" in said
    assert "120 rows from 2024-01-01 to 2024-04-29, a row each day: 7 steps = 1 week" in said
    assert re.search(r"Wrote sales.yaml: 36 runs at lags 0, 7, 49; about \d+ (s|min) with two workers", said)
    assert "  rnnbench run sales.yaml\n" in said
    written = Path("sales.yaml").read_text()
    assert re.match(
        "# Written by `rnnbench new experiment sales.csv`. `rnnbench plan` guesses [12] minutes? with", written
    )
    assert max(map(len, written.splitlines())) <= 118


def test_texts() -> None:
    rows = "".join(f"the {n} film was rather long and so was I,{'good' if n % 2 else 'bad'}\n" for n in range(80))
    experiment = drafted("review,mood\n" + rows)
    assert {(type(run.task).__name__, run.task.outputs) for run in experiment.runs} == {("Texts", 2)}


def test_sequences() -> None:
    rows = "".join(f"{at // 6},{at % 6},{RNG.normal():.3f},{'ab'[at // 6 % 2]}\n" for at in range(300))
    experiment = drafted("id,step,x,label\n" + rows)
    assert {(type(run.task).__name__, run.task.outputs) for run in experiment.runs} == {("TableSequences", 2)}


def test_digits_in_an_npz_run() -> None:
    from rnnbench.training import run as training

    digits = sklearn.datasets.load_digits()
    np.savez("digits.npz", x=digits.images[:200], y=digits.target[:200])
    new_experiment("digits.npz", Path(), None)
    experiment = yaml_file.load(
        Path("digits.yaml"),
        [
            "training.steps=2",
            "training.evaluate_every=1",
            "training.implementation=stock",
            "gradients.examples=2",
            "test_lags=[0]",
        ],
    )
    assert isinstance(list(training.run(experiment.runs[0]))[-1], Finished)


def test_a_folder_of_texts_beside_the_data(folder: Path) -> None:
    for label in ("good", "bad"):
        (folder / "films" / label).mkdir(parents=True)
        for n in range(30):
            (folder / "films" / label / f"{n}.txt").write_text(f"this film number {n} was really {label}")
    new_experiment("films/", Path("experiments"), None)
    experiment = yaml_file.load(Path("experiments/films.yaml"))
    assert experiment.tasks["films"]["path"] == "../films"


FORMS = {
    "day first": (HEAD + "".join(f"{day:%d.%m.%Y},{n % 7}\n" for n, day in enumerate(DAYS)), "sales.csv"),
    "decimal comma": (
        HEAD.replace(",", ";") + ROWS.replace(",", ";").replace(".5", ",5"), "sales.csv"
    ),
    "gz": (gzip.compress((HEAD + ROWS).encode()), "sales.csv.gz"),
    "tabs and a byte order mark": ((HEAD + ROWS).replace(",", "\t").encode("utf-16"), "sales.tsv"),
    "json lines": (
        "".join(json.dumps({"date": f"{day:%Y-%m-%d}", "sold": n % 7}) + "\n" for n, day in enumerate(DAYS)),
        "sales.jsonl",
    ),
    "missing cells": (HEAD + ROWS.replace("2.5", ""), "sales.csv"),
    "one column": ("sold\n" + "".join(f"{n % 7}\n" for n in range(120)), "sales.csv"),
    "a hole in the times": (HEAD + ROWS.replace("2024-02-03,5.5\n", ""), "sales.csv"),
    "names that mean something": (
        "date,\"a: b\",yes,1st,- x,'q',größe,#,\"say \"\"no\"\"\",null\n"
        + "".join(f"{day:%Y-%m-%d},{','.join(str(n * k % 11) for k in range(1, 10))}\n" for n, day in enumerate(DAYS)),
        "sales.csv",
    ),
    "seconds since 1970": (
        "t,v\n" + "".join(f"{1_700_000_000 + 3600 * n},{n % 24}\n" for n in range(300)), "sales.csv"
    ),
    "ids without repeats": (
        "id,date,sold\n" + "".join(f"x{n},{row}\n" for n, row in enumerate(ROWS.splitlines())), "sales.csv"
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_odd_files_that_fit(form: str) -> None:
    experiment = drafted(*FORMS[form])
    assert len(experiment.runs) == 36
    if form == "missing cells":
        assert "missing: forward                     # 17 values are missing" in Path("sales.yaml").read_text()
    if form == "a hole in the times":
        assert "1 of 118 steps" in Path("sales.yaml").read_text()
    if form == "names that mean something":
        assert experiment.tasks["sales"]["columns"] == [
            "a: b",
            "yes",
            "1st",
            "- x",
            "'q'",
            "größe",
            "#",
            'say "no"',
            "null",
        ]


def test_parquet() -> None:
    pd.DataFrame({"date": DAYS, "sold": RNG.normal(size=120)}).to_parquet("sales.parquet")
    new_experiment("sales.parquet", Path(), Path("other.yml"))
    assert len(yaml_file.load(Path("other.yml")).runs) == 36


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=2, max_size=4, unique=True))
def test_any_names_of_columns(names: list[str]) -> None:
    frame = pd.DataFrame(RNG.normal(size=(60, len(names))), columns=names)
    frame.to_parquet("odd.parquet")
    Path("odd.yaml").unlink(missing_ok=True)
    new_experiment("odd.parquet", Path(), None)
    assert yaml_file.load(Path("odd.yaml")).tasks["odd"]["columns"] == names


UNFIT = {
    "empty": (b"", "is empty"),
    "header alone": (b"a,b\n", "holds no rows"),
    "no header": (ROWS.encode(), "the first line must name the columns"),
    "constant": ((HEAD + "".join(f"{day:%Y-%m-%d},1\n" for day in DAYS)).encode(), "is constant"),
    "not UTF-8": (f"{HEAD}{ROWS}2025-01-01,1\xe9\n".encode("latin-1"), "is not UTF-8"),
    "duplicate columns": (b"a,b,a\n1,2,3\n", "two columns are called 'a'"),
    "ragged": ((HEAD + ROWS + "2025-01-01,1,2\n").encode(), "line 122 has 3 cells"),
    "too short": ((HEAD + ROWS[:300]).encode(), "a series needs 50 or more"),
    "newest first": (
        (HEAD + "".join(ROWS.splitlines(True)[::-1])).encode(), "line 3, column 'date': goes back in time"
    ),
    "one class": (b"review,mood\n" + b"so it was a film as they are,good\n" * 60, "none of three forms"),
    "a rare class": (
        b"text,mood\n" + b"".join(b"film %d is as it was,%s\n" % (n, b"bad" if n == 9 else b"ok") for n in range(60)),
        "the label 'bad' has 1 text (line 11)",
    ),
    "names alone": (b"name\n" + b"".join(b"name %d\n" % n for n in range(60)), "none of three forms"),
    "a zip": (b"PK\x03\x04" + bytes(100), "a zip archive or an Excel workbook"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0" + bytes(100), "data.csv: "),
    "a damaged gzip": (gzip.compress((HEAD + ROWS).encode())[:-20], "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNFIT)
def test_odd_files_that_do_not_fit(kind: str, folder: Path) -> None:
    content, message = UNFIT[kind]
    Path("data.csv").write_bytes(content)
    with pytest.raises(UserError) as error:
        new_experiment("data.csv", Path("new"), None)
    assert message in str(error.value)
    assert str(error.value).count("data.csv") >= 1
    assert sorted(path.name for path in folder.iterdir()) == ["data.csv"]


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.glob("*.csv*")))
def test_tables_that_scikit_learn_ships(name: str) -> None:
    if name == "iris.csv":
        new_experiment(str(SHIPPED / name), Path(), None)
        assert len(yaml_file.load(Path("iris.yaml")).runs) == 36
        return
    # They have no header, or one of counts.
    with pytest.raises(UserError, match=re.escape(name)):
        new_experiment(str(SHIPPED / name), Path(), None)
    assert list(Path().iterdir()) == []


def test_mistakes_write_nothing(folder: Path) -> None:
    Path("sales.csv").write_text(HEAD + ROWS)
    Path("sales.yaml").write_text("mine")
    there = "sales.yaml is there already; choose another name with --out, or move it away"
    assert_one_line(rnnbench("new", "experiment", "sales.csv", cwd=folder), there)
    assert_one_line(rnnbench("new", "experiment", "absent.csv", cwd=folder), "absent.csv: no such file or folder")
    assert_one_line(rnnbench("new", "task", "mine", "--out", "x.yaml", cwd=folder), "--out goes with `new experiment`")
    with pytest.raises(UserError, match="is a folder: name the file to write"):
        new_experiment("sales.csv", Path(), folder)
    assert Path("sales.yaml").read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["sales.csv", "sales.yaml"]

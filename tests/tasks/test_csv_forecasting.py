from __future__ import annotations

import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import rnnbench
from rnnbench.datasets import catalogue, location, reading
from rnnbench.datasets.catalogue import ETT_COLUMNS
from rnnbench.datasets.own import recorded_series
from rnnbench.errors import UserError, UserNote
from rnnbench.tasks import csv_forecasting, own_file, series
from rnnbench.tasks.csv_forecasting import CsvForecasting
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.stream import joined
from tests.tasks.own_files import hours


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    own_file._say.cache_clear()


def made(frame: pd.DataFrame | str, tmp_path: Path, name: str = "own.csv", **settings: Any) -> CsvForecasting:
    path = tmp_path / name
    path.write_text(frame if isinstance(frame, str) else frame.to_csv(index=False))
    return CsvForecasting(**{"lag": 2, "path": str(path), "look_back": 24, "horizon": 3, **settings})


def loaded(tmp_path: Path, entry: str) -> list[Any]:
    """The runs of an experiment over `own.csv`."""
    file = tmp_path / "own.yaml"
    file.write_text(
        textwrap.dedent(
            f"""
            name: own
            tasks:
              csv_forecasting: {{path: own.csv, lag: 2, {entry}}}
            models:
              gru: {{units: 4}}
            training: {{steps: 10, batch_size: 4}}
            """
        )
    )
    return list(rnnbench.load_experiment(file).runs)


def test_shapes_are_those_of_the_file(tmp_path: Path) -> None:
    task = made(hours(1000), tmp_path, time="date", target="b")
    assert task.layout == (24, 2, 1)
    assert (task.ports.features, task.outputs) == (2 + 3, 3)
    assert task.facts["columns"] == ["a", "b"]
    assert task.facts["targets"] == ["b"]
    assert task.facts["season"] == 24
    assert task.facts["step"] == "1 hour"
    assert task.split_sizes() == {"train": 700 - 26, "validation": 100 - 2, "test": 200 - 2}
    assert task.data_source == "own.csv"
    assert made(hours(1000), tmp_path, time="date", look_back=23).facts["season"] is None
    assert made(hours(1000), tmp_path).facts["season"] is None
    for split, size in task.split_sizes().items():
        assert len(task.examples(split).targets) == size


def test_windows_and_their_scale_by_pandas(tmp_path: Path) -> None:
    frame = hours(1000)
    task = made(frame, tmp_path, time="date", target="b", training_lags="fixed")
    numbers = frame[["a", "b"]]
    scaled = ((numbers - numbers[:700].mean()) / numbers[:700].std(ddof=0)).to_numpy()
    test = joined(task.split("test"))
    assert test.features.shape == (198, 24 + 2 + 1, 5)
    for at in (0, 100, 197):
        now = 800 + at
        np.testing.assert_allclose(test.features[at, :24, :2], scaled[now - 24 : now], atol=1e-5)
        np.testing.assert_allclose(test.targets[at, 0], scaled[now : now + 3, 1], atol=1e-5)
    change = made(frame, tmp_path, time="date", target="b", forecasts="change", training_lags="fixed")
    test = joined(change.split("test"))
    np.testing.assert_allclose(test.targets[0, 0], scaled[800:803, 1] - scaled[799, 1], atol=1e-5)
    np.testing.assert_allclose(test.features[0, :24, :2], scaled[776:800] - scaled[799], atol=1e-5)


def test_levels_by_pandas_and_scikit_learn(tmp_path: Path) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    frame = hours(1000)
    numbers = frame[["a", "b"]]
    scaled = pd.DataFrame(StandardScaler().fit(numbers[:700]).transform(numbers), columns=["a", "b"])
    rows = range(800, 998)

    persistence = np.mean([(scaled.shift(-step) - scaled.shift(1)).loc[rows].pow(2) for step in range(3)])
    seasonal = np.mean([(scaled - scaled.shift(24)).shift(-step).loc[rows].pow(2) for step in range(3)])

    def pairs(column: str, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        lagged = pd.concat([scaled[column].shift(step) for step in range(24, 0, -1)], axis=1)
        ahead = pd.concat([scaled[column].shift(-step) for step in range(3)], axis=1)
        before = scaled[column].shift(1)
        return tuple(part.sub(before, axis=0).loc[first : last - 3].to_numpy() for part in (lagged, ahead))

    errors = []
    for column in ("a", "b"):
        fitted = [Ridge(alpha=10.0**power).fit(*pairs(column, 24, 700)) for power in range(-2, 5)]
        seen, future = pairs(column, 700, 800)
        best = min(fitted, key=lambda model: np.mean((model.predict(seen) - future) ** 2))
        seen, future = pairs(column, 800, 1000)
        errors.append(np.mean((best.predict(seen) - future) ** 2))
    levels = made(frame, tmp_path, time="date").levels()
    by_hand = {"persistence": persistence, "seasonal naive": seasonal, "ridge": np.mean(errors)}
    assert {name: levels[name] for name in by_hand} == pytest.approx(by_hand, rel=1e-9)
    assert levels["reference"] == min(levels[name] for name in by_hand)
    assert levels["training mean"] == pytest.approx(
        np.mean([scaled.shift(-step).loc[rows].pow(2) for step in range(3)]), rel=1e-6
    )
    of_one = made(frame, tmp_path, time="date", target="b", filler="decoy").levels()
    assert of_one["ridge"] == pytest.approx(errors[1], rel=1e-9)
    assert of_one["reference"] < of_one["position-blind"]


def as_published(name: str) -> pd.DataFrame:
    """The table of a prepared data set, with its times."""
    rows = list(reading.rows(name, "series"))
    frame = pd.DataFrame(np.stack([row["values"] for row in rows]).astype(np.float64), columns=list(ETT_COLUMNS))
    frame.insert(0, "date", [row["date"].decode() for row in rows])
    return frame


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ETTh1", "ETTh2"])
@pytest.mark.parametrize("columns", ["OT", None])
@pytest.mark.parametrize("forecasts", ["value", "change"])
def test_the_preset_is_the_file_to_the_last_bit(tmp_path: Path, name: str, columns: str | None, forecasts: Any) -> None:
    if catalogue.state(name).status == "missing":
        pytest.skip(f"{name} is not prepared")
    path = location.manual_dir() / f"{name}.csv"
    if not path.is_file():
        path = tmp_path / f"{name}.csv"
        as_published(name).to_csv(path, index=False, float_format="%.16g")
    # Decoys of one column alone: ridge on the bags of seven takes minutes.
    filler: Any = "decoy" if columns else "blank"
    preset = Forecasting(
        lag=3, source=name, variables="univariate" if columns else "multivariate", target=forecasts, filler=filler
    )
    own = CsvForecasting(
        lag=3, path=str(path), time="date", columns=columns, split=["2017-06-26", "2017-10-24", "2018-02-21"],
        look_back=96, horizon=24, forecasts=forecasts, filler=filler,
    )  # fmt: skip
    assert (own.ports, own.outputs, own.layout) == (preset.ports, preset.outputs, preset.layout)
    assert own.split_sizes() == preset.split_sizes()
    for split in ("train", "validation", "test"):
        for ours, theirs in zip(own.examples(split), preset.examples(split), strict=True):
            assert np.array_equal(ours[:], theirs[:])
    for ours, theirs in (
        (own.train_batch(1, 7, 32), preset.train_batch(1, 7, 32)),
        (next(own.split("test")), next(preset.split("test"))),
    ):
        assert ours.parts.keys() == theirs.parts.keys()
        assert all(np.array_equal(part, theirs.parts[key]) for key, part in ours.parts.items())
    assert own.levels() == preset.levels()
    assert own.level_error() == preset.level_error()
    assert (own.memoryless("validation"), own.reference("validation")) == (
        preset.memoryless("validation"), preset.reference("validation")
    )  # fmt: skip


def test_only_numbers_of_32_bits_are_taken_as_such(tmp_path: Path) -> None:
    frame = hours(300)
    frame["a"] = frame["a"].astype(np.float32)
    text = frame.assign(a=[f"{float(value):.16g}" for value in frame["a"]]).to_csv(index=False)
    found = recorded_series.table.read(made(text, tmp_path).path, ["a", "b"])
    stored = recorded_series._as_stored
    assert (stored(found.numbers("a")) == frame["a"].to_numpy(dtype=np.float64)).all()
    assert (stored(found.numbers("b")) == found.numbers("b")).all()


def test_a_constant_column_is_zero(tmp_path: Path) -> None:
    frame = hours(300).assign(b=7.5)
    frame.loc[250:, "b"] = 9
    test = joined(made(frame, tmp_path).split("test"))
    assert not test.features[:, :, 1].any()
    assert not test.targets.reshape(-1, 3, 2)[..., 1].any()


def gappy() -> pd.DataFrame:
    frame = hours(400)
    frame.loc[[0, 10, 11, 350], "a"] = np.nan
    frame.loc[360, "b"] = np.nan
    return frame


def test_gaps_are_filled_forward(tmp_path: Path) -> None:
    task = made(gappy(), tmp_path, time="date", missing="forward")
    train = task.examples("train").evidence[0]
    assert train[0, 0] == 0
    assert train[10, 0] == train[11, 0] == train[9, 0] != 0
    assert task.ports.features == 5
    assert task.split_sizes()["test"] == 78


def test_gaps_are_masked_and_never_asked(tmp_path: Path) -> None:
    task = made(gappy(), tmp_path, time="date", missing="mask", training_lags="fixed", filler="decoy")
    assert task.ports.features == 2 * 2 + 3
    train = task.examples("train").evidence[0]
    assert train[:, 2].nonzero()[0].tolist() == [0, 10, 11]
    assert not train[[0, 10, 11], 0].any()
    assert not train[:, 3].any()
    # Windows that would forecast row 350 or 360 are left out: three each.
    assert task.split_sizes()["test"] == 78 - 6 == len(task.examples("test").targets)
    assert made(gappy(), tmp_path, missing="mask", target="b").split_sizes()["test"] == 78 - 3
    assert np.isfinite(list(task.levels().values())).all()
    stream = joined(task.split("test"))
    task.check_stream(stream, "the test split")
    # Behind the gap stands the next value that was measured.
    assert stream.targets.shape == (72, 1, 6)
    change = made(gappy(), tmp_path, missing="mask", forecasts="change").examples("train").evidence[0]
    assert change[:, 2].nonzero()[0].tolist() == [0, 10, 11]
    assert not change[[0, 10, 11], 0].any()


def test_a_row_changed_in_the_file_makes_its_runs_wait_and_another_path_does_not(tmp_path: Path) -> None:
    frame = hours(300)
    made(frame, tmp_path)
    first = loaded(tmp_path, "look_back: 24, horizon: 3")[0].signature
    levels = made(frame, tmp_path).levels()
    (tmp_path / "sub").mkdir()
    assert made(frame, tmp_path / "sub").fingerprint() == made(frame, tmp_path).fingerprint()
    assert loaded(tmp_path, "look_back: 24, horizon: 3")[0].signature == first
    frame.loc[17, "a"] += 1
    changed = made(frame, tmp_path)
    assert loaded(tmp_path, "look_back: 24, horizon: 3")[0].signature != first
    assert changed.levels() != levels


def test_a_list_of_lists_is_an_axis_and_a_list_is_a_value(tmp_path: Path) -> None:
    made(hours(300), tmp_path)
    runs = loaded(tmp_path, "look_back: [12, 24], horizon: 3, columns: [a, b], split: [0.6, 0.2, 0.2], target: a")
    assert [run.task.look_back for run in runs] == [12, 24]
    assert runs[0].task.columns == ("a", "b")
    assert runs[0].task.target == ("a",)
    assert runs[0].task.split_by == (0.6, 0.2, 0.2)
    dated = loaded(tmp_path, "look_back: 12, horizon: 3, time: date, split: [2020-01-09, 2020-01-11]")
    assert dated[0].task.facts["rows"] == {"train": 192, "validation": 48, "test": 60}


ROWS = "date,a,b\n" + "".join(f"2020-01-{1 + at // 24:02} {at % 24:02}:00,{at % 7},{at % 5}.5\n" for at in range(300))
LINES = ROWS.splitlines()


def with_line(number: int, line: str) -> str:
    return "\n".join([*LINES[: number - 1], line, *LINES[number:]]) + "\n"


BAD = {
    "a missing value": (with_line(17, "2020-01-01 15:00,,1.5"), "time: date",
                        "own.csv: 1 missing value, the first in line 17, column 'a'; fill them, or set `missing: for"),
    "missing values": (with_line(17, "2020-01-01 15:00,NA,?"), "time: date", "own.csv: 2 missing values, the first in"),
    "no number": (with_line(17, "2020-01-01 15:00,high,1.5"), "time: date",
                  "own.csv: line 17, column 'a': 'high' is not a number"),
    "infinity": (with_line(17, "2020-01-01 15:00,inf,1.5"), "time: date", "line 17, column 'a': inf is not a finite"),
    "a time twice": (with_line(17, "2020-01-01 14:00,1,1.5"), "time: date",
                     "line 17, column 'date': 2020-01-01 14:00:00 is there twice, first in line 16; a file is one"),
    "unsorted times": (with_line(17, "2019-01-01 15:00,1,1.5"), "time: date",
                       "line 17, column 'date': 2019-01-01 15:00:00 follows 2020-01-01 14:00:00; rows must be in the"),
    "no time": (with_line(17, "noon,1,1.5"), "time: date", "line 17, column 'date': 'noon' cannot be read as a time"),
    "a time missing": (with_line(17, ",1,1.5"), "time: date", "line 17, column 'date': the time is missing"),
    "a row too long": (with_line(17, "2020-01-01 15:00,1,1.5,9"), "", "line 17 has 4 cells, but the header names 3"),
    "a row too short": (with_line(17, "2020-01-01 15:00,1"), "", "line 17 has 2 cells, but the header names 3"),
    "too few rows": (ROWS[:400], "time: date", "look_back: 24 is too long: with horizon 3 a window needs 27 training"),
    "hardly a row": ("a\n1\n2\n", "", r"the shares \[0.7, 0.1, 0.2\] of 2 rows leave no test rows"),
    "a long horizon": (ROWS, "horizon: 40", "horizon: 40 is too long: the validation split has 30 rows"),
    "an unknown column": (ROWS, "columns: [a, bb]", r"no column 'bb' \(did you mean 'b'\?\); columns: date, a, b"),
    "an unknown time": (ROWS, "time: dat", r"no column 'dat' \(did you mean 'date'\?\)"),
    "an unknown split": (ROWS, "split: part", "no column 'part'"),
    "a target not read": (ROWS, "columns: [a], target: b", "target 'b' is not among the columns that are read: a"),
    "the time read": (ROWS, "time: date, columns: [date, a]", "column 'date' cannot be among `columns`"),
    "text read": (ROWS, "columns: [date, a]", "line 2, column 'date': '2020-01-01 00:00' is not a number"),
    "a date before": (ROWS, "time: date, split: [2019-06-01, 2020-01-10]", "split: 2019-06-01 is outside the file"),
    "a date behind": (ROWS, "time: date, split: [2020-01-10, 2021-01-10]", "split: 2021-01-10 is outside the file"),
    "dates without time": (ROWS, "split: [2020-01-08, 2020-01-10]", "needs the column of the times: set `time`"),
    "shares": (ROWS, "split: [0.7, 0.2, 0.2]", "split: .*the shares add up to 1.1, not to 1"),
    "a split by numbers": (ROWS, "split: a", "line 2, column 'a': '0' is not train, validation or test"),
    "no numbers": ("a,b\nx,y\nz,w\n", "", "no column of numbers among a, b"),
    "no header": (ROWS.partition("\n")[2], "", "line 1: '2020-01-01 00:00' where a name is expected"),
    "twice a name": (ROWS.replace("a,b", "a,a", 1), "", "line 1: two columns are called 'a'"),
    "an empty file": (" \n", "", "own.csv: is empty"),
    "a long season": (ROWS, "season: 48", "season: 48 is longer than look_back, 24"),
    "a column twice": (ROWS, "columns: [a, a]", "columns: .*should be names of columns, each once"),
    "a large batch": (ROWS, "batch_size: 900", "batch_size: 900 is too many: there are 184 training examples"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "entry", "message"), BAD.values(), ids=BAD)
def test_a_mistake_is_told_when_the_experiment_is_loaded(tmp_path: Path, text: str, entry: str, message: str) -> None:
    (tmp_path / "own.csv").write_text(text)
    more = "" if "horizon" in entry else ", horizon: 3"
    with pytest.raises(UserError, match=message) as caught:
        loaded(tmp_path, ", ".join(part for part in (entry, f"look_back: 24{more}") if part))
    assert str(caught.value).startswith(str(tmp_path / "own.yaml:4"))
    assert "\n" not in str(caught.value)


def test_irregular_steps_are_told_and_not_refused(tmp_path: Path) -> None:
    frame = hours(300).drop(index=range(100, 150))
    made(frame, tmp_path)
    with pytest.warns(UserNote, match=r"1 of 249 steps of column 'date' are not the median step, 1 hour; the longest, "
                                      r"2.12 days, ends in line 102"):  # fmt: skip
        loaded(tmp_path, "time: date, look_back: 24, horizon: 3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded(tmp_path, "time: date, look_back: 24, horizon: 3")


@pytest.mark.parametrize(
    "wrong", [{"look_back": 0}, {"horizon": 0}, {"season": 1}, {"missing": "drop"}, {"columns": []}]
)
def test_settings_that_mean_nothing_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CsvForecasting(**{"lag": 0, "path": "own.csv", **wrong})


def test_simple_forecasts_of_many_windows_are_those_of_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = made(hours(600), tmp_path, time="date")
    whole = task.levels()
    for kept in (csv_forecasting._simple_errors, csv_forecasting._ridge_errors):
        kept.cache_clear()
    monkeypatch.setattr(series, "_NUMBERS", 500)
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "other"))
    assert task.levels() == pytest.approx(whole, rel=1e-12)


def test_a_lazy_array_is_indexed_as_an_array_is(tmp_path: Path) -> None:
    lazy = made(hours(300), tmp_path).examples("test").evidence
    whole = np.asarray(lazy)
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy)) == (whole.shape, np.float32, 3, len(whole))
    for key in (3, -1, slice(2, 9), np.array([5, 1, 5]), (slice(None), -1), (4, slice(2), 0), whole[:, 0, 0] > 0):
        assert np.array_equal(lazy[key], whole[key])
    with pytest.raises(IndexError):
        lazy[len(whole)]

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.datasets import location, reading
from rnnbench.errors import UserError
from rnnbench.tasks import forecasting
from rnnbench.tasks.forecasting import Forecasting, load, naive_errors
from rnnbench.tasks.series import Series, windows
from rnnbench.tasks.simple_models import ridge
from rnnbench.tasks.stream import joined

SYNTHETIC = {"source": "synthetic", "look_back": 24, "horizon": 3}


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """17,420 rows in place of ETTh2: column c of row i holds i + c, and after the training rows a thousand more."""
    values = np.arange(17_420)[:, None] + np.arange(7.0)
    values[8640:] += 1000

    def rows(name: str, split: str) -> Iterator[dict[str, Any]]:
        assert (name, split) == ("ETTh2", "series")
        return ({"values": row} for row in values.astype(np.float32))

    monkeypatch.setattr(reading, "rows", rows)
    monkeypatch.setattr(forecasting, "load", load.__wrapped__)
    return values


def test_sizes_are_known_without_data() -> None:
    task = Forecasting(lag=12)
    assert task.data_source == "ETTh1"
    assert task.layout == (96, 12, 1)
    assert (task.ports, task.outputs) == ((4, 0, 0), 24)
    every = Forecasting(lag=12, variables="multivariate")
    assert (every.ports, every.outputs) == ((10, 0, 0), 168)
    assert task.score.name == "mse"


@pytest.mark.parametrize("variables", ["univariate", "multivariate"])
@pytest.mark.parametrize("lag", [0, 1, 5])
def test_layout_with_blanks(lag: int, variables: str) -> None:
    task = Forecasting(lag=lag, variables=variables, **SYNTHETIC)
    channels = task.ports.features - 3
    stream = task.train_batch(0, 3, 8)
    inputs, targets = stream.features, stream.targets
    assert (inputs.shape, inputs.dtype) == ((8, 24 + lag + 1, channels + 3), np.float32)
    assert (targets.shape, targets.dtype) == ((8, 1, 3 * channels), np.float32)
    assert inputs[:, :24, :-3].any()
    assert (inputs[:, 24:, :-3] == 0).all()
    assert (inputs[:, :, -3] == [1] * 24 + [0] * (lag + 1)).all()
    assert (inputs[:, :, -2] == [0] * 24 + [1] * lag + [0]).all()
    assert (inputs[:, :-1, -1] == 0).all()
    assert (inputs[:, -1, -1] == 1).all()
    assert np.array_equal(inputs, task.train_batch(0, 3, 8).features)


@pytest.mark.parametrize("target", ["change", "value"])
def test_decoys_are_stretches_of_the_training_rows(target: str) -> None:
    task = Forecasting(lag=30, filler="decoy", variables="multivariate", target=target, **SYNTHETIC)
    stretches = joined(task.split("test")).features[:4, 24:-1, :-3]
    train = load("synthetic", "multivariate").values[:2400]
    steps = np.diff(np.concatenate([train, train[:30]]), axis=0).astype(np.float32)
    for stretch in stretches:
        found = [i for i in range(2400) if np.allclose(steps[i : i + 29], np.diff(stretch, axis=0), atol=1e-5)]
        assert len(found) == 1
        if target == "change":
            assert (stretch[-1] == 0).all()
        else:
            assert np.allclose(stretch[0], train[found[0]], atol=1e-5)


def test_windows_follow_the_protocol(series: np.ndarray) -> None:
    loaded = forecasting.load("ETTh2", "multivariate")
    raw = Series(series, loaded.borders)
    for split, first_seen, first_future, n in [
        ("train", 0, 96, 8640 - 96 - 24 + 1),
        ("validation", 8640 - 96, 8640, 2880 - 24 + 1),
        ("test", 11_520 - 96, 11_520, 2857),
    ]:
        seen, future = windows(raw, split, 96, 24)
        assert seen.shape == (n, 96, 7)
        assert future.shape == (n, 24, 7)
        assert np.array_equal(seen[0], series[first_seen : first_seen + 96])
        assert np.array_equal(future[0], series[first_future : first_future + 24])
        assert np.array_equal(seen[-1], series[first_seen + n - 1 : first_seen + n - 1 + 96])
    assert np.array_equal(windows(raw, "test", 96, 24)[1][-1], series[14_400 - 24 : 14_400])


def test_the_scale_is_that_of_the_training_rows(series: np.ndarray) -> None:
    loaded = forecasting.load("ETTh2", "multivariate")
    train = loaded.values[:8640]
    assert train.mean(axis=0) == pytest.approx(np.zeros(7), abs=1e-12)
    assert train.std(axis=0) == pytest.approx(np.ones(7), abs=1e-12)
    deviation = np.arange(8640).std()
    assert loaded.values[8640] - loaded.values[8639] == pytest.approx(np.full(7, 1001 / deviation), rel=1e-9)
    assert np.array_equal(forecasting.load("ETTh2", "univariate").values, loaded.values[:, -1:])


def test_a_change_leaves_the_errors_as_they_are() -> None:
    fields = {"variables": "multivariate", **SYNTHETIC}
    change, value = (Forecasting(lag=0, target=target, **fields) for target in ("change", "value"))
    for split in ("train", "validation", "test"):
        last = value.examples(split).evidence[:, -1:]
        assert np.allclose(change.examples(split).evidence, value.examples(split).evidence[:] - last, atol=1e-6)
        assert np.allclose(
            change.examples(split).targets, value.examples(split).targets[:] - np.tile(last[:, 0], 3), atol=1e-6
        )
    assert (change.examples("test").evidence[:, -1] == 0).all()
    # Answering "no change" is the persistence forecast.
    test = joined(change.split("test"))
    scores = change.scores(test, np.zeros_like(test.targets))
    assert scores["mse"].mean() == pytest.approx(change.levels()["persistence"], rel=1e-5)
    assert change.memoryless() == pytest.approx(change.levels()["persistence"], rel=1e-5)
    simple = ("persistence", "seasonal naive", "ridge")
    assert [change.levels()[name] for name in simple] == [value.levels()[name] for name in simple]


def test_naive_forecasts_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).standard_normal((200, 2))
    monkeypatch.setattr(forecasting, "load", lambda *_: Series(values, {"test": (100, 200)}))
    errors = naive_errors.__wrapped__("x", "multivariate", look_back=30, horizon=50)
    last, season = [], []
    for now in range(99, 150):
        for ahead in range(1, 51):
            truth = values[now + ahead]
            last.append(values[now] - truth)
            season.append(values[now + 1 - 24 + (ahead - 1) % 24] - truth)
    for name, by_hand in (("persistence", last), ("seasonal naive", season)):
        assert errors[name]["mse"] == pytest.approx(np.mean(np.square(by_hand)), rel=1e-12)
        assert errors[name]["mae"] == pytest.approx(np.mean(np.abs(by_hand)), rel=1e-12)


def test_the_scale_goes_from_the_training_mean_to_the_best_simple_forecast() -> None:
    task = Forecasting(lag=0, **SYNTHETIC)
    levels = task.levels()
    assert list(levels) == ["memoryless", "reference", "training mean", "persistence", "seasonal naive", "ridge"]
    targets = joined(task.split("test")).targets
    assert task.memoryless() == levels["training mean"] == pytest.approx(np.mean(targets.astype(float) ** 2))
    assert task.reference() == min(levels[name] for name in ("persistence", "seasonal naive", "ridge"))
    middle = np.sqrt(task.memoryless() * task.reference())
    assert task.skill(middle) == pytest.approx(0.5)
    assert task.solves(1.09 * task.reference(), 0.001)
    assert not task.solves(1.11 * task.reference(), 0.001)


def test_of_a_change_the_scale_goes_from_persistence_to_ridge() -> None:
    task = Forecasting(lag=0, target="change", **SYNTHETIC)
    levels = task.levels()
    assert "training mean" not in levels
    assert task.memoryless() == levels["memoryless"] == pytest.approx(levels["persistence"], rel=1e-5)
    assert task.reference() == levels["ridge"]


def test_ridge_by_hand_is_least_squares_with_a_penalty() -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(300, 5)), rng.normal(size=(5, 2))
    values = x @ weights + 3 + 0.01 * rng.normal(size=(300, 2))
    answers = ridge(x[:200], values[:200], x[200:250], values[200:250])
    np.testing.assert_allclose(answers(x[250:]), values[250:], atol=0.05)
    # The penalty is that of validation: without a relation the largest, which leaves the mean.
    noise = rng.normal(size=(300, 2))
    answers = ridge(x[:20], noise[:20], x[20:], noise[20:])
    np.testing.assert_allclose(answers(x), np.broadcast_to(noise[:20].mean(axis=0), (300, 2)), atol=0.05)


def test_synthetic_leaves_room_above_the_naive_forecasts() -> None:
    """Least squares from the window to the change beats both."""
    for variables in ("univariate", "multivariate"):
        task = Forecasting(lag=0, source="synthetic", variables=variables)
        train, test = task.examples("train"), task.examples("test")
        assert len(train.targets) == 2400 - 96 - 24 + 1
        assert len(test.targets) == 600 - 24 + 1
        seen = train.evidence[:].reshape(len(train.targets), -1)
        weights = np.linalg.solve(seen.T @ seen + np.eye(seen.shape[1]), seen.T @ train.targets[:])
        answer = test.evidence[:].reshape(len(test.targets), -1) @ weights
        found = task.scores(joined(task.split("test")), answer[:, None])["mse"]
        assert found.mean() < 0.85 * min(task.levels()[name] for name in ("persistence", "seasonal naive"))


@pytest.mark.parametrize(
    "wrong", [{"lag": -1}, {"source": "ETTm1"}, {"look_back": 23}, {"horizon": 0}, {"variables": "all"}]
)
def test_wrong_fields_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Forecasting(**{"lag": 0, **wrong})


def test_missing_data_are_never_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("RNNBENCH_MANUAL_DIR", raising=False)
    monkeypatch.setattr(forecasting, "load", load.__wrapped__)
    task = Forecasting(lag=0, source="ETTh2", look_back=97)
    for ask in (task.check_data, lambda: task.train_batch(0, 0, 4)):
        with pytest.raises(UserError, match="rnnbench data --prepare ETTh2"):
            ask()
    Forecasting(lag=0, **SYNTHETIC).check_data()


@pytest.mark.real_data
def test_published_naive_levels_of_etth1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """docs/science.md, check 11: repeat and seasonal-naive forecasts on all test windows of ETTh1."""
    monkeypatch.setenv("RNNBENCH_MANUAL_DIR", str(location.manual_dir()))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    expected = {
        24: ((1.222, 0.671), (0.424, 0.389)),
        96: ((1.2944, 0.7132), None),
        168: ((1.325, 0.730), (0.571, 0.462)),
        720: ((1.3351, 0.7550), (0.655, 0.514)),
    }
    for horizon, (repeat, seasonal) in expected.items():
        errors = naive_errors("ETTh1", "multivariate", 96, horizon)
        assert tuple(errors["persistence"].values()) == pytest.approx(repeat, abs=5e-4)
        if seasonal:
            assert tuple(errors["seasonal naive"].values()) == pytest.approx(seasonal, abs=5e-4)
    measured = {
        "univariate": {"training mean": 1.9084, "persistence": 0.0343, "seasonal naive": 0.0458, "ridge": 0.0264},
        "multivariate": {"persistence": 1.222, "seasonal naive": 0.424, "ridge": 0.297},
    }
    for variables, levels in measured.items():
        found = Forecasting(lag=5, variables=variables).levels()
        assert {name: found[name] for name in levels} == pytest.approx(levels, abs=5e-4)
        assert found["reference"] == found["ridge"]
    univariate = naive_errors("ETTh1", "univariate", 96, 24)
    assert tuple(univariate["persistence"].values()) == pytest.approx((0.034, 0.139), abs=5e-4)
    assert len(Forecasting(lag=0).examples("test").targets) == 2857
    assert len(windows(load("ETTh1", "multivariate"), "test", 96, 720)[0]) == 2161


def test_a_batch_larger_than_the_data_is_refused():
    task = Forecasting(lag=0, source="synthetic")
    with pytest.raises(UserError, match=r"batch_size 9,999: there are only 2,281 training examples"):
        task.train_batch(0, 0, 9_999)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Noise in place of ETTh1, to be changed by a test."""
    values = np.random.default_rng(0).normal(20, 3, size=(17_420, 7)).astype(np.float32)
    monkeypatch.setattr(reading, "rows", lambda name, split: ({"values": row} for row in values))
    for name in ("load", "naive_errors", "ridge_errors", "_examples"):
        monkeypatch.setattr(forecasting, name, getattr(forecasting, name).__wrapped__)
    return values


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_a_column_that_is_constant_in_training_is_zero(held: np.ndarray, noise: float) -> None:
    held[:8640, 2] = 1e6 * (1 + noise * np.random.default_rng(1).normal(size=8640))
    task = Forecasting(lag=2, filler="decoy", variables="multivariate")
    test = joined(task.split("test"))
    inputs, targets = test.features, test.targets
    assert np.isfinite(inputs).all()
    assert not inputs[..., 2].any()
    assert not targets.reshape(len(targets), 24, 7)[..., 2].any()
    assert np.abs(targets).max() < 20
    assert np.isfinite(list(task.levels().values())).all()


def test_a_constant_series_asks_no_memory(held: np.ndarray) -> None:
    held[:, -1] = 20
    for target in ("value", "change"):
        task = Forecasting(lag=0, target=target)
        assert task.memoryless() == task.reference() == 0
        assert not task.asks_memory()
        assert np.isnan(task.skill(0.0))
        assert not task.solves(0.0, 0.0)


def test_a_constant_test_split_is_foretold_by_its_last_row(held: np.ndarray) -> None:
    held[11_000:, -1] = 40
    task = Forecasting(lag=0)
    assert (task.reference(), task.skill(0.0)) == (0, 1)
    assert task.memoryless() > 10
    assert not Forecasting(lag=0, target="change").asks_memory()


def test_a_missing_value_is_told_with_its_place(held: np.ndarray) -> None:
    held[[40, 9000], [3, 6]] = np.nan
    with pytest.raises(
        UserError, match=r"'ETTh1': 2 missing or non-finite values, first in column MULL, row 41 of 17,420$"
    ):
        forecasting.load("ETTh1", "multivariate")
    with pytest.raises(
        UserError, match=r"'ETTh1': 1 missing or non-finite values, first in column OT, row 9,001 of 17,420$"
    ):
        forecasting.load("ETTh1", "univariate")

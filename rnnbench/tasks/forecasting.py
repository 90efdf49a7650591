"""Forecasting: the next hours of a power transformer (ETT, Zhou et al. 2021), asked a lag after the last row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from rnnbench.datasets import reading
from rnnbench.datasets.cache import in_memory
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError
from rnnbench.registry import register_task
from rnnbench.tasks.base import Features, Layout, RegressionTask
from rnnbench.tasks.dataset import DatasetTask, Examples, too_few_prepared

SEASON = 24
"""Rows a day."""
_CHANNELS = 7
_MONTH = 30 * 24
_BORDERS = {"train": (0, 12 * _MONTH), "validation": (12 * _MONTH, 16 * _MONTH), "test": (16 * _MONTH, 20 * _MONTH)}
_SYNTHETIC_BORDERS = {"train": (0, 2400), "validation": (2400, 3000), "test": (3000, 3600)}


class Series(NamedTuple):
    """A scaled series, (rows, channels) float64, and the first and last row (exclusive) of each split."""

    values: np.ndarray
    borders: dict[str, tuple[int, int]]


@register_task("forecasting")
class Forecasting(DatasetTask, RegressionTask):
    """The next `horizon` rows, asked after `look_back` rows and the lag. Score: mean squared error on scaled data.

    Splits of 12, 4 and 4 months of 30 days; every window of each is used; validation and test windows begin `look_back`
    rows before their split; each channel is standardised by the training rows (the protocol of Informer and of
    LTSF-Linear, Zeng et al. 2023), one that is constant there is 0. A distractor filler is a stretch of the training
    rows from anywhere.
    """

    source: Literal["ETTh1", "ETTh2", "synthetic"] = "ETTh1"
    """`ETTh1` or `ETTh2`, or `synthetic`: 3,600 rows with days, weeks and noise."""
    look_back: int = Field(96, ge=SEASON)
    """Rows that are seen."""
    horizon: int = Field(24, ge=1)
    """Rows to forecast."""
    variables: Literal["univariate", "multivariate"] = "univariate"
    """The oil temperature alone, or all seven columns, seen and forecast."""
    target: Literal["change", "value"] = "change"
    """`change`: the last row seen is subtracted from the window and from what is forecast (NLinear, Zeng et al. 2023,
    section 4), which leaves the errors as they are; `value`: neither."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.look_back, lag=self.lag, readout=1)

    @property
    def inputs(self) -> Features:
        return Features(width=self._channels + 1)

    @property
    def outputs(self) -> int:
        return self.horizon * self._channels

    @property
    def _channels(self) -> int:
        return 1 if self.variables == "univariate" else _CHANNELS

    def split_sizes(self) -> dict[str, int]:
        window = self.look_back + self.horizon
        borders = _borders(self.source)
        return {split: _rows(borders, split, self.look_back) - window + 1 for split in borders}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        borders = _borders(self.source)
        for split in ("validation", "test"):
            rows = borders[split][1] - borders[split][0]
            if self.horizon > rows:
                yield "horizon", f"{self.horizon:,} is too long: the {split} split of {self.source} has {rows:,} rows"
        rows = borders["train"][1]
        if self.look_back + self.horizon > rows:
            most = f"with horizon {self.horizon:,} it can be at most {max(0, rows - self.horizon):,}"
            yield "look_back", f"{self.look_back:,} is too long: {self.source} has {rows:,} training rows, {most}"
        yield from too_few_prepared(self.source, "series", borders["test"][1], "source")
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        return _examples(self.source, self.variables, self.look_back, self.horizon, self.target, split)

    def distractors(self, rng: np.random.Generator, n: int) -> np.ndarray:
        series = load(self.source, self.variables)
        first, last = series.borders["train"]
        start = rng.integers(first, last, size=(n, 1))
        rows = series.values[first + (start + np.arange(self.lag)) % (last - first)]
        return rows - rows[:, -1:] if self.target == "change" else rows

    def memoryless(self) -> float:
        """The better of the two naive forecasts."""
        return min(self.levels().values())

    def levels(self) -> dict[str, float]:
        """Mean squared error on the test windows of `persistence` (last row) and `seasonal_naive` (last day)."""
        naive = naive_errors(self.source, self.variables, self.look_back, self.horizon)
        return {name: errors["mse"] for name, errors in naive.items()}


@in_memory(maxsize=4)
def load(source: str, variables: str) -> Series:
    """The whole series, standardised by its training rows; the oil temperature is the last column.

    Raises `UserError` where a value is missing.
    """
    if source == "synthetic":
        raw = _synthetic()
    else:
        raw = np.stack([row["values"] for row in reading.rows(source, "series")]).astype(np.float64)
    borders = _borders(source)
    if variables == "univariate":
        raw = raw[:, -1:]
    _check_complete(source, raw)
    return Series(Scale.of(raw[slice(*borders["train"])])(raw), borders)


def _check_complete(source: str, raw: np.ndarray) -> None:
    missing = np.argwhere(~np.isfinite(raw))
    if len(missing):
        from rnnbench.datasets.catalogue import ETT_COLUMNS

        row, column = missing[0]
        name = ETT_COLUMNS[column - raw.shape[1]]
        raise UserError(
            f"data set '{source}': {len(missing):,} values are missing or no finite numbers, "
            f"the first in column {name}, row {row + 1:,} of {len(raw):,}"
        )


def _borders(source: str) -> dict[str, tuple[int, int]]:
    return _SYNTHETIC_BORDERS if source == "synthetic" else _BORDERS


def _rows(borders: dict[str, tuple[int, int]], split: str, look_back: int) -> int:
    """Rows that the windows of a split lie in: its own, and `look_back` before them where there are as many."""
    first, last = borders[split]
    return last - max(0, first - look_back)


def windows(series: Series, split: str, look_back: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Every window of a split: (n, look_back, channels) that is seen and (n, horizon, channels) that follows."""
    last = series.borders[split][1]
    rows = series.values[last - _rows(series.borders, split, look_back) : last]
    both = np.lib.stride_tricks.sliding_window_view(rows, look_back + horizon, axis=0).swapaxes(1, 2)
    return both[:, :look_back], both[:, look_back:]


@in_memory(maxsize=8)
def naive_errors(source: str, variables: str, look_back: int, horizon: int) -> dict[str, dict[str, float]]:
    """`mse` and `mae` on all test windows of `persistence` and of `seasonal_naive`."""
    seen, future = windows(load(source, variables), "test", look_back, horizon)
    forecasts = {"persistence": seen[:, -1:], "seasonal_naive": seen[:, -SEASON + np.arange(horizon) % SEASON]}
    errors = {name: forecast - future for name, forecast in forecasts.items()}
    return {
        name: {"mse": float(np.mean(error**2)), "mae": float(np.mean(np.abs(error)))} for name, error in errors.items()
    }


@in_memory(maxsize=6)
def _examples(source: str, variables: str, look_back: int, horizon: int, target: str, split: str) -> Examples:
    seen, future = windows(load(source, variables), split, look_back, horizon)
    if target == "change":
        seen, future = seen - seen[:, -1:], future - seen[:, -1:]
    return Examples(seen.astype(np.float32), future.reshape(len(future), -1).astype(np.float32))


def _synthetic() -> np.ndarray:
    """3,600 hours of seven columns: a day, a week and autoregressive noise, each with its own amplitude and phase."""
    rng = np.random.default_rng(4)
    hours = np.arange(_SYNTHETIC_BORDERS["test"][1])[:, None]
    phase, amplitude = rng.uniform(0, 2 * np.pi, (2, _CHANNELS)), rng.uniform(0.7, 1.3, (2, _CHANNELS))
    day = amplitude[0] * np.sin(2 * np.pi * hours / SEASON + phase[0])
    week = 0.5 * amplitude[1] * np.sin(2 * np.pi * hours / (7 * SEASON) + phase[1])
    noise = 0.4 * rng.standard_normal((len(hours), _CHANNELS))
    for row in range(1, len(noise)):
        noise[row] += 0.6 * noise[row - 1]
    return day + week + noise

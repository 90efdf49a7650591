"""Forecasting: the next hours of a power transformer (ETT, Zhou et al. 2021), a lag after the last row seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import in_memory
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.dataset import DatasetTask, Examples, too_few_prepared
from rnnbench.tasks.display import Display
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.simple_models import ridge
from rnnbench.tasks.stream import Layout, Ports
from rnnbench.tasks.supervised import RegressionTask

SEASON = 24
"""Rows per day."""
_CHANNELS = 7
_MONTH = 30 * 24
_BORDERS = {"train": (0, 12 * _MONTH), "validation": (12 * _MONTH, 16 * _MONTH), "test": (16 * _MONTH, 20 * _MONTH)}
_SYNTHETIC_BORDERS = {"train": (0, 2400), "validation": (2400, 3000), "test": (3000, 3600)}


class Series(NamedTuple):
    """A standardised series, (rows, channels) float64, and the first and last row (exclusive) of each split."""

    values: np.ndarray
    borders: dict[str, tuple[int, int]]


@register_task("forecasting")
class Forecasting(DatasetTask, RegressionTask):
    """Forecast the next `horizon` hourly rows from `look_back` rows and a lag. Score: mean squared error, standardised.

    Follows the protocol of Informer and LTSF-Linear (Zeng et al. 2023): splits of 12, 4 and 4 months of 30 days; every
    window of each; validation and test windows start `look_back` rows before their split; each channel standardised
    with the mean and deviation of the training rows (0 if constant there). Decoys are a random stretch of the training
    rows, told apart by the cue. Reference: the best of persistence, seasonal naive and a ridge regression on the
    window.
    """

    version: ClassVar[int] = 2
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "decoy")

    source: Literal["ETTh1", "ETTh2", "synthetic"] = "ETTh1"
    """`ETTh1`, `ETTh2`, or `synthetic`: 3,600 rows of daily and weekly cycles plus noise."""
    look_back: int = Field(96, ge=SEASON)
    """Number of hourly rows the network reads."""
    horizon: int = Field(24, ge=1)
    """Number of hourly rows to forecast."""
    variables: Literal["univariate", "multivariate"] = "univariate"
    """Columns read and forecast: `univariate`, the oil temperature; `multivariate`, all seven."""
    target: Literal["value", "change"] = "value"
    """`value`: the network must remember the level. `change`: the last row read is subtracted from inputs and targets
    (NLinear, Zeng et al. 2023, section 4), which leaves the errors unchanged: the scorer remembers it."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.look_back, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self._channels)

    @property
    def outputs(self) -> int:
        return self.horizon * self._channels

    @property
    def _channels(self) -> int:
        return 1 if self.variables == "univariate" else _CHANNELS

    def display(self) -> Display:
        names = catalogue.ETT_COLUMNS[-self._channels :]
        return replace(super().display(), kind="series", channels=names, forecast=range(self._channels))

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
            most = f"so with horizon {self.horizon:,} at most {max(0, rows - self.horizon):,}"
            yield "look_back", f"{self.look_back:,} is too long: {self.source} has {rows:,} training rows, {most}"
        yield from too_few_prepared(self.source, "series", borders["test"][1], "source")
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        return _examples(self.source, self.variables, self.look_back, self.horizon, self.target, split)

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        series = load(self.source, self.variables)
        first, last = series.borders["train"]
        start = rng.integers(first, last, size=(n, 1))
        rows = series.values[first + (start + np.arange(steps)) % (last - first)]
        return rows - rows[:, -1:] if self.target == "change" else rows

    def memoryless(self, split: Split = "test") -> float:
        """Mean squared error of the training mean, which is 0; with `target: change`, of no change (persistence)."""
        return float(np.mean(np.square(self.examples(split).targets, dtype=np.float64)))

    def level_error(self, split: Split = "test") -> float:
        """That of the error of answering 0, over the windows."""
        squares = np.square(self.examples(split).targets, dtype=np.float64).mean(axis=-1)
        return float(np.std(squares) / math.sqrt(len(squares)))

    def reference(self, split: Split = "test") -> float:
        """The lowest error of persistence, seasonal naive and ridge; with `target: change` that of ridge."""
        errors = self._simple(split)
        return errors["ridge"] if self.target == "change" else min(errors.values())

    def levels(self) -> dict[str, float]:
        """Test errors of the training mean (but for `change`), persistence, seasonal naive and ridge, by name; with
        decoys also of a ridge regression on the mean of all steps, filler included."""
        found = super().levels()
        if self.target == "value":
            found["training mean"] = found["memoryless"]
        found |= self._simple("test")
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})

    def _simple(self, split: Split) -> dict[str, float]:
        naive = naive_errors(self.source, self.variables, self.look_back, self.horizon, split)
        fitted = ridge_errors(self.source, self.variables, self.look_back, self.horizon)
        return {name: errors["mse"] for name, errors in naive.items()} | {"ridge": fitted[split]}


@in_memory(maxsize=4)
def load(source: str, variables: str) -> Series:
    """The whole series, standardised with its training rows; the oil temperature is the last column.

    Raises `UserError` if a value is missing.
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
        row, column = missing[0]
        name = catalogue.ETT_COLUMNS[column - raw.shape[1]]
        raise UserError(
            f"data set '{source}': {len(missing):,} missing or non-finite values, "
            f"first in column {name}, row {row + 1:,} of {len(raw):,}"
        )


def _borders(source: str) -> dict[str, tuple[int, int]]:
    return _SYNTHETIC_BORDERS if source == "synthetic" else _BORDERS


def _rows(borders: dict[str, tuple[int, int]], split: str, look_back: int) -> int:
    """Number of rows that the windows of a split span: its own, and up to `look_back` before them."""
    first, last = borders[split]
    return last - max(0, first - look_back)


def windows(series: Series, split: str, look_back: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Every window of a split: (n, look_back, channels) to read, and the following (n, horizon, channels)."""
    last = series.borders[split][1]
    rows = series.values[last - _rows(series.borders, split, look_back) : last]
    both = np.lib.stride_tricks.sliding_window_view(rows, look_back + horizon, axis=0).swapaxes(1, 2)
    return both[:, :look_back], both[:, look_back:]


@in_memory(maxsize=8)
def naive_errors(
    source: str, variables: str, look_back: int, horizon: int, split: Split = "test"
) -> dict[str, dict[str, float]]:
    """`mse` and `mae` of `persistence` and `seasonal naive` over all windows of a split."""
    seen, future = windows(load(source, variables), split, look_back, horizon)
    forecasts = {"persistence": seen[:, -1:], "seasonal naive": seen[:, -SEASON + np.arange(horizon) % SEASON]}
    errors = {name: forecast - future for name, forecast in forecasts.items()}
    return {
        name: {"mse": float(np.mean(error**2)), "mae": float(np.mean(np.abs(error)))} for name, error in errors.items()
    }


@in_memory(maxsize=8)
def ridge_errors(source: str, variables: str, look_back: int, horizon: int) -> dict[str, float]:
    """Mean squared error over all windows, by split, of ridge regressions from the window to the next `horizon` rows.

    One for each column, from its own window, both less the window's last row (as NLinear, Zeng et al. 2023, section 4);
    fitted to the training windows, the penalty chosen on validation.
    """
    series = load(source, variables)
    errors: dict[str, list[float]] = {"validation": [], "test": []}
    for column in range(series.values.shape[1]):
        alone = Series(series.values[:, [column]], series.borders)
        pairs = {}
        for split in ("train", *errors):
            seen, future = (part[..., 0] for part in windows(alone, split, look_back, horizon))
            pairs[split] = seen - seen[:, -1:], future - seen[:, -1:]
        answers = ridge(*pairs["train"], *pairs["validation"])
        for split, of_split in errors.items():
            seen, future = pairs[split]
            of_split.append(float(np.mean((answers(seen) - future) ** 2)))
    return {split: float(np.mean(of_columns)) for split, of_columns in errors.items()}


@in_memory(maxsize=6)
def _examples(source: str, variables: str, look_back: int, horizon: int, target: str, split: str) -> Examples:
    seen, future = windows(load(source, variables), split, look_back, horizon)
    if target == "change":
        seen, future = seen - seen[:, -1:], future - seen[:, -1:]
    return Examples(seen.astype(np.float32), future.reshape(len(future), -1).astype(np.float32))


def _synthetic() -> np.ndarray:
    """3,600 hours of seven columns: daily and weekly cycles, each of random amplitude and phase, plus AR(1) noise."""
    rng = np.random.default_rng(4)
    hours = np.arange(_SYNTHETIC_BORDERS["test"][1])[:, None]
    phase, amplitude = rng.uniform(0, 2 * np.pi, (2, _CHANNELS)), rng.uniform(0.7, 1.3, (2, _CHANNELS))
    day = amplitude[0] * np.sin(2 * np.pi * hours / SEASON + phase[0])
    week = 0.5 * amplitude[1] * np.sin(2 * np.pi * hours / (7 * SEASON) + phase[1])
    noise = 0.4 * rng.standard_normal((len(hours), _CHANNELS))
    for row in range(1, len(noise)):
        noise[row] += 0.6 * noise[row - 1]
    return day + week + noise

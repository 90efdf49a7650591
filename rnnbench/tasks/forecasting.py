"""Forecasting: the next hours of a power transformer (ETT, Zhou et al. 2021), a lag after the last row seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import in_memory
from rnnbench.datasets.scaling import Scale
from rnnbench.errors import UserError
from rnnbench.registry import register_task
from rnnbench.tasks import series
from rnnbench.tasks.base import Split
from rnnbench.tasks.dataset import Examples, too_few_prepared
from rnnbench.tasks.series import Series, SeriesTask, rows_of

SEASON = 24
"""Rows per day."""
_CHANNELS = 7
_MONTH = 30 * 24
_BORDERS = {"train": (0, 12 * _MONTH), "validation": (12 * _MONTH, 16 * _MONTH), "test": (16 * _MONTH, 20 * _MONTH)}
_SYNTHETIC_BORDERS = {"train": (0, 2400), "validation": (2400, 3000), "test": (3000, 3600)}


@register_task("forecasting")
class Forecasting(SeriesTask):
    """Forecast the next `horizon` hourly rows from `look_back` rows and a lag. Score: mean squared error, standardised.

    Follows the protocol of Informer and LTSF-Linear (Zeng et al. 2023): splits of 12, 4 and 4 months of 30 days; every
    window of each; validation and test windows start `look_back` rows before their split; each channel standardised
    with the mean and deviation of the training rows (0 if constant there). Decoys are a random stretch of the training
    rows, told apart by the cue. Reference: the best of persistence, seasonal naive and a ridge regression on the
    window.
    """

    version: ClassVar[int] = 2

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
    def series(self) -> Series:
        return load(self.source, self.variables)

    @property
    def channels(self) -> tuple[int, int]:
        both = 1 if self.variables == "univariate" else _CHANNELS
        return both, both

    @property
    def forecasts_change(self) -> bool:
        return self.target == "change"

    @property
    def names(self) -> list[str]:
        return list(catalogue.ETT_COLUMNS[-self.channels[0] :])

    def split_sizes(self) -> dict[str, int]:
        window = self.look_back + self.horizon
        borders = _borders(self.source)
        return {split: rows_of(borders, split, self.look_back) - window + 1 for split in borders}

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

    def simple_errors(self, split: Split) -> dict[str, float]:
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


@in_memory(maxsize=8)
def naive_errors(
    source: str, variables: str, look_back: int, horizon: int, split: Split = "test"
) -> dict[str, dict[str, float]]:
    """`mse` and `mae` of `persistence` and `seasonal naive` over all windows of a split."""
    return series.naive_errors(load(source, variables), split, look_back, horizon, SEASON)


@in_memory(maxsize=8)
def ridge_errors(source: str, variables: str, look_back: int, horizon: int) -> dict[str, float]:
    """Mean squared error of ridge regressions on the window over all windows, by split."""
    return series.ridge_errors(load(source, variables), look_back, horizon)


@in_memory(maxsize=6)
def _examples(source: str, variables: str, look_back: int, horizon: int, target: str, split: str) -> Examples:
    return series.examples(load(source, variables), split, look_back, horizon, target == "change")


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

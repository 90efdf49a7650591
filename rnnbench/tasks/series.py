"""Windows over a series: the steps that a network reads, those that it forecasts, and what simple forecasts reach."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.dataset import DatasetTask, Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.examples import TRAINED_ON
from rnnbench.tasks.position_blind import position_blind
from rnnbench.tasks.simple_models import ridge
from rnnbench.tasks.stream import Layout, Ports
from rnnbench.tasks.supervised import RegressionTask

_NUMBERS = 1 << 21
"""Numbers that stand in memory at a time where all windows are gone through: 16 MB."""


class Series(NamedTuple):
    """A standardised series without gaps."""

    values: np.ndarray
    """(rows, channels) float64."""
    borders: dict[str, tuple[int, int]]
    """First row, and row behind the last, of each split."""
    asked: tuple[int, ...] | None = None
    """Channels that are forecast; None: all."""
    absent: np.ndarray | None = None
    """(rows, channels) bool: values that were missing, which a network is shown as 0 and never asked. None: it is not
    told of any."""


class LazyArray:
    """An array of n windows, float32, of which only those asked for are made: by slice, index or array of indices."""

    dtype = np.dtype(np.float32)

    def __init__(self, n: int, make: Callable[[np.ndarray], np.ndarray]) -> None:
        """`make`: from indices, (k,), to an array (k, ...)."""
        self._make = make
        self.shape: tuple[int, ...] = (n, *make(np.arange(min(n, 1))).shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        first, *rest = key if isinstance(key, tuple) else (key,)
        rows = np.arange(len(self))[first]
        found = self._make(np.atleast_1d(rows)).astype(self.dtype)
        return found[(slice(None) if rows.ndim else 0, *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)


def rows_of(borders: dict[str, tuple[int, int]], split: str, look_back: int) -> int:
    """Number of rows that the windows of a split span: its own, and up to `look_back` before them."""
    first, last = borders[split]
    return last - max(0, first - look_back)


def windows(series: Series, split: str, look_back: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Every window of a split as views: (n, look_back, channels) to read, and the next (n, horizon, channels)."""
    return _cut(series.values, series.borders, split, look_back, horizon)


def _cut(
    values: np.ndarray, borders: dict[str, tuple[int, int]], split: str, look_back: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    last = borders[split][1]
    rows = values[last - rows_of(borders, split, look_back) : last]
    both = np.lib.stride_tricks.sliding_window_view(rows, look_back + horizon, axis=0).swapaxes(1, 2)
    return both[:, :look_back], both[:, look_back:]


def asked_windows(series: Series, split: str, look_back: int, horizon: int) -> np.ndarray | None:
    """Indices of the windows of a split whose forecasts were all measured; None: all of them."""
    if series.absent is None:
        return None
    _, future = _cut(series.absent[:, _channels(series)], series.borders, split, look_back, horizon)
    gaps = np.zeros(len(future), dtype=bool)
    for step in range(horizon):
        gaps |= future[:, step].any(axis=1)
    return np.flatnonzero(~gaps)


def _channels(series: Series) -> Any:
    return slice(None) if series.asked is None else list(series.asked)


def examples(series: Series, split: str, look_back: int, horizon: int, change: bool) -> Examples:
    """Every window of a split and its targets, (n, horizon x channels asked); made when they are asked for.

    `change`: both are given less the last row read. Missing values are 0, and told by a channel each behind the others;
    windows with gaps in their forecast are left out.
    """
    seen, future = windows(series, split, look_back, horizon)
    asked, chosen = _channels(series), asked_windows(series, split, look_back, horizon)
    gaps = None if series.absent is None else _cut(series.absent, series.borders, split, look_back, horizon)[0]
    n = len(seen) if chosen is None else len(chosen)

    def evidence(rows: np.ndarray) -> np.ndarray:
        rows = rows if chosen is None else chosen[rows]
        read: np.ndarray = seen[rows]
        if change:
            read = read - read[:, -1:]
        return read if gaps is None else np.concatenate([np.where(gaps[rows], 0.0, read), gaps[rows]], axis=-1)

    def targets(rows: np.ndarray) -> np.ndarray:
        rows = rows if chosen is None else chosen[rows]
        wanted: np.ndarray = future[rows][..., asked]
        if change:
            wanted = wanted - seen[rows, -1:][..., asked]
        return wanted.reshape(len(rows), -1)

    return Examples(LazyArray(n, evidence), LazyArray(n, targets))  # type: ignore[arg-type]  # indexed as arrays are


def _chunks(n: int, numbers: int) -> Iterator[slice]:
    """Slices of n windows of so many numbers each."""
    size = max(1, _NUMBERS // max(1, numbers))
    return (slice(first, first + size) for first in range(0, n, size))


def naive_errors(
    series: Series, split: str, look_back: int, horizon: int, season: int | None
) -> dict[str, dict[str, float]]:
    """`mse` and `mae` over all windows of a split of `persistence`, and of `seasonal naive` if there is a `season`."""
    seen, future = windows(series, split, look_back, horizon)
    chosen, asked = asked_windows(series, split, look_back, horizon), _channels(series)
    steps: dict[str, Any] = {"persistence": slice(-1, None)}
    steps |= {"seasonal naive": -season + np.arange(horizon) % season} if season else {}
    sums = {name: np.zeros(2) for name in steps}
    n = len(seen) if chosen is None else len(chosen)
    for rows in _chunks(n, horizon * seen.shape[2]):
        at = rows if chosen is None else chosen[rows]
        for name, step in steps.items():
            error = (seen[at][:, step] - future[at])[..., asked]
            sums[name] += np.sum(error**2), np.sum(np.abs(error))
    numbers = n * horizon * (seen.shape[2] if series.asked is None else len(series.asked))
    return {name: {"mse": float(found[0] / numbers), "mae": float(found[1] / numbers)} for name, found in sums.items()}


def ridge_errors(series: Series, look_back: int, horizon: int) -> dict[str, float]:
    """Mean squared error over all windows, by split, of ridge regressions from the window to the next `horizon` rows.

    One for each column asked, from its own window, both less the window's last row (as NLinear, Zeng et al. 2023,
    section 4); fitted to the training windows, at most 20,000, the penalty chosen on as many of validation.
    """
    errors: dict[str, list[float]] = {"validation": [], "test": []}
    chosen = {split: asked_windows(series, split, look_back, horizon) for split in ("train", *errors)}
    for column in range(series.values.shape[1]) if series.asked is None else series.asked:
        alone = Series(series.values[:, [column]], series.borders)
        pairs = {split: _Pairs(alone, split, look_back, horizon, chosen[split]) for split in chosen}
        answers = ridge(*pairs["train"].some(), *pairs["validation"].some())
        for split, of_split in errors.items():
            total = 0.0
            for rows in _chunks(len(pairs[split]), look_back + horizon):
                seen, future = pairs[split][rows]
                total += float(np.sum((answers(seen) - future) ** 2))
            of_split.append(total / (len(pairs[split]) * horizon))
    return {split: float(np.mean(of_columns)) for split, of_columns in errors.items()}


class _Pairs:
    """Windows of a single column and what follows, both less the window's last row."""

    def __init__(self, alone: Series, split: str, look_back: int, horizon: int, chosen: np.ndarray | None) -> None:
        self._seen, self._future = (part[..., 0] for part in windows(alone, split, look_back, horizon))
        self._chosen = chosen

    def __len__(self) -> int:
        return len(self._seen if self._chosen is None else self._chosen)

    def __getitem__(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        at = rows if self._chosen is None else self._chosen[rows]
        seen, future = self._seen[at], self._future[at]
        return seen - seen[:, -1:], future - seen[:, -1:]

    def some(self) -> tuple[np.ndarray, np.ndarray]:
        """At most 20,000, evenly spaced."""
        n = len(self)
        return self[:] if n <= TRAINED_ON else self[np.linspace(0, n - 1, TRAINED_ON).astype(np.int64)]


class SeriesTask(DatasetTask, RegressionTask):
    """The next `horizon` rows of a series from `look_back` rows and a lag. A subclass gives the series."""

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("zeros", "blank", "decoy")

    look_back: int
    """Number of rows the network reads."""
    horizon: int
    """Number of rows to forecast."""

    @property
    @abstractmethod
    def series(self) -> Series:
        """The whole series, kept in memory by the task."""

    @property
    @abstractmethod
    def channels(self) -> tuple[int, int]:
        """Number of columns read, indicators included, and of columns forecast; known without the series."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Names of the columns read, without indicators."""

    @property
    def forecast(self) -> list[int]:
        """Positions of the columns forecast among those read; by default all."""
        return list(range(self.channels[1]))

    @property
    @abstractmethod
    def forecasts_change(self) -> bool:
        """Whether windows and forecasts are given less the last row read."""

    @abstractmethod
    def simple_errors(self, split: Split) -> dict[str, float]:
        """Mean squared errors of `persistence`, `seasonal naive` (if there is a season) and `ridge`."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.look_back, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(self.channels[0])

    @property
    def outputs(self) -> int:
        return self.horizon * self.channels[1]

    def display(self) -> Display:
        shown = super().display()
        indicators = [f"{name} missing" for name in self.names] if self.channels[0] > len(self.names) else []
        return replace(shown, kind="series", channels=[*self.names, *indicators], forecast=self.forecast)

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        series = self.series
        first, last = series.borders["train"]
        start = rng.integers(first, last, size=(n, 1))
        at = first + (start + np.arange(steps)) % (last - first)
        rows = series.values[at]
        if self.forecasts_change:
            rows = rows - rows[:, -1:]
        if series.absent is None:
            return rows
        return np.concatenate([np.where(series.absent[at], 0.0, rows), series.absent[at]], axis=-1)

    def memoryless(self, split: Split = "test") -> float:
        """Mean squared error of the training mean, which is 0; of a change, of no change (persistence)."""
        total = sum(float(np.sum(np.square(part, dtype=np.float64))) for part in self._targets(split))
        return total / (self.distinct(split) * self.outputs)

    def level_error(self, split: Split = "test") -> float:
        """That of the error of answering 0, over the windows."""
        squares = [np.square(part, dtype=np.float64).mean(axis=-1) for part in self._targets(split)]
        return float(np.std(np.concatenate(squares)) / math.sqrt(self.distinct(split)))

    def _targets(self, split: Split) -> Iterator[np.ndarray]:
        targets = self.examples(split).targets
        return (targets[rows] for rows in _chunks(len(targets), self.outputs))

    def reference(self, split: Split = "test") -> float:
        """The lowest error of persistence, seasonal naive and ridge; of a change that of ridge."""
        errors = self.simple_errors(split)
        return errors["ridge"] if self.forecasts_change else min(errors.values())

    def levels(self) -> dict[str, float]:
        """Test errors of the training mean (but for a change), persistence, seasonal naive and ridge, by name; with
        decoys also of a ridge regression on the mean of all steps, filler included."""
        found = super().levels()
        if not self.forecasts_change:
            found["training mean"] = found["memoryless"]
        found |= self.simple_errors("test")
        return found | ({"position-blind": position_blind(self)} if self.filler == "decoy" else {})

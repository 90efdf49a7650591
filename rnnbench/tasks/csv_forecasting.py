"""Forecasting of a table of the user's: numbers over time, a lag after the last row seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from rnnbench.datasets.cache import in_memory
from rnnbench.datasets.own.missing import Missing
from rnnbench.datasets.own.splits import SplitSetting
from rnnbench.registry import register_task
from rnnbench.tasks import series
from rnnbench.tasks.base import Split
from rnnbench.tasks.dataset import Examples
from rnnbench.tasks.examples import stored
from rnnbench.tasks.own_file import Facts, OwnFileTask
from rnnbench.tasks.series import Series, SeriesTask, rows_of

if TYPE_CHECKING:
    from rnnbench.datasets.own.recorded_series import RecordedSeries


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Columns = Annotated[tuple[str, ...] | None, BeforeValidator(_listed)]
"""The name of a column, or several."""


@register_task("csv_forecasting")
class CsvForecasting(OwnFileTask, SeriesTask):
    """Forecast the next `horizon` rows of your table from `look_back` rows and a lag. Score: mean squared error.

    The table: CSV, JSON lines or Parquet, packed by gzip or not; a row a step, in the order of time. Windows, levels
    and decoys are those of `forecasting`: every window of each split; validation and test windows start `look_back`
    rows before their split; each column standardised with the mean and deviation of the training rows (0 if constant
    there). Reference: the best of persistence, seasonal naive (where there is a `season`) and a ridge regression on
    each target's own window.
    """

    version: ClassVar[int] = 1

    time: str | None = None
    """Column of the times: checked to be in order; needed for a `split` by dates. Default: rows are in order."""
    columns: Columns = None
    """Columns that the network reads. Default: all columns of numbers but `time`."""
    target: Columns = None
    """Column or columns to forecast, among `columns`. Default: all of them."""
    look_back: int = Field(96, ge=1)
    """Number of rows the network reads."""
    horizon: int = Field(24, ge=1)
    """Number of rows to forecast."""
    split_by: SplitSetting = Field((0.7, 0.1, 0.2), alias="split")
    """Shares of training, validation and test rows, in the order of time; or the first validation day, the first test
    day and perhaps the end (exclusive); or a column that holds `train`, `validation` and `test`."""
    season: int | None = Field(None, ge=2)
    """Rows of a season, for the seasonal naive forecast. Default: those of a day, if `time` tells and `look_back`
    holds them; else there is no such forecast."""
    missing: Missing = "refuse"
    """`refuse`: missing values are an error. `forward`: the last value before. `mask`: 0, and 1 in a channel of its own
    for each column; what is missing is not asked. Levels see the last value before."""
    forecasts: Literal["value", "change"] = "value"
    """`value`: the network must remember the level. `change`: the last row read is subtracted from inputs and targets:
    the scorer remembers it."""

    @field_validator("columns", "target")
    @classmethod
    def _different(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and (not names or len(set(names)) < len(names)):
            raise ValueError("should be names of columns, each once")
        return names

    def found(self) -> Facts:
        read = _read(*self._reading)
        per_day = read.pace.per_day if read.pace else None
        return {
            "columns": list(read.columns),
            "targets": [read.columns[at] for at in read.asked],
            "rows": {split: last - first for split, (first, last) in read.borders.items()},
            "sizes": {split: self._windows(read, split) for split in read.borders},
            "season": self.season or (per_day if per_day and per_day <= self.look_back else None),
            "step": read.pace.step if read.pace else None,
            "told": list(read.told),
            "notes": list(read.notes),
        }

    def _windows(self, read: RecordedSeries, split: str) -> int:
        steps = self.look_back + self.horizon
        n = max(0, rows_of(read.borders, split, self.look_back) - steps + 1)
        if not n or read.absent is None:
            return n
        chosen = series.asked_windows(_as_series(read), split, self.look_back, self.horizon)
        return n if chosen is None else len(chosen)

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        rows, sizes = self.facts["rows"], self.facts["sizes"]
        for split in ("validation", "test"):
            if self.horizon > rows[split]:
                yield "horizon", f"{self.horizon:,} is too long: the {split} split has {rows[split]:,} rows"
        needed = self.look_back + self.horizon
        if needed > rows["train"]:
            yield (
                "look_back",
                f"{self.look_back:,} is too long: with horizon {self.horizon:,} a window needs {needed:,} training "
                f"rows, and there are {rows['train']:,}",
            )
        for split, size in sizes.items():
            if not size:
                yield "missing", f"no {split} window is without a gap in the {self.horizon:,} rows that are forecast"
        if self.season and self.season > self.look_back:
            yield "season", f"{self.season:,} is longer than look_back, {self.look_back:,}"
        yield from super().problems(batch_size)

    def examples(self, split: str) -> Examples:
        return _examples(self._reading, split, self.look_back, self.horizon, self.forecasts_change)

    @property
    def series(self) -> Series:
        return _as_series(_read(*self._reading))

    @property
    def channels(self) -> tuple[int, int]:
        facts = self.facts
        return len(facts["columns"]) * (2 if self.missing == "mask" else 1), len(facts["targets"])

    @property
    def names(self) -> list[str]:
        return list(self.facts["columns"])

    @property
    def forecast(self) -> list[int]:
        return [self.names.index(name) for name in self.facts["targets"]]

    @property
    def forecasts_change(self) -> bool:
        return self.forecasts == "change"

    def simple_errors(self, split: Split) -> dict[str, float]:
        return _simple_errors(self._bare, split)

    @property
    def _reading(self) -> tuple[Any, ...]:
        return self.path, self.time, self.columns, self.target, self.split_by, self.missing


@in_memory(maxsize=2)
def _read(*reading: Any) -> RecordedSeries:
    from rnnbench.datasets.own import recorded_series

    return recorded_series.read(*reading)


def _as_series(read: RecordedSeries) -> Series:
    asked = None if len(read.asked) == len(read.columns) and read.asked == tuple(range(len(read.asked))) else read.asked
    return Series(read.values, read.borders, asked, read.absent)


@in_memory(maxsize=6)
def _examples(reading: tuple[Any, ...], split: str, look_back: int, horizon: int, change: bool) -> Examples:
    return series.examples(_as_series(_read(*reading)), split, look_back, horizon, change)


@in_memory(maxsize=16)
def _simple_errors(task: CsvForecasting, split: Split) -> dict[str, float]:
    def fit() -> dict[str, float]:
        naive = series.naive_errors(task.series, split, task.look_back, task.horizon, task.facts["season"])
        return {name: errors["mse"] for name, errors in naive.items()} | {"ridge": _ridge_errors(task)[split]}

    return stored(task, f"simple-forecasts-{split}", {"lag", "filler"}, fit)


@in_memory(maxsize=8)
def _ridge_errors(task: CsvForecasting) -> dict[str, float]:
    return series.ridge_errors(task.series, task.look_back, task.horizon)

"""The entry of a task for what was found in a file: its settings with the reason for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from rnnbench.datasets.own.looks import Look, SequencesLook, SeriesLook, TextsLook
from rnnbench.text.wording import count_of

_SHARES, _SHARES_OF_FEW = (0.7, 0.1, 0.2), (0.6, 0.2, 0.2)
_FEW, _MANY = 1000, 50_000
_VALIDATION, _TEST = 5000, 10_000
"""Examples of these splits in a large file: enough to tell networks apart, and soon gone through."""
_STEPS_WITHOUT_SEASON = 10
_SEASONS = 4
_LONGEST_WINDOW = 100
"""Steps of a window of several seasons."""
_LONG_LAG, _LONGEST_LAG = 50, 200
"""Steps: the longest lag is between them."""
_BATCH = 32
_EPOCHS = 40
_FEWEST_STEPS = 300
_LENGTHS = (5, 10, 20, 50, 100, 200)
_LONGEST = {"words": 100, "characters": 200}
_LONGEST_SEQUENCE = 200


class Setting(NamedTuple):
    """A line of the entry."""

    key: str
    value: Any
    reason: str = ""


@dataclass(frozen=True)
class Entry:
    """A task's entry but for its lags, and what goes with it."""

    question: str
    seen: str
    """How much the file holds, in a sentence."""
    settings: tuple[Setting, ...]
    lags: tuple[int, ...]
    """From short to long."""
    lag_reason: str
    evidence: int
    """Steps."""
    examples: int
    """Of training."""

    @property
    def batch_size(self) -> int:
        """A power of 2, so that an epoch has two batches at least."""
        size = _BATCH
        while size > 1 and 2 * size > self.examples:
            size //= 2
        return size

    @property
    def most_steps(self) -> int:
        """Training steps beyond which a network has seen each example too often to learn more from it."""
        steps = _EPOCHS * self.examples / self.batch_size
        return max(_FEWEST_STEPS, math.ceil(steps / 100) * 100)


def entry_of(look: Look, path: str, name: str) -> Entry:
    """The entry for a file at `path`, as the experiment names it, called `name`."""
    where = Setting("path", path, "relative to this file")
    if isinstance(look, SeriesLook):
        return _series(look, where, name)
    if isinstance(look, TextsLook):
        return _texts(look, where, name)
    assert isinstance(look, SequencesLook)
    return _sequences(look, where, name)


def _series(look: SeriesLook, where: Setting, name: str) -> Entry:
    shares = _shares(look.rows)
    train, validation, test = look.split_rows or (int(look.rows * share) for share in shares)
    look_back, horizon, season = windows(look, train, min(validation, test))

    def words(steps: int) -> str:
        return look.clock.words(steps) if look.clock else count_of(steps, "row")

    settings = [where]
    if look.time:
        settings.append(Setting("time", look.time))
    settings.append(Setting("columns", list(look.columns), "what the network reads, each standardised"))
    if len(look.columns) > 1:
        reason = f"what it forecasts: {look.target_why}; name another, or none to forecast all"
        settings.append(Setting("target", look.target, reason))
    settings += [
        Setting("look_back", look_back, f"rows it reads: {words(look_back)}"),
        Setting("horizon", horizon, f"rows it forecasts: {words(horizon)}"),
    ]
    if look.clock and look.clock.season and look.clock.season <= look_back:
        settings.append(Setting("season", season, f"rows of {words(season)}, for the seasonal naive forecast"))
    if look.split:
        settings.append(Setting("split", look.split, "the column that says train, validation or test"))
    else:
        or_dates = "; or the two dates on which the latter begin" if look.time and look.clock else ""
        settings.append(
            Setting("split", list(shares), f"training, validation and test, in order{_of_many(shares)}{or_dates}")
        )
    if look.missing:
        settings.append(
            Setting("missing", "forward", f"{_are_missing(look.missing, 'value')}: the last one before stands there")
        )
    longest = max(look_back, 2 * season, season * round(_LONG_LAG / season))
    lags = tuple(sorted({0, season, longest}))
    listed = ", ".join(words(lag) if lag else "none" for lag in lags)
    times = ""
    if look.clock:
        times = f" from {look.clock.first} to {look.clock.last}, a row each {_without_one(look.clock.step)}"
        times += f": {season} steps = {words(season)}" if look.clock.season else ""
    window = look_back + horizon
    return Entry(
        question=f"How long after a window of {words(look_back)} can a network still forecast the next "
        f"{_without_one(words(horizon))} of {look.target}?",
        seen=f"{count_of(look.rows, 'row')}{times}",
        settings=tuple(settings),
        lags=lags,
        lag_reason=f"steps of filler before the answer: {listed}",
        evidence=look_back,
        examples=train - window + 1,
    )


def windows(look: SeriesLook, train: int, held_out: int) -> tuple[int, int, int]:
    """Rows to read, rows to forecast, and rows of a season (shortened with the horizon), that fit the splits.

    One season is forecast from four, or from as many as have 100 rows; half of a split, at least, is left to slide the
    window over.
    """
    season = (look.clock.season if look.clock else None) or _STEPS_WITHOUT_SEASON
    horizon = max(1, min(season, held_out // 2))
    fitting = [
        count * season
        for count in range(_SEASONS, 0, -1)
        if count * season + horizon <= train // 2 and (count == 1 or count * season <= _LONGEST_WINDOW)
    ]
    look_back = fitting[0] if fitting else max(2, train // 2 - horizon)
    return look_back, horizon, min(season, look_back)


def _texts(look: TextsLook, where: Setting, name: str) -> Entry:
    shares = _shares(look.texts)
    length = next((n for n in _LENGTHS if n >= look.length), _LENGTHS[-1])
    length = min(length, _LONGEST[look.tokens])
    settings = [where]
    if look.text is not None and look.label is not None:
        settings.append(Setting("text", look.text))
        settings.append(Setting("label", look.label, look.label_why))
    if look.tokens == "characters":
        settings.append(Setting("tokens", "characters", "as the texts are short; `words` would read whole words"))
    kept = "nine texts of ten are shorter" if length >= look.length else "longer texts lose their beginning"
    settings.append(Setting("length", length, f"{look.tokens} read, from the end of each text: {kept}"))
    if look.split:
        settings.append(Setting("split", look.split, "the column that says train, validation or test"))
    elif look.text is not None:
        settings.append(
            Setting("split", list(shares), f"training, validation and test, drawn at random{_of_many(shares)}")
        )
    if look.missing:
        settings.append(Setting("missing", "mask", f"{_are_missing(look.missing, 'text')}: read as empty"))
    return Entry(
        question=f"How long after the end of a text does a network still know its class? ({name})",
        seen=f"{count_of(look.texts, 'text')} of {look.classes} classes",
        settings=tuple(settings),
        lags=_lags(length),
        lag_reason="steps of filler before the answer",
        evidence=length,
        examples=int(look.texts * shares[0]),
    )


def _sequences(look: SequencesLook, where: Setting, name: str) -> Entry:
    shares = _shares(look.sequences)
    length = min(look.longest, _LONGEST_SEQUENCE)
    settings = [where]
    if look.id is not None and look.label is not None:
        settings.append(Setting("id", look.id, "rows with the same one are a sequence"))
        if look.step:
            settings.append(Setting("step", look.step, "sorts the rows of a sequence"))
        settings.append(Setting("features", list(look.features), "what the network reads, each standardised"))
        settings.append(Setting("label", look.label, f"what it answers: {look.label_why}"))
    if length < look.longest:
        settings.append(
            Setting("length", length, f"steps read, from the end of each sequence; the longest has {look.longest:,}")
        )
    if look.split:
        settings.append(Setting("split", look.split, "the column that says train, validation or test"))
    else:
        settings.append(
            Setting("split", list(shares), f"training, validation and test, drawn at random{_of_many(shares)}")
        )
    if look.missing:
        settings.append(
            Setting("missing", "forward", f"{_are_missing(look.missing, 'value')}: the last one before stands there")
        )
    return Entry(
        question=f"How long after the end of a sequence can a network still answer for it? ({name})",
        seen=f"{count_of(look.sequences, 'sequence')} of at most {count_of(look.longest, 'step')}, "
        f"{count_of(len(look.features), 'feature')}",
        settings=tuple(settings),
        lags=_lags(length),
        lag_reason="steps of filler before the answer",
        evidence=length,
        examples=int(look.sequences * shares[0]),
    )


def _shares(examples: int) -> tuple[float, float, float]:
    if examples < _FEW:
        return _SHARES_OF_FEW
    if examples <= _MANY:
        return _SHARES
    validation, test = (round(n / examples, 4) for n in (_VALIDATION, _TEST))
    return round(1 - validation - test, 4), validation, test


def _of_many(shares: tuple[float, float, float]) -> str:
    return "" if shares in (_SHARES, _SHARES_OF_FEW) else "; of so many, few held out are enough"


def _lags(length: int) -> tuple[int, ...]:
    longest = min(max(length, _LONG_LAG), _LONGEST_LAG)
    return 0, longest // 5, longest


def _are_missing(number: int, thing: str) -> str:
    return f"{count_of(number, thing)} {'is' if number == 1 else 'are'} missing"


def _without_one(step: str) -> str:
    """`hour` of `1 hour`."""
    return step.removeprefix("1 ")

"""What a file of a user's is likely to be: a series, texts with classes, or sequences with labels."""

from __future__ import annotations

from dataclasses import replace

from rnnbench.datasets.own import npz, place, table
from rnnbench.datasets.own.looks import sequences, series, texts
from rnnbench.datasets.own.looks.columns import Column, columns_of, what_is_wrong
from rnnbench.datasets.own.looks.found import Look, SequencesLook, SeriesLook, TextsLook
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.table import Table
from rnnbench.errors import UserError

__all__ = ["Look", "SequencesLook", "SeriesLook", "TextsLook", "look"]

_FORMS = (
    "a series (csv_forecasting) has columns of numbers and a row a step; texts are a column of them and one of few "
    "different values, or a folder a class; sequences (table_sequences) have an id with several rows each, features "
    "and a label, or are an .npz with x and y"
)
_LISTED = 8


def look(path: str) -> Look:
    """What a file or folder holds. The first that fits:

    1. a folder: texts; an `.npz`: sequences;
    2. times that rise, in even steps: a series;
    3. a column of texts (of 6 words and more, most of them different) and one of few different values: texts;
    4. times that rise: a series;
    5. a column of ids with several rows each: sequences;
    6. a column of short texts, one of few values, and no features beside them: texts, read by characters;
    7. columns of numbers: a series, whose steps are the rows.

    Raises `UserError`, in one line, for a file that cannot be read, is too short, or fits nothing.
    """
    place.check(path)
    if texts.is_folder(path):
        return texts.of_folder(path)
    if npz.is_npz(path):
        return sequences.of_npz(path)
    found = table.read(path)
    columns = columns_of(found)
    taken = _of_table(found, columns)
    if taken is None:
        raise _nothing(path, columns)
    return taken


def _of_table(found: Table, columns: list[Column]) -> Look | None:
    time = series.timeline(columns)
    clock, _ = series.clock(time, columns)
    of_texts = texts.of_table(found, columns)
    if (time or clock) and (of_texts is None or (clock is not None and clock.is_regular)):
        taken = series.of_table(found, columns, time)
        if taken is not None:
            return _with_alternative(taken, columns)
    if of_texts is not None:
        return of_texts
    if (of_ids := sequences.of_table(found, columns)) is not None:
        return of_ids
    if (of_short := texts.of_table(found, columns, short=True)) is not None and not _features(columns, of_short):
        return of_short
    _check_times(found, columns)
    return series.of_table(found, columns, None)


def _with_alternative(taken: SeriesLook, columns: list[Column]) -> SeriesLook:
    ids = sequences.ids(columns)
    if not ids:
        return taken
    note = f"if '{ids[0].name}' tells sequences apart, use the task table_sequences instead"
    return replace(taken, notes=(*taken.notes, note))


def _features(columns: list[Column], taken: TextsLook) -> list[Column]:
    """Columns of numbers beside the texts and their label."""
    numbers = [one for one in columns if one.kind == "numbers" and not one.counts_rows]
    return [one for one in numbers if one.name != taken.label]


def _check_times(found: Table, columns: list[Column]) -> None:
    """Raise `UserError` for a column of times that cannot be read, or that do not rise."""
    for one in columns:
        if one.kind == "times" and not one.rises:
            if one.mistake is not None:
                raise one.mistake
            assert one.times is not None
            values = one.times.values
            row = int((values[1:] <= values[:-1]).argmax()) + 1
            what = "repeats the time of the row before" if values[row] == values[row - 1] else "goes back in time"
            raise mistake(
                found.path,
                f"{found.where(row)}, column '{one.name}': {what}; a series needs one row a time, sorted by it",
            )


def _nothing(path: str, columns: list[Column]) -> UserError:
    more = f" and {len(columns) - _LISTED} more" if len(columns) > _LISTED else ""
    seen = ", ".join(one.told for one in columns[:_LISTED]) + more
    broken = next((one for one in columns if one.mistake is not None), None)
    also = f" ({what_is_wrong(broken, path)})" if broken else ""
    also += " (cells are told apart by , ; tab or |)" if len(columns) == 1 else ""
    return mistake(path, f"holds {seen}{also}, which is none of three forms: {_FORMS}")

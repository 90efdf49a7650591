"""Texts and their labels: a table with a column of each, or a folder with one folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import pandas as pd

from rnnbench.datasets.own import csv_file, table
from rnnbench.datasets.own.labels import Where
from rnnbench.datasets.own.mistake import mistake

_SPLITS = ("train", "validation", "test")
_SHOWN = 60


class Rows(Sequence[str]):
    """Some of the texts, taken as they are asked for, so that they are not held twice."""

    def __init__(self, texts: pd.Series, rows: np.ndarray) -> None:
        self._texts, self._rows = texts, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        found = self._texts.iloc[self._rows[at]]
        return found.tolist() if isinstance(at, slice) else str(found)


class LabelledTexts(NamedTuple):
    """Texts in the order of the file, or of the names of the files."""

    path: str
    texts: pd.Series
    """(n,) str; "" where one is missing."""
    labels: pd.Series
    """(n,) str or float64."""
    split: pd.Series | None
    """(n,) str: the column of the split, or the folders of it; None: there is none."""
    missing: np.ndarray
    """(n,) bool: whether there is no text."""
    where: Where
    told: tuple[str, ...] = ()
    """What was taken that the file does not say itself."""

    def check_missing(self) -> None:
        """Raise `UserError` with the number of missing texts, and the first place."""
        if count := int(self.missing.sum()):
            raise mistake(
                self.path,
                f"{count:,} missing text{'s' * (count > 1)}, the first in {self.where(int(np.argmax(self.missing)))}; "
                "fill them, or set `missing: mask`, which reads them as empty",
            )


def read(path: str, text: str, label: str, split: str | None) -> LabelledTexts:
    """The texts of a file or folder. `text`, `label`, `split`: names of columns; of a folder none is used.

    Raises `UserError` for what cannot be read, and for a column of numbers where texts are wanted.
    """
    return _of_folder(path) if Path(path).is_dir() else _of_table(path, text, label, split)


def _of_table(path: str, text: str, label: str, split: str | None) -> LabelledTexts:
    if text == label:
        raise mistake(path, f"`text` and `label` are both '{text}'")
    found = table.read(path, [text, label] + ([split] if split else []))
    cells = found.frame[text]
    if not isinstance(cells.dtype, pd.StringDtype):
        kind = "numbers" if table.is_numeric(cells) else "times"
        raise mistake(path, f"column '{text}' holds {kind}, not texts; set `text` to one of {', '.join(found.columns)}")
    cells = found.text(text)
    of_label = found.frame[label]
    if not table.is_numeric(of_label):
        of_label = found.text(label).str.strip()
    missing = cells.isna().to_numpy(dtype=bool)
    of_split = found.text(split) if split else None
    return LabelledTexts(path, cells.fillna(""), of_label, of_split, missing, found.where, tuple(found.told))


def _of_folder(path: str) -> LabelledTexts:
    root = Path(path)
    top = _folders(root)
    of_splits = {folder.name for folder in top} & {*_SPLITS, "val", "valid", "dev"}
    if not top:
        raise mistake(path, "the folder holds no folders: one for each class is wanted, with its texts as files")
    if of_splits and len(of_splits) < len(top):
        others = sorted({folder.name for folder in top} - of_splits)
        raise mistake(path, f"the folder '{others[0]}' stands beside '{sorted(of_splits)[0]}', but is no split")
    if of_splits and not {"train", "test"} <= of_splits:
        absent = sorted({"train", "test"} - of_splits)[0]
        raise mistake(path, f"there is a folder '{sorted(of_splits)[0]}', but none called '{absent}'")
    files: list[tuple[Path, str, str]] = []
    for split in top if of_splits else [root]:
        for of_class in _folders(split):
            held = [file for file in sorted(of_class.iterdir()) if file.is_file() and not file.name.startswith(".")]
            if not held:
                raise mistake(path, f"the folder '{of_class.relative_to(root)}' holds no files")
            files += [(file, of_class.name, split.name) for file in held]
    if not files:
        raise mistake(path, "the folders of the splits hold no folders: one for each class is wanted")
    labels, splits = (pd.Series([one[at] for one in files], dtype="str") for at in (1, 2))
    texts = pd.Series([_text(file, root) for file, *_ in files], dtype="str")
    return LabelledTexts(
        path,
        texts,
        labels,
        splits if of_splits else None,
        np.zeros(len(files), bool),
        lambda row: str(files[row][0].relative_to(root)),
    )


def _folders(parent: Path) -> list[Path]:
    return [place for place in sorted(parent.iterdir()) if place.is_dir() and not place.name.startswith(".")]


def _text(file: Path, root: Path) -> str:
    try:
        with csv_file.opened(str(file)) as opened:
            content = opened.read()
    except (OSError, EOFError) as error:
        raise mistake(str(root), f"{file.relative_to(root)} cannot be read: {error}") from None
    try:
        return content.decode(csv_file.encoding_of(content[:4]))
    except UnicodeDecodeError as error:
        raise mistake(
            str(root),
            f"{file.relative_to(root)}: byte 0x{content[error.start]:02X} at position {error.start:,} is not "
            f"{error.encoding.upper()}; save it as UTF-8",
        ) from None

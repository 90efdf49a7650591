"""From a file to the text of an experiment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from rnnbench.cli.drafting import budget as budgets
from rnnbench.cli.drafting.entry import Entry, entry_of
from rnnbench.cli.drafting.page import Budget, page
from rnnbench.datasets.own.looks import Look, look
from rnnbench.datasets.own.place import DIRECTORY, shown
from rnnbench.errors import SettingError, UserError, notes_sent_to
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.yaml_document import read


class Draft(NamedTuple):
    """An experiment for a file, and what it is made of."""

    look: Look
    entry: Entry
    notes: tuple[str, ...]
    """What was seen beside, by the look and by the task."""
    budget: Budget
    seconds: float
    """That two workers take, as `plan` guesses."""
    text: str
    """YAML."""


def drafted(path: str, out: Path, name: str) -> Draft:
    """The experiment `name`, to be written to `out`, for the file or folder at an absolute `path`.

    Raises `UserError`, in one line, for what fits no task or is refused by the one that it seems to fit.
    """
    found = look(path)
    entry = entry_of(found, _relative(path, out), Path(path).name)
    notes = list(found.notes)

    def keep(note: str) -> None:
        if (said := _bare(note, path)) not in notes:
            notes.append(said)

    def experiment(budget: Budget) -> Experiment:
        document = read(page(found, entry, budget, name)).value
        try:
            return Experiment.model_validate(document, context={DIRECTORY: str(out.parent)})
        except SettingError as error:
            raise UserError(f"{shown(path)}: taken for {found.form}, but {_bare(error.message, path)}") from None

    with notes_sent_to(keep):
        budget, seconds = budgets.fitting(experiment)
    text = page(found, entry, budget, name, notes, f"`rnnbench plan` guesses {_minutes(seconds)} with two workers")
    return Draft(found, entry, tuple(notes), budget, seconds, text)


def _bare(message: str, path: str) -> str:
    """A message without the name of the file before it."""
    return message.removeprefix(f"{shown(path)}: ").removeprefix(f"{Path(path).name}: ")


def _relative(path: str, out: Path) -> str:
    try:
        return Path(os.path.relpath(path, out.parent)).as_posix()
    except ValueError:  # on another drive
        return path


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' * (minutes > 1)}"

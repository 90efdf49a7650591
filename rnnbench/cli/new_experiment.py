"""`rnnbench new experiment FILE`: a first experiment for a file of the user's own."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from rnnbench.cli import output
from rnnbench.errors import SettingError, UserError, notes_sent_to


def new_experiment(file: str, directory: Path, out: Path | None) -> None:
    """Look at a file or folder, write an experiment for it, and say what it was taken for.

    `directory`: where to write it under the file's name; `out`: where else. Raises `UserError`, with nothing written,
    for a file that fits no task, and for an experiment that is there already.
    """
    from rnnbench import files
    from rnnbench.cli.drafting import budget as budgets
    from rnnbench.cli.drafting.entry import entry_of
    from rnnbench.cli.drafting.page import Budget, page
    from rnnbench.cli.words import duration
    from rnnbench.datasets.own.looks import look
    from rnnbench.datasets.own.place import DIRECTORY, shown
    from rnnbench.experiment import yaml_file
    from rnnbench.experiment.definition import Experiment
    from rnnbench.experiment.yaml_document import read

    name = _name(file)
    out = out or directory / f"{name}.yaml"
    _check_free(out)
    path = os.path.abspath(os.path.expanduser(file))
    found = look(path)
    entry = entry_of(found, _relative(path, out), Path(path).name)
    notes = list(found.notes)

    def say(note: str) -> None:
        said = note.removeprefix(f"{shown(path)}: ").removeprefix(f"{Path(path).name}: ")
        if said not in notes:
            notes.append(said)

    def text(budget: Budget, took: str = "") -> str:
        return page(found, entry, budget, name, notes, took)

    def experiment(budget: Budget) -> Experiment:
        try:
            return Experiment.model_validate(read(text(budget)).value, context={DIRECTORY: str(out.parent)})
        except SettingError as error:
            raise UserError(f"{shown(path)}: taken for {found.form}, but: {error.message}") from None

    with notes_sent_to(say):
        budget, seconds = budgets.fitting(experiment)
    took = f"`rnnbench plan` guesses {_minutes(seconds)} with two workers"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        files.write(out, text(budget, took))
    except (OSError, UnicodeError) as error:
        raise UserError(f"cannot write {out}: {getattr(error, 'strerror', None) or error}") from error
    try:
        loaded = yaml_file.load(out)
    except UserError:
        out.unlink()
        raise
    output.say(f"{shown(path)} is taken for {found.form} ({found.task}): {found.why}.")
    for line in (entry.seen, *notes):
        output.say(f"  {line}")
    output.say(
        f"Wrote {out}: {len(loaded.runs)} runs of {len(loaded.models)} models at lags "
        f"{', '.join(map(str, entry.lags[: budget.lags]))}; about {duration(seconds)} with two workers."
    )
    output.say(f"  rnnbench run {shlex.quote(str(out))}")


def _name(file: str) -> str:
    """A name of an experiment, made of that of the file without its endings: `sales 2020.csv.gz` is `sales_2020`."""
    stem = Path(os.path.abspath(os.path.expanduser(file))).name
    stem = re.sub(r"(\.(csv|tsv|txt|json|jsonl|ndjson|parquet|pq|npz|gz))+$", "", stem, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:60] or "experiment"


def _check_free(out: Path) -> None:
    if out.is_dir():
        raise UserError(f"{out} is a folder: name the file to write, such as {out / 'experiment.yaml'}")
    if out.exists():
        raise UserError(f"{out} is there already; choose another name with --out, or move it away")


def _relative(path: str, out: Path) -> str:
    try:
        return Path(os.path.relpath(path, out.parent)).as_posix()
    except ValueError:  # on another drive
        return path


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' * (minutes > 1)}"

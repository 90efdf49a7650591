"""`rnnbench new experiment FILE`: a first experiment for a file of the user's own."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from rnnbench.cli import output
from rnnbench.errors import UserError


def new_experiment(file: str, directory: Path, out: Path | None) -> None:
    """Look at a file or folder, write an experiment for it, and say what it was taken for.

    `directory`: where to write it under the file's name; `out`: where else. Raises `UserError`, with nothing written,
    for a file that fits no task, and for an experiment that is there already.
    """
    from rnnbench.cli.drafting.draft import drafted
    from rnnbench.cli.words import duration
    from rnnbench.datasets.own.place import shown

    name = _name(file)
    out = out or directory / f"{name}.yaml"
    _check_free(out)
    path = os.path.abspath(os.path.expanduser(file))
    draft = drafted(path, out, name)
    runs = _write(out, draft.text)
    output.say(f"{shown(path)} is taken for {draft.look.form} ({draft.look.task}): {draft.look.why}.")
    for line in (draft.entry.seen, *draft.notes):
        output.say(f"  {line}")
    lags = ", ".join(map(str, draft.entry.lags[: draft.budget.lags]))
    output.say(f"Wrote {out}: {runs} runs at lags {lags}; about {duration(draft.seconds)} with two workers.")
    output.say(f"  rnnbench run {shlex.quote(str(out))}")


def _write(out: Path, text: str) -> int:
    """Write the experiment; the number of its runs. Nothing is left of one that does not load."""
    from rnnbench import files
    from rnnbench.experiment import yaml_file

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        files.write(out, text)
    except (OSError, UnicodeError) as error:
        raise UserError(f"cannot write {out}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return len(yaml_file.load(out).runs)
    except UserError:
        out.unlink()
        raise


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

"""An experiment as a notebook shows it: what it asks, of what it is made, how many runs that are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rnnbench.experiment.grids_of_a_label import grids_of
from rnnbench.text.html import html_table, paragraph
from rnnbench.text.wording import count_of


def experiment_html(given: Mapping[str, Any], runs: int, skipped: int) -> str:
    """Name, question and size, then a row for each task and model with the settings that are `given` in its file.

    `runs`: how many there are to do; `skipped`: how many their models cannot do.
    """
    size = count_of(runs, "run") + (f", and {skipped:,} that their models cannot do" if skipped else "")
    rows = [*_rows("task", given["tasks"]), *_rows("model", given["models"]), ("seeds", "", _text(given["seeds"]))]
    rows += [("training", "", _settings(given["training"]))] if given["training"] else []
    head = ["", "", "settings; a list is an axis of the grid, what is not here has its default"]
    return paragraph(f"{given['description']} {size}.".strip(), given["name"]) + html_table(head, rows)


def _rows(kind: str, entries: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for label, entry in entries.items():
        for settings, _ in grids_of(entry, (f"{kind}s", label)):
            yield kind, label, _settings(settings)


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {_text(value)}" for key, value in values.items())


def _text(value: Any) -> str:
    """A value about as an experiment file has it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{_settings(value)}}}"
    return value if isinstance(value, str) else json.dumps(value)

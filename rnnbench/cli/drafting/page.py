"""The text of the experiment file."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from rnnbench.cli.drafting.entry import Entry, Setting
from rnnbench.datasets.own.looks import Look
from rnnbench.experiment.yaml_value import written

_WIDTH = 118
_UNITS = 32
_REASON_AT = 40
"""Column of the reasons, where the values before them are short."""


class Budget(NamedTuple):
    """How much is run."""

    steps: int
    """At most: see `Entry.most_steps`."""
    seeds: int
    lags: int = 3
    """How many of the entry's lags, from the shortest."""
    tests_others: bool = True
    """Whether runs are tested at other lags than those of the grid."""


def page(look: Look, entry: Entry, budget: Budget, name: str, notes: Sequence[str] = (), took: str = "") -> str:
    """The experiment `name`, whose task has the same label, as YAML with the reasons for what it asks.

    `notes`: what else is to be known of the file; `took`: what `plan` says of its time.
    """
    command = f"rnnbench new experiment {entry.settings[0].value}"
    lags, steps = entry.lags[: budget.lags], min(budget.steps, entry.most_steps)
    lines = [
        *_comment(f"Written by `{command}`. {_sentence(took)}"),
        *_comment(f"Taken for {look.form} ({look.task}): {look.why}. {_sentence(entry.seen)}"),
        *(line for note in notes for line in _comment(f"- {note}")),
        *_line("name", name),
        *_line("description", entry.question),
        "tasks:",
        f"  {written(name)}:",
        f"    task: {look.task}",
        *(line for setting in entry.settings for line in _setting(setting)),
        *_setting(Setting("lag", list(lags), entry.lag_reason)),
        *_setting(Setting("training_lags", "uniform", "each training step draws a lag from 0 to that of the run")),
        "models:",
        f"  simple_rnn: {{units: {_UNITS}, learning_rate: 1.0e-3}}",
        f"  lstm: {{units: {_UNITS}}}",
        f"  gru: {{units: {_UNITS}}}",
        f"  lstm_chrono: {{model: lstm, units: {_UNITS}, initialization: chrono, "
        f"chrono_max: {entry.evidence + entry.lags[-1]}}}",
        f"seeds: {budget.seeds}",
        f"training: {{steps: {steps}, batch_size: {entry.batch_size}, learning_rate: 3.0e-3, "
        f"evaluate_every: {steps // 10}}}",
    ]
    if not budget.tests_others:
        lines.append(f"test_lags: {written(list(lags))}  # the lags of the grid alone, to save time")
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _line(key: str, value: str) -> list[str]:
    return [f"{key}: {written(value)}"]


def _setting(setting: Setting) -> list[str]:
    """Its line; the reason stands behind it, or above where there is no room."""
    value = setting.value
    if isinstance(value, list):
        lines = _items([written(one) for one in value], f"    {setting.key}: [", " " * 6)
    else:
        lines = [f"    {setting.key}: {written(value)}"]
    reason = f"# {_printable(setting.reason)}"
    if not setting.reason:
        return lines
    behind = f"{lines[0]:<{_REASON_AT}} {reason}"
    if len(lines) == 1 and len(behind) <= _WIDTH:
        return [behind]
    return [*_comment(setting.reason, indent="    "), *lines]


def _items(items: list[str], start: str, indent: str) -> list[str]:
    """A list in brackets, broken between its items."""
    lines = [start]
    for at, item in enumerate(items):
        item += "]" if at == len(items) - 1 else ","
        room = lines[-1] if lines[-1].endswith("[") or not lines[-1].strip() else f"{lines[-1]} "
        if len(room) + len(item) > _WIDTH and lines[-1] != start:
            lines.append(f"{indent}{item}")
        else:
            lines[-1] = room + item
    return lines


def _comment(text: str, indent: str = "") -> list[str]:
    """Comment lines; those after the first of a list item are indented as its text is."""
    after = f"{indent}#   " if text.startswith("- ") else f"{indent}# "
    return textwrap.wrap(
        _printable(text), _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=after, break_on_hyphens=False
    )


def _printable(text: str) -> str:
    """The text without line breaks and control characters, which a comment cannot hold."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))

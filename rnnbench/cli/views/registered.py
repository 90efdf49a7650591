"""What `rnnbench list` shows, from the values that `values.registered` gives."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from rich.console import Group
from rich.text import Text

from rnnbench.cli.shell import program
from rnnbench.cli.tables import PlainTable

_FAMILIES = {"core": "core", "cell": "further cells", "baseline": "baselines without a state"}


def overview(found: dict[str, dict[str, Any]]) -> Group:
    """Tasks, models and groups of settings, a line each, models under the heading of their family."""
    tables = []
    for kind, things in found.items():
        for family, members in groupby(things.items(), lambda item: item[1].get("family")):
            heading = kind if family is None else f"{kind}: {_FAMILIES.get(family, family)}"
            table = PlainTable(heading, [kind.removesuffix("s"), "what it is"])
            for name, about in members:
                table.add_row(name, _about(about))
            tables.append(table)
    return Group(*tables, Text(f"To see the settings of one: {program()} list NAME"))


def details(found: dict[str, dict[str, Any]]) -> Group:
    """Every setting of tasks, models and groups with its default."""
    tables = []
    for things in found.values():
        for name, about in things.items():
            table = PlainTable(f"{name}: {_about(about)}", ["setting", "default", "what it is"])
            for setting, said in about["settings"].items():
                default = _as_yaml(said["default"]) if "default" in said else "must be given"
                table.add_row(setting, default, said["description"])
            tables.append(table)
    return Group(*tables)


def _about(about: dict[str, Any]) -> str:
    """The description, and what decides on runs that are skipped."""
    if not about.get("causal", True):
        return f"{about['description']} Reads later steps too: skipped where the task does not allow that."
    if about.get("allows_lookahead", False):
        return f"{about['description']} A model may read the whole sequence before it answers."
    return str(about["description"])


def _as_yaml(value: Any) -> str:
    """A default as an experiment file has it: `null`, `true`, `[go, up]`."""
    if isinstance(value, list):
        return f"[{', '.join(map(_as_yaml, value))}]"
    return value if isinstance(value, str) else json.dumps(value)

"""Writes the pages that are made from the code: `python docs/making/reference.py`. A test compares them with it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rnnbench import registry
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.overrides import GROUPS
from rnnbench.identity.signature import keys
from rnnbench.models.base import Model
from rnnbench.tasks.base import Task

DOCS = Path(__file__).parents[1]
MADE = "<!-- Made by docs/making/reference.py: change the code, not this page. -->"
_FAMILIES = {"core": "The core", "cell": "Further cells", "baseline": "Baselines without a state"}


def pages() -> dict[str, str]:
    """Each page by its name."""
    return {"settings.md": settings(), "commands.md": commands(), "columns.md": columns()}


def settings() -> str:
    """Every setting of the experiment file."""
    of_tasks = _of_every(Task, _built_in(registry.tasks))
    of_models = _of_every(Model, _models())
    parts = [
        MADE,
        "# Settings",
        "Every key of an experiment file, with its default. `rnnbench list NAME` prints the same in a terminal, "
        "`rnnbench schema` as a JSON Schema for an editor. A list of values where one is asked for is an axis of the "
        "grid.",
        "## The experiment",
        _settings(Experiment, skip=("training", "gradients", "select")),
        *(
            part
            for name, group in GROUPS.items()
            for part in (f"## {name}", _said(group, f"The keys under `{name}`."), _settings(group))
        ),
        "## Tasks",
        "Every task has these settings. A task may also override any key of `training`.",
        _rows(*of_tasks.values()),
    ]
    for name, task in _built_in(registry.tasks):
        parts += [f"### {name}", _said(task), _settings(task, skip_same=of_tasks)]
    parts += [
        "## Models",
        "Every model has these settings. A model may also override any key of `training`.",
        _rows(*of_models.values()),
    ]
    for family in sorted({model.family for _, model in _models()}, key=_place):
        parts.append(f"### {_FAMILIES.get(family, family)}")
        for name, model in _models():
            if model.family == family:
                parts += [f"#### {name}", _said(model), _settings(model, skip_same=of_models)]
    return "\n\n".join(part for part in parts if part) + "\n"


def commands() -> str:
    """Every command with its arguments and options."""
    from typer.main import get_command

    from rnnbench.cli.app import app

    found = get_command(app)
    parts = [MADE, "# Commands", "`rnnbench COMMAND --help` prints the same in a terminal."]
    for name, command in found.commands.items():  # type: ignore[attr-defined]
        deeper = getattr(command, "commands", {})
        for path, one in [(name, command)] if not deeper else [(f"{name} {sub}", deeper[sub]) for sub in deeper]:
            parts += [f"## rnnbench {path}", _words(one.help or ""), _parameters(one.params)]
    return "\n\n".join(part for part in parts if part) + "\n"


def columns() -> str:
    """Every column of the tables of results."""
    from rnnbench.analysis.columns import TABLES

    parts = [
        MADE,
        "# Columns",
        "What the tables of results hold: in a notebook those of `rnnbench.load_results` and "
        "`rnnbench.memory_horizons`, in a report `results.csv` (`runs`) and `lag_curve.csv` (`lag_curves`). "
        "`rnnbench.columns()` is this page as a table. Behind the columns of `runs` stands one for each other setting "
        "that is not the same in all runs.",
    ]
    for name, table in TABLES.items():
        rows = [(f"`{column.name}`", column.meaning, column.unit, column.empty) for column in table]
        parts += [f"## {name}", _table(("column", "what it says", "unit", "empty"), rows)]
    return "\n\n".join(parts) + "\n"


def _models() -> list[tuple[str, Any]]:
    return _built_in(registry.models)


def _place(family: str) -> tuple[int, str]:
    known = list(_FAMILIES)
    return (known.index(family) if family in known else len(known)), family


def _built_in(known: Any) -> list[tuple[str, Any]]:
    """In alphabetical order; without the plug-ins that this process may have loaded."""
    return [(name, known[name]) for name in sorted(known) if known[name].__module__.startswith("rnnbench.")]


def _of_every(base: type[BaseModel], known: list[tuple[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The settings that are the same in most classes: those of the base, as the rows of a table."""
    rows = [row for _, thing in known for row in _each(thing) if row[0].strip("`") in base.model_fields]
    counts = {row[0]: [other for other in rows if other[0] == row[0]] for row in rows}
    return {name: max(found, key=found.count) for name, found in counts.items()}


def _settings(thing: type[BaseModel], skip: Iterable[str] = (), skip_same: Any = None) -> str:
    """A table of the settings, without those that are as `skip_same` says."""
    same = skip_same or {}
    return _rows(*(row for row in _each(thing) if row[0].strip("`") not in skip and same.get(row[0]) != row))


def _each(thing: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    schema = thing.model_json_schema()
    for name, field in keys(thing).items():
        default = "must be given" if field.is_required() else _default(field.get_default(call_default_factory=True))
        said = schema["properties"].get(name, {})
        yield f"`{name}`", _kind(said, schema.get("$defs", {})), default, _words(field.description or "")


def _default(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    plain = list(value) if isinstance(value, tuple) else value
    return f"`{plain}`" if isinstance(plain, str) and plain else f"`{json.dumps(plain, default=str)}`"


def _kind(said: dict[str, Any], defs: dict[str, Any]) -> str:
    """What a setting takes, in words."""
    if "$ref" in said:
        said = defs.get(said["$ref"].rpartition("/")[2], {})
    if "anyOf" in said:
        return " or ".join(dict.fromkeys(_kind(one, defs) for one in said["anyOf"]))
    if "const" in said:
        return f"`{said['const']}`"
    if "enum" in said:
        return ", ".join(f"`{one}`" for one in said["enum"])
    kind = str(said.get("type", "any"))
    if kind == "array":
        inner = said.get("items") or next(iter(said.get("prefixItems", [])), {})
        return f"list of {_kind(inner, defs)}" if inner else "list"
    named = {"object": "mapping", "boolean": "true or false", "string": "text"}.get(kind, kind)
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {said[key]:,}" for key, sign in signs.items() if key in said and abs(said[key]) < 2**31]
    return " ".join([named, ", ".join(bounds)]).strip()


def _parameters(found: Iterable[Any]) -> str:
    rows = []
    for one in found:
        options = [name for name in (*one.opts, *one.secondary_opts) if name != "--help"]
        if not options or getattr(one, "hidden", False):
            continue
        argument = one.param_type_name == "argument"
        name = f"`{one.metavar or one.name.upper()}`" if argument else ", ".join(f"`{option}`" for option in options)
        rows.append((name, _words(getattr(one, "help", "") or "")))
    return _table(("argument or option", "what it does"), rows) if rows else ""


def _said(thing: Any, otherwise: str = "") -> str:
    """The first paragraph of what a class says of itself."""
    return _words(inspect.cleandoc(thing.__doc__ or otherwise).partition("\n\n")[0])


def _words(text: str) -> str:
    """One line; what looks like a tag stays text."""
    return " ".join(text.split()).replace("<", "&lt;")


def _rows(*rows: tuple[str, ...]) -> str:
    return _table(("setting", "takes", "default", "what it is"), rows) if rows else "It has no settings of its own."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")

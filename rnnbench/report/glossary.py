"""Tasks and models in words, beside the keys of the experiment file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.identity.signature import keys
from rnnbench.report.data import Described
from rnnbench.report.formatting import as_typed
from rnnbench.report.published import registered
from rnnbench.report.tables import Table


def of_task(label: str, tasks: Described) -> str:
    """What the task behind a label asks, with its settings; empty if its class is not known here."""
    settings = tasks.get(label) or {}
    alone = {key: as_typed(value) for key, value in settings.items() if not isinstance(value, list | dict)}
    return _said(registry.tasks, registered(label, tasks), alone)


def models_table(models: Described) -> Table | None:
    """Each model with what it is and the settings that are not its defaults."""
    rows: list[list[tuple[str, ...]]] = []
    for label, settings in models.items():
        name = str(settings.get("model", label))
        rows.append([(label,), (_said(registry.models, name) or name,), (_settings(name, settings),)])
    caption = "The models in words, with the settings that are not their defaults."
    return Table(caption, ["model", "what it is", "settings"], rows) if rows else None


def _said(known: registry.Registry[Any], name: str, settings: Mapping[str, str] = MappingProxyType({})) -> str:
    try:
        described = registry.described(known[name])
    except UserError:
        return ""
    told = re.sub(r"`(.+?)`", lambda found: settings.get(found[1], found[1]), described)
    return re.sub(r"\b1 (\w+)s\b", r"1 \1", told)


def _settings(name: str, settings: dict[str, Any]) -> str:
    try:
        declared = keys(registry.models[name])
    except UserError:
        return ""
    other = [key for key, field in declared.items() if key in settings and settings[key] != field.default]
    return ", ".join(f"{key} {as_typed(settings[key])}" for key in other) or "all by default"

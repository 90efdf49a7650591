"""Parses `--set KEY=VALUE` overrides and applies them to the values of an experiment file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from rnnbench.errors import UserError
from rnnbench.experiment import yaml_document
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.settings import GradientProbes, Selection, Training
from rnnbench.identity.signature import keys
from rnnbench.registry import did_you_mean, unknown

GROUPS: dict[str, type[BaseModel]] = {"training": Training, "gradients": GradientProbes, "select": Selection}
"""The groups of settings that are the same in every experiment file."""

_LABELLED = ("tasks", "models")
# A part that starts with a quote ends with the next one.
_PART = re.compile(r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^.='"][^.=]*))(?P<after>[.=]|$)""")
_EXAMPLE = "write KEY=VALUE, for example --set training.steps=500"


@dataclass(frozen=True)
class Override:
    """A value for one key of an experiment file."""

    path: tuple[str, ...]
    value: Any

    def __str__(self) -> str:
        return f"--set {dotted(self.path)}"


def dotted(path: Sequence[str | int]) -> str:
    """A key as `--set` takes it: `training.steps`, or `models."a.b".units` if a label contains a dot."""
    return ".".join(f'"{part}"' if re.search(r"[.=]|^['\"]", part) else part for part in map(str, path))


def parse(texts: Iterable[str]) -> list[Override]:
    """Parse overrides. Raises `UserError` if one is not KEY=VALUE, repeats a key, or would undo an earlier one."""
    found: list[Override] = []
    for override in map(_parsed, texts):
        for earlier in found:
            if earlier.path == override.path:
                raise UserError(f"{override}: is given twice; remove one")
            if earlier.path[: len(override.path)] == override.path:
                raise UserError(f"{override}: would undo the earlier {earlier}; remove one")
        found.append(override)
    return found


def combined(earlier: Sequence[str], later: Sequence[str]) -> list[str]:
    """The `earlier` overrides followed by the `later` ones, without earlier ones whose key a later one sets."""
    replaced = {override.path for override in parse(later)}
    return [text for text in earlier if _parsed(text).path not in replaced] + list(later)


def apply(document: dict[str, Any], override: Override) -> None:
    """Set the value in `document`; missing groups are created, but not labels of tasks and models.

    Where a label has several grids, it is set in each.

    Raises `UserError` if the key does not exist.
    """
    *parents, last = override.path
    if not parents and last not in Experiment.model_fields:
        known = ", ".join(Experiment.model_fields)
        raise UserError(f"{override}: unknown key '{last}'{_suggestion(document, last)}; known: {known}")
    place = document
    for depth, part in enumerate(parents):
        inside = override.path[:depth]
        if place.get(part) is None:
            _check_parent(place, override, depth)
            place[part] = {}
        if isinstance(place[part], list) and depth == 1 and override.path[0] in _LABELLED:
            for grid in place[part]:
                apply({override.path[0]: {part: grid}}, override)
            return
        if isinstance(place[part], list):
            here = dotted((*inside, part))
            raise UserError(f"{override}: '{here}' is a list, which can only be set as a whole: --set {here}=[...]")
        if not isinstance(place[part], dict):
            raise UserError(f"{override}: '{dotted((*inside, part))}' is a value, not a group of keys")
        place = place[part]
    place[last] = override.value


def list_hint(value: Any) -> str:
    """How to write a list, for a value such as `0,10`; else an empty string."""
    if isinstance(value, str) and re.fullmatch(r"[^\[\]{},]+(,[^\[\]{},]+)+", value):
        return f"; for a list write [{value}]"
    return ""


def _suggestion(document: dict[str, Any], key: str) -> str:
    """`" (did you mean 'training.steps'?)"` for a key that belongs in a group or is misspelt."""
    known = _known(document)
    inner = [path for path in known if path[-1] == key and len(path) > 1]
    if not inner:
        close = difflib.get_close_matches(key, [path[-1] for path in known], n=1)
        inner = [path for path in known if path[-1] in close]
    if not inner:
        return ""
    more = " or another's" if len(inner) > 1 and inner[0][0] in _LABELLED else ""
    return f" (did you mean '{dotted(inner[0])}'{more}?)"


def _parsed(text: str) -> Override:
    key, value = _split(text)
    if not value.strip():
        raise UserError(f"--set {text}: has no value; for an empty one write null, '' or {{}}")
    try:
        return Override(key, yaml_document.read(value).value)
    except yaml_document.DocumentError as mistake:
        raise UserError(f"--set {text}: the value is {mistake.message}") from None


def _split(text: str) -> tuple[tuple[str, ...], str]:
    path: list[str] = []
    at = 0
    while found := _PART.match(text, at):
        path.append(next(part for part in found.group("double", "single", "bare") if part is not None))
        at = found.end()
        if found["after"] == "=":
            return tuple(path), text[at:]
        if not found["after"]:
            break
    raise UserError(f"--set {text}: {_EXAMPLE}")


def _check_parent(place: dict[str, Any], override: Override, depth: int) -> None:
    part, known = override.path[depth], list(place)
    if depth == 0:
        known = [*GROUPS, *_LABELLED]
        if part not in known:
            raise UserError(f"{override}: {unknown('key', part, known)}")
    elif depth == 1 and override.path[0] in _LABELLED:
        group = override.path[0]
        with_dots = [label for label in known if "." in label and label.startswith(f"{part}.")]
        meant = f" (did you mean {dotted((group, with_dots[0]))}?)" if with_dots else did_you_mean(part, known)
        new = dotted((group, part))
        raise UserError(
            f"{override}: {group} has no '{part}'{meant}; known: {', '.join(known) or 'none'}. "
            f"A new one must be set as a whole: --set {new}={{...}}"
        )


def _known(document: dict[str, Any]) -> list[tuple[str, ...]]:
    from rnnbench import registry

    known: list[tuple[str, ...]] = [(key,) for key in Experiment.model_fields]
    known += [(group, key) for group, settings in GROUPS.items() for key in settings.model_fields]
    for group, things, kind in (("tasks", registry.tasks, "task"), ("models", registry.models, "model")):
        entries = document.get(group)
        for label, entry in entries.items() if isinstance(entries, dict) else ():
            first = entry[0] if isinstance(entry, list) and entry else entry
            name = first.get(kind, label) if isinstance(first, dict) else label
            if isinstance(name, str) and name in things:
                known += [(group, label, key) for key in keys(things[name])]
    return known

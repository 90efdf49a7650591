"""`--set KEY=VALUE`: reading it, and putting the value into the plain values of an experiment file."""

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
from rnnbench.registry import did_you_mean, unknown

GROUPS: dict[str, type[BaseModel]] = {"training": Training, "gradients": GradientProbes, "select": Selection}
"""Keys of an experiment file that hold settings of their own, the same in every file."""

_LABELLED = ("tasks", "models")
# A part that starts with a quote ends with it, whatever stands between.
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
    """A key as `--set` takes it: `training.steps`, and `models."a.b".units` where a label holds a dot."""
    return ".".join(f'"{part}"' if re.search(r"[.=]|^['\"]", part) else part for part in map(str, path))


def parse(texts: Iterable[str]) -> list[Override]:
    """Raises `UserError` for what is no KEY=VALUE, for a key that is given twice, and for one that undoes another."""
    found: list[Override] = []
    for override in map(_parsed, texts):
        for earlier in found:
            if earlier.path == override.path:
                raise UserError(f"{override}: is given twice; give it once")
            if earlier.path[: len(override.path)] == override.path:
                raise UserError(f"{override}: would undo {earlier}, which is given before it; leave one out")
        found.append(override)
    return found


def combined(earlier: Sequence[str], later: Sequence[str]) -> list[str]:
    """`later` overrides on top of `earlier` ones, which give way where both are about one key."""
    replaced = {override.path for override in parse(later)}
    return [text for text in earlier if _parsed(text).path not in replaced] + list(later)


def apply(document: dict[str, Any], override: Override) -> None:
    """Put the value into `document`; groups that are not there are made, labels of tasks and models are not.

    Raises `UserError` where the key leads to nothing.
    """
    *parents, last = override.path
    if not parents and last not in Experiment.model_fields:
        known = ", ".join(Experiment.model_fields)
        raise UserError(f"{override}: unknown key '{last}'{near(document, last)}; known: {known}")
    place = document
    for depth, part in enumerate(parents):
        inside = override.path[:depth]
        if place.get(part) is None:
            _check_parent(place, override, depth)
            place[part] = {}
        if isinstance(place[part], list):
            here = dotted((*inside, part))
            raise UserError(f"{override}: '{here}' is a list, which is set as a whole: --set {here}=[...]")
        if not isinstance(place[part], dict):
            raise UserError(f"{override}: '{dotted((*inside, part))}' is a value, not a group of keys")
        place = place[part]
    place[last] = override.value


def list_hint(value: Any) -> str:
    """What to write instead of `0,10` where a list is meant."""
    if isinstance(value, str) and re.fullmatch(r"[^\[\]{},]+(,[^\[\]{},]+)+", value):
        return f"; for a list write [{value}]"
    return ""


def near(document: dict[str, Any], key: str) -> str:
    """`" (did you mean 'training.steps'?)"` for a key that belongs into a group, or is spelled a little otherwise."""
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
        raise UserError(f"--set {text}: has no value; write null, '' or {{}} for an empty one")
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
            f"{override}: {group} has no '{part}'{meant}; it has {', '.join(known) or 'none'}. "
            f"A new one is set as a whole: --set {new}={{...}}"
        )


def _known(document: dict[str, Any]) -> list[tuple[str, ...]]:
    from rnnbench import registry

    known: list[tuple[str, ...]] = [(key,) for key in Experiment.model_fields]
    known += [(group, key) for group, settings in GROUPS.items() for key in settings.model_fields]
    for group, things, kind in (("tasks", registry.tasks, "task"), ("models", registry.models, "model")):
        entries = document.get(group)
        for label, entry in entries.items() if isinstance(entries, dict) else ():
            name = entry.get(kind, label) if isinstance(entry, dict) else label
            if isinstance(name, str) and name in things:
                known += [(group, label, key) for key in things[name].model_fields]
    return known

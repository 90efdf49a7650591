"""Reading an experiment file: YAML, overrides from the command line, and mistakes told with file, line and key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.experiment import Experiment, GradientProbes, KeyPath, SettingError, explain


def load(file: Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read, override and validate an experiment file.

    `overrides`: `KEY=VALUE` with a dotted key and a YAML value (`training.steps=500`). Raises `UserError` with one line
    that names the file, the line and the key of the first mistake.
    """
    document = _parse(file)
    overridden = [_override(document, text) for text in overrides]
    try:
        raw = _plain(document)
        raw["plugins"] = _located_plugins(raw.get("plugins", []), file)
        registry.load_plugins(raw["plugins"])
        experiment = _validate(raw)
        experiment.runs  # noqa: B018  (expanding validates what tasks and models say)
    except SettingError as error:
        raise UserError(_tell(file, document, overridden, error)) from None
    return experiment


def _parse(file: Path) -> CommentedMap:
    try:
        document = YAML().load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{file}{line}: not valid YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise UserError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, CommentedMap):
        raise UserError(f"{file}: an experiment is a mapping with the keys name, tasks, models, seeds, training")
    return document


def _override(document: CommentedMap, text: str) -> KeyPath:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UserError(f"--set {text}: write KEY=VALUE, for example --set training.steps=500")
    *parents, last = key.split(".")
    place: Any = document
    for part in parents:
        if part not in place or place[part] is None:
            place[part] = CommentedMap()
        place = place[part]
        if not isinstance(place, CommentedMap):
            raise UserError(f"--set {text}: '{part}' is a value, not a group of keys")
    try:
        place[last] = YAML().load(value)
    except YAMLError:
        raise UserError(f"--set {text}: the value is not valid YAML") from None
    return tuple(key.split("."))


def _plain(value: Any) -> Any:
    """Ruamel's containers and scalars as Python's own."""
    if isinstance(value, CommentedMap):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, CommentedSeq):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _located_plugins(plugins: Any, file: Path) -> list[str]:
    if not (isinstance(plugins, list) and all(isinstance(plugin, str) for plugin in plugins)):
        raise SettingError(("plugins",), "must be a list of modules or .py files")
    return [str((file.parent / plugin).resolve()) if plugin.endswith(".py") else plugin for plugin in plugins]


def _validate(raw: dict[str, Any]) -> Experiment:
    for group in ("tasks", "models"):
        if isinstance(raw.get(group), dict):
            # `lstm:` with nothing behind it is the model with its defaults.
            raw[group] = {label: {} if entry is None else entry for label, entry in raw[group].items()}
    if isinstance(raw.get("seeds"), list):
        raw["seeds"] = tuple(raw["seeds"])
    raw["plugins"] = tuple(raw["plugins"])
    try:
        return Experiment.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(first["loc"])
        if first["type"] == "extra_forbidden":
            key = str(path[-1])
            allowed = (Experiment if len(path) == 1 else GradientProbes).model_fields
            near = registry.did_you_mean(key, allowed)
            raise SettingError(path, f"unknown key '{key}'{near}; allowed: {', '.join(allowed)}") from None
        raise SettingError(path[:-1] if first["type"] == "missing" else path, explain(first)) from None


def _tell(file: Path, document: CommentedMap, overridden: list[KeyPath], error: SettingError) -> str:
    dotted = ".".join(str(part) for part in error.path if isinstance(part, str))
    said = f"{dotted}: {error.message}" if dotted else error.message
    for path in overridden:
        if error.path[: len(path)] == path:
            return f"--set {'.'.join(map(str, path))}: {error.message}"
    line = _line(document, error.path)
    return f"{file}:{line}: {said}" if line else f"{file}: {said}"


def _line(document: Any, path: KeyPath) -> int | None:
    """The line, from 1, of the deepest part of `path` that stands in the file."""
    line = None
    for part in path:
        position = document.lc.data.get(part) if isinstance(document, CommentedMap | CommentedSeq) else None
        if position is None:
            break
        line, document = position[0] + 1, document[part]
    return line

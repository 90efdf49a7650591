"""Reading an experiment file: YAML, overrides from the command line, and mistakes told with file, line and key."""

from __future__ import annotations

import codecs
import stat
from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from rnnbench.errors import SettingError, UserError
from rnnbench.experiment import overrides as setting
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.overrides import Override
from rnnbench.experiment.shipped import located
from rnnbench.experiment.yaml_document import Document, DocumentError, read

_LARGEST = 1_000_000
"""Bytes of an experiment file."""


def load(file: Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read, override and validate an experiment file, or one that ships, by its name (`quickstart`).

    `overrides`: `KEY=VALUE` with a dotted key and a YAML value (`training.steps=500`); a label that holds a dot stands
    in quotes (`models."a.b".units=9`). Raises `UserError` with one line that names the file, the line and the key of
    the first mistake.
    """
    file = located(file)
    texts = tuple(overrides)
    asked = setting.parse(texts)
    document = _parse(file)
    try:
        experiment = _experiment(file, document.value, asked)
    except SettingError as error:
        raise UserError(_tell(file, document, asked, error)) from None
    experiment.remember(file.resolve(), texts)
    return experiment


def _experiment(file: Path, document: dict[str, Any], asked: Sequence[Override]) -> Experiment:
    raw = deepcopy(document)
    for override in asked:
        setting.apply(raw, override)
    plugins = raw.get("plugins")
    if isinstance(plugins, list):
        raw["plugins"] = [_located(plugin, file) for plugin in plugins]
    return Experiment.model_validate(raw)


def _located(plugin: Any, file: Path) -> Any:
    is_file = isinstance(plugin, str) and plugin.endswith(".py")
    return str((file.parent / plugin).resolve()) if is_file else plugin


def _parse(file: Path) -> Document:
    try:
        document = read(_text(file))
    except DocumentError as mistake:
        line = f":{mistake.line}" if mistake.line else ""
        raise UserError(f"{file}{line}: {mistake.message}") from None
    if not isinstance(document.value, dict):
        raise UserError(f"{file}: an experiment is a mapping with the keys name, tasks, models, seeds, training")
    return document


def _text(file: Path) -> str:
    try:
        # Reading a pipe that nobody writes into, or a device, would never end; what the shell opened is another matter.
        if not stat.S_ISREG(file.stat().st_mode) and not str(file).startswith(("/dev/fd/", "/dev/stdin", "/proc/")):
            raise UserError(f"{file}: is {'a directory' if file.is_dir() else 'no regular file'}, not an experiment")
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{file!s}: cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise UserError(f"{file}: is larger than {_LARGEST / 1e6:.0f} MB, and so no experiment file")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file}:{line}: is not text in {encoding.removesuffix('-sig').upper()}") from None


def _tell(file: Path, document: Document, asked: Sequence[Override], error: SettingError) -> str:
    override = _culprit(file, document, asked, error)
    if override is not None:
        below = [part for part in error.path[len(override.path) :] if isinstance(part, str)]
        within = f"{setting.dotted(below)}: " if below else ""
        return f"{override}: {within}{error.message}{setting.list_hint(override.value)}"
    line = next((document.lines[error.path[:end]] for end in range(len(error.path), 0, -1)
                 if error.path[:end] in document.lines), None)  # fmt: skip
    return f"{file}:{line}: {error}" if line else f"{file}: {error}"


def _culprit(file: Path, document: Document, asked: Sequence[Override], error: SettingError) -> Override | None:
    """The override that makes the mistake: it sets the key, or without it there is none."""
    for override in reversed(asked):
        if error.path[: len(override.path)] == override.path:
            return override
    for override in asked:
        try:
            _experiment(file, document.value, [other for other in asked if other is not override])
        except UserError:
            continue
        return override
    return None

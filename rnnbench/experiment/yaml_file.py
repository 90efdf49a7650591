"""Loads an experiment file, applies overrides, and reports mistakes with file, line and key."""

from __future__ import annotations

import codecs
import stat
from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from rnnbench.datasets.own.place import DIRECTORY
from rnnbench.errors import SettingError, UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.overrides import Override, apply, dotted, list_hint, parse
from rnnbench.experiment.shipped import located
from rnnbench.experiment.yaml_document import Document, DocumentError, read

_LARGEST = 1_000_000
"""Maximum size of an experiment file, bytes."""


def load(file: Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read, override and validate an experiment file, or one that ships, by its name (`quickstart`).

    `overrides`: `KEY=VALUE` with a dotted key and a YAML value (`training.steps=500`); a label that contains a dot is
    quoted (`models."a.b".units=9`). Raises `UserError`: one line with file, line and key of the first mistake.
    """
    file = located(file)
    texts = tuple(overrides)
    parsed = parse(texts)
    document = _parse(file)
    try:
        experiment = _experiment(file, document.value, parsed)
    except SettingError as error:
        raise UserError(_message(file, document, parsed, error)) from None
    experiment.remember(file.resolve(), texts)
    return experiment


def _experiment(file: Path, document: dict[str, Any], parsed: Sequence[Override]) -> Experiment:
    raw = deepcopy(document)
    for override in parsed:
        apply(raw, override)
    plugins = raw.get("plugins")
    if isinstance(plugins, list):
        raw["plugins"] = [_located(plugin, file) for plugin in plugins]
    return Experiment.model_validate(raw, context={DIRECTORY: str(file.parent)})


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
        raise UserError(f"{file}: an experiment must be a mapping with the keys name, tasks, models, seeds, training")
    return document


def _text(file: Path) -> str:
    try:
        # Reading a device, or a pipe without a writer, would never end; files opened by the shell are fine.
        if not stat.S_ISREG(file.stat().st_mode) and not str(file).startswith(("/dev/fd/", "/dev/stdin", "/proc/")):
            raise UserError(
                f"{file}: is {'a directory' if file.is_dir() else 'not a regular file'}, so it cannot be an experiment"
            )
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{file!s}: cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise UserError(f"{file}: is larger than {_LARGEST / 1e6:.0f} MB, so it cannot be an experiment")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file}:{line}: is not text in {encoding.removesuffix('-sig').upper()}") from None


def _message(file: Path, document: Document, parsed: Sequence[Override], error: SettingError) -> str:
    override = _culprit(file, document, parsed, error)
    if override is not None:
        below = [part for part in error.path[len(override.path) :] if isinstance(part, str)]
        within = f"{dotted(below)}: " if below else ""
        return f"{override}: {within}{error.message}{list_hint(override.value)}"
    line = next((document.lines[error.path[:end]] for end in range(len(error.path), 0, -1)
                 if error.path[:end] in document.lines), None)  # fmt: skip
    return f"{file}:{line}: {error}" if line else f"{file}: {error}"


def _culprit(file: Path, document: Document, parsed: Sequence[Override], error: SettingError) -> Override | None:
    """The override at fault: it sets the key of the mistake, or the experiment is valid without it."""
    for override in reversed(parsed):
        if error.path[: len(override.path)] == override.path:
            return override
    for override in parsed:
        try:
            _experiment(file, document.value, [other for other in parsed if other is not override])
        except UserError:
            continue
        return override
    return None

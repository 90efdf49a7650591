"""Turns the validation errors of pydantic into short sentences for the user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from rnnbench.errors import SettingError
from rnnbench.identity.signature import HashedAs
from rnnbench.registry import unknown

_WORDS = {None: "null", True: "true", False: "false"}


def first_mistake(
    error: ValidationError, settings: type[BaseModel], groups: Mapping[str, type[BaseModel]]
) -> SettingError:
    """The first of the errors in `settings`; `groups`: the keys whose values are settings themselves."""
    first = error.errors()[0]
    path = tuple(part for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        owner = groups.get(str(path[0]), settings)
        return SettingError(path, unknown_key(str(path[-1]), owner.model_fields, owner))
    return SettingError(path[:-1] if first["type"] == "missing" else path, explain(first))


def unknown_key(key: str, allowed: Iterable[str], settings: type[BaseModel]) -> str:
    """The message for a key that is not in `allowed`, or is a former name of one of `settings`."""
    marks = {mark.name: name for name, field in settings.model_fields.items() for mark in field.metadata
             if isinstance(mark, HashedAs)}  # fmt: skip
    return f"'{key}' is now called '{marks[key]}'" if key in marks else unknown("key", key, allowed)


def explain(error: Any) -> str:
    """One pydantic error as a short sentence: the value found, and what is valid."""
    if error["type"] == "missing":
        return f"'{error['loc'][-1]}' is missing"
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    return f"{shown(error['input'])} is not valid: {_wanted(error['type'], error['msg'], error['input'])}"


def _wanted(kind: str, message: str, found: Any) -> str:
    """What is valid, in the terms of YAML."""
    if kind.startswith("bool") and str(found).lower() in ("yes", "no", "on", "off", "y", "n"):
        return "write true or false"
    if kind == "string_type" and isinstance(found, bool | int | float):
        return f"should be text: write '{shown(found)}'"
    if kind == "too_short" and isinstance(found, dict):
        return "should hold at least one entry"
    message = re.sub("^(Input|String) ", "", message).replace("a valid dictionary", "a mapping")
    return re.sub(r" or instance of \w+", "", message)


def shown(value: Any) -> str:
    """A value as written in YAML, on one line and shortened if necessary."""
    text = _WORDS[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

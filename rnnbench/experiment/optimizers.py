"""Optimisers by Keras' own names and arguments, looked up in its sources: importing Keras takes seconds.

A setting is kept as one line of text, `adam` or `sgd(momentum=0.9)`, so that it can name a series and stand in a table.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench.registry import unknown

_BASES = ("Optimizer", "BaseOptimizer", "LossScaleOptimizer", "MultiOptimizer")
"""Classes there that do not train by themselves."""
_SET_ELSEWHERE = {
    "learning_rate": "is a setting of its own: training.learning_rate",
    "global_clipnorm": "is a setting of its own: training.global_clipnorm",
    "clipnorm": "clips each weight by itself; the norm of all of them is clipped by training.global_clipnorm",
    "clipvalue": "clips each number by itself; the norm of all of them is clipped by training.global_clipnorm",
    "use_ema": "is not supported: the weights that are tested are those of the best validation score",
    "ema_momentum": "is not supported: see use_ema",
    "ema_overwrite_frequency": "is not supported: see use_ema",
    "loss_scale_factor": "is not supported: training is in float32",
    "gradient_accumulation_steps": "is not supported: use a larger training.batch_size",
}
_NO_SETTING = {"self", "name"}


def canonical(value: Any) -> str:
    """The text of an optimiser that is given by its name, or by a mapping of `name` and arguments.

    Arguments at Keras' default are left out. Raises `ValueError`, one line, for what Keras does not know.

    >>> canonical({"name": "sgd", "nesterov": False, "momentum": 0.9})
    'sgd(momentum=0.9)'
    """
    name, arguments = _read(value)
    if name not in known():
        raise ValueError(unknown("optimizer", name, known()))
    defaults = known()[name]
    for key, given in arguments.items():
        if key in _SET_ELSEWHERE:
            raise ValueError(f"{key} {_SET_ELSEWHERE[key]}")
        if key not in defaults:
            raise ValueError(f"{name}: {unknown('argument', key, sorted(defaults.keys() - _SET_ELSEWHERE.keys()))}")
        if not _fits(given, defaults[key]):
            raise ValueError(f"{name}: {key} is {given!r}, and by default {defaults[key]!r}: give a value of that kind")
    kept = {key: _as(arguments[key], defaults[key]) for key in sorted(arguments)}
    said = ", ".join(f"{key}={value!r}" for key, value in kept.items() if value != defaults[key])
    return f"{name}({said})" if said else name


def parsed(text: str) -> tuple[str, dict[str, Any]]:
    """Name and arguments of what `canonical` returned. Raises `ValueError` for other text."""
    try:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            return node.func.id, {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}
    except (SyntaxError, ValueError):
        pass
    raise ValueError(f"{text!r} is not valid: give a name, or a mapping with a name and arguments")


@cache
def known() -> dict[str, dict[str, Any]]:
    """Keras' optimisers by the names that `keras.optimizers.get` takes, each with its arguments and their defaults."""
    spec = importlib.util.find_spec("keras")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0]) / "src" / "optimizers"
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.bases and node.name not in _BASES:
                found |= {node.name.lower(): dict(arguments) for arguments in _arguments(node)}
    return dict(sorted(found.items()))


def _arguments(optimizer: ast.ClassDef) -> Iterator[list[tuple[str, Any]]]:
    """The arguments of a class whose constructor takes a learning rate, with their defaults."""
    for node in optimizer.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            names = [one.arg for one in node.args.args]
            defaults = [_literal(default) for default in node.args.defaults]
            pairs = list(zip(names[len(names) - len(defaults) :], defaults, strict=True))
            if "learning_rate" in names:
                yield [(name, default) for name, default in pairs if name not in _NO_SETTING]


def _literal(node: ast.expr) -> Any:
    """A default that is written out; None for one that is computed."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _read(value: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return parsed(value)
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return value["name"], {str(key): given for key, given in value.items() if key != "name"}
    raise ValueError("give a name, such as adam, or a mapping with one: {name: sgd, momentum: 0.9}")


def _fits(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of a default; one of None says little."""
    if default is None or value is None:
        return value is None or isinstance(value, bool | int | float | str)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def _as(value: Any, default: Any) -> Any:
    return float(value) if isinstance(default, float) and type(value) is int else value

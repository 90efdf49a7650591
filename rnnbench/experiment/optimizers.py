"""Optimisers: Keras' by their names and arguments there, and those of plug-ins, which `register_optimizer` names.

Keras' are looked up in its sources, because importing it takes seconds; a plug-in that defines one has done so itself.

A setting is kept as one line of text, `adam` or `sgd(momentum=0.9)`, so that it can name a series and stand in a table.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench.errors import UserError
from rnnbench.identity.class_code import describe
from rnnbench.registry import Registry, unknown

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


_NO_DEFAULT = inspect.Parameter.empty


class _Optimizers(Registry[type[Any]]):
    """The optimisers of plug-ins: subclasses of `keras.optimizers.Optimizer` that take a `learning_rate`."""

    def _refuse_stranger(self, name: str, thing: Any) -> None:
        from keras.optimizers import Optimizer

        said = f"optimizer '{name}': {describe(thing)}"
        is_class = isinstance(thing, type)
        if not (is_class and issubclass(thing, Optimizer)):
            raise UserError(f"{said} is not a subclass of keras.optimizers.Optimizer")
        if name in known():
            raise UserError(f"{said} takes a name of Keras' own: register it under another")
        if not name.isidentifier():
            raise UserError(f"{said} needs a name of letters, digits and underscores")
        parameters = _parameters(thing)
        passed_on = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
        if not passed_on and all(one.name != "learning_rate" for one in parameters):
            raise UserError(f"{said} does not take learning_rate")
        if thing.update_step is Optimizer.update_step:
            raise UserError(f"{said} does not define update_step")


optimizers = _Optimizers("optimizer")
register_optimizer = optimizers.register


def plugin_class(text: str) -> type[Any] | None:
    """The class of a plug-in's optimiser, given what `canonical` returned; None for one of Keras'."""
    name, _ = parsed(text)
    return None if name in known() else optimizers[name]


def canonical(value: Any) -> str:
    """The text of an optimiser that is given by its name, or by a mapping of `name` and arguments.

    Arguments at their default are left out. Raises `ValueError`, one line, for what its class does not know.

    >>> canonical({"name": "sgd", "nesterov": False, "momentum": 0.9})
    'sgd(momentum=0.9)'
    """
    name, arguments = _read(value)
    if name not in known() and name not in optimizers:
        raise ValueError(unknown("optimizer", name, [*known(), *optimizers]))
    defaults = known()[name] if name in known() else _arguments_of(optimizers[name])
    for key, given in arguments.items():
        if key in _SET_ELSEWHERE:
            raise ValueError(f"{key} {_SET_ELSEWHERE[key]}")
        if key not in defaults:
            raise ValueError(f"{name}: {unknown('argument', key, sorted(defaults.keys() - _SET_ELSEWHERE.keys()))}")
        if not _fits(given, defaults[key]):
            raise ValueError(f"{name}: {key} is {given!r}{_wanted(defaults[key])}")
    missing = [key for key, default in defaults.items() if default is _NO_DEFAULT and key not in arguments]
    if missing:
        raise ValueError(f"{name}: {missing[0]} has no default: {{name: {name}, {missing[0]}: ...}}")
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


def _arguments_of(optimizer: type[Any]) -> dict[str, Any]:
    """The arguments of a plug-in's optimiser with their defaults, `_NO_DEFAULT` where there is none."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    own = [one for one in _parameters(optimizer) if one.kind in named]
    return {one.name: one.default for one in own if one.name not in _NO_SETTING | {"learning_rate"}}


def _parameters(optimizer: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(optimizer.__init__).parameters.values())


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
    """Whether a value is of the kind of a default; one of None, or none at all, says little."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if default is None or default is _NO_DEFAULT or value is None:
        return value is None or isinstance(value, bool | int | float | str)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def _wanted(default: Any) -> str:
    return (
        " but must be a number, true, false or text"
        if default is _NO_DEFAULT
        else (f", and by default {default!r}: give a value of that kind")
    )


def _as(value: Any, default: Any) -> Any:
    return float(value) if isinstance(default, float) and type(value) is int else value

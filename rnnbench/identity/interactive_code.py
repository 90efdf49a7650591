"""A digest of a class that has no file, because it was defined in a notebook or on standard input.

A function counts with its source if Python still has it (IPython keeps its cells), else with its byte code, and with
the values, functions and classes of its own module that it refers to.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def digest(thing: type) -> str:
    """16 hexadecimal digits, equal in all processes that define the same class."""
    return hashlib.sha256("\n".join(_of_value(thing, set())).encode()).hexdigest()[:16]


def _of_value(value: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(value, _PLAIN):
        yield repr(value)
    elif id(value) in seen:
        yield "again"
    elif isinstance(value, FunctionType):
        seen.add(id(value))
        yield from _of_function(value, seen)
    elif isinstance(value, type):
        seen.add(id(value))
        yield from _of_class(value, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif isinstance(value, tuple | list | set | frozenset | dict):
        seen.add(id(value))
        yield from _of_container(value, seen)
    else:
        yield from _of_wrapped(value, seen)


def _of_container(value: Any, seen: set[int]) -> Iterator[str]:
    items = list(value.items()) if isinstance(value, dict) else list(value)
    parts = ["\n".join(_of_value(item, seen)) for item in items]
    yield f"{type(value).__name__} of {len(parts)}"
    yield from parts if isinstance(value, tuple | list) else sorted(parts)


def _of_wrapped(value: Any, seen: set[int]) -> Iterator[str]:
    """The type of a value, and the function wrapped by a property, class method, cached function and the like."""
    yield type(value).__qualname__
    for name in ("__func__", "__wrapped__", "fget", "func"):
        inner = getattr(value, name, None)
        if isinstance(inner, FunctionType):
            yield from _of_value(inner, seen)


def _of_class(thing: type, seen: set[int]) -> Iterator[str]:
    if not _is_local(thing.__module__):
        yield f"{thing.__module__}.{thing.__qualname__}"
        return
    yield thing.__qualname__
    for parent in thing.__bases__:
        yield from _of_value(parent, seen)
    for name, field in getattr(thing, "model_fields", {}).items():
        yield re.sub(r" at 0x[0-9a-f]+", "", f"{name}: {field!r}")
    for name, value in sorted(vars(thing).items()):
        if not (name.startswith(("_abc_", "__")) and name not in ("__init__", "__call__")) and name != "model_config":
            yield name
            yield from _of_value(value, seen)


def _of_function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    try:
        yield inspect.getsource(function)
    except (OSError, TypeError):
        yield from _of_code(function.__code__)
    yield from _of_container(function.__defaults__ or (), seen)
    yield from _of_container(function.__kwdefaults__ or {}, seen)
    for cell in function.__closure__ or ():
        yield from _of_value(cell.cell_contents, seen)
    if _is_local(function.__module__):
        for name in sorted(_names(function.__code__) & function.__globals__.keys()):
            yield name
            yield from _of_value(function.__globals__[name], seen)


def _of_code(code: CodeType) -> Iterator[str]:
    # Without file name and line numbers, which only say where it was written.
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars} {code.co_flags}"
    for constant in code.co_consts:
        yield from _of_code(constant) if isinstance(constant, CodeType) else _of_value(constant, set())


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


def _is_local(name: str) -> bool:
    """Whether a module is interactive: it has no file and was not loaded by an import."""
    module = sys.modules.get(name)
    # On standard input, Python names the file `<stdin>`.
    file = getattr(module, "__file__", None)
    return module is not None and not (file and os.path.isfile(file)) and getattr(module, "__spec__", None) is None

"""How a signature identifies the code of a task, a model, or an optimiser of a plug-in.

A built-in class is identified by its own `version`, raised when a change alters results, and by those of its parents.
A plug-in class is identified by the digest of its sources, since its author may forget to raise a version, and by the
versions of the built-in code it uses: parents, and the tasks, models and layers that its sources import. A class
without a file (notebook, standard input) is identified by its own code and all that refers to: see `interactive_code`.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

from rnnbench.errors import UserError
from rnnbench.identity import interactive_code, plugins, sources
from rnnbench.identity.signature import PART_VERSIONS
from rnnbench.identity.sources import Sources

_PREFIX = f"{sources.PACKAGE}."
_FOUNDATIONS = {"pydantic", "keras", "tensorflow"} | sys.stdlib_module_names - {"__main__"}
"""Packages whose classes, as parents, are not part of what is signed."""
_SIGNED_AS = {
    "tasks.supervised.ClassificationTask": "tasks.base.ClassificationTask",
    "tasks.supervised.RegressionTask": "tasks.base.RegressionTask",
}
"""Built-in classes that have moved, under the names by which stored results know them."""
_JOINED = {
    "models.base.RNNModel": 1,
    "models.stock.StockRNN": 1,
    "tasks.generated.GeneratedTask": 1,
    "tasks.series.SeriesTask": 1,
}
"""Parents that joined later, at the version that computes what was computed without them: not signed there."""
_INTERACTIVE = ("__main__", "__mp_main__")
_sources_of: dict[type, Sources] = {}
"""The sources of each plug-in class, as they were when it was defined."""


def describe(thing: Any) -> str:
    """`class Mine (/path/mine.py:12)`."""
    kind = "class " if isinstance(thing, type) else ""
    name = getattr(thing, "__qualname__", repr(thing))
    try:
        return f"{kind}{name} ({inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]})"
    except (TypeError, OSError):
        return f"{kind}{name} of {getattr(thing, '__module__', 'an unknown module')}"


def remember_sources(thing: type) -> None:
    """Record the sources of a plug-in class while it is being defined, when they still match the running code."""
    if thing not in _sources_of and not is_built_in(thing) and (found := _read_sources(thing)) is not None:
        _sources_of[thing] = found


def identity(thing: type) -> dict[str, Any]:
    """JSON values that identify the code of a class, for a signature."""
    versions: dict[str, int] = {}
    digests: list[str] = []
    for parent in thing.__mro__:
        if is_built_in(parent):
            versions |= _version(parent)
        elif parent.__module__.partition(".")[0] not in _FOUNDATIONS:
            remember_sources(parent)
            source = _sources_of.get(parent)
            # Not by its module, whose name depends on where the plug-in's file is.
            digests.append(f"{parent.__qualname__} {source.digest if source else interactive_code.digest(parent)}")
            versions |= _versions_imported(source) if source else {}
    return {"versions": versions, "sources": digests}


def is_built_in(thing: type) -> bool:
    """Whether a class is built in."""
    return thing.__module__.startswith(_PREFIX)


def module_to_import(thing: type) -> str | None:
    """The module that a worker must import for this class; None if built in, of a plug-in, or interactive."""
    name = thing.__module__
    known = is_built_in(thing) or name in _INTERACTIVE or plugins.is_plugin_code(name)
    return None if known else name


def check_reachable(thing: type) -> None:
    """Raise `UserError` if other machines cannot import this class, because it was defined interactively."""
    if thing.__module__ in _INTERACTIVE:
        raise UserError(
            f"class {thing.__qualname__} is defined in {thing.__module__}, which other machines cannot import: "
            "put it into a file listed under 'plugins:', or run it on this machine"
        )


def check_current(thing: type, on_disk: bool = False) -> None:
    """Raise `UserError` if the code that would run is no longer the code that was signed.

    A module that the class imports only at run time may have been edited, or replaced by another plug-in's of that
    name. `on_disk`: the class will run elsewhere, from its files, so none of them may have been edited.
    """
    found = _sources_of.get(thing)
    if found is None:
        return
    not_imported = (
        one for name, one in found.imported.items() if name not in sys.modules and not plugins.is_pinned(name)
    )
    changed = found.edited_file if on_disk else next((one.file for one in not_imported if not one.is_current), None)
    if changed:
        raise UserError(f"{changed} was edited after the experiment was loaded: load the experiment again")
    if plugins.is_shadowed(found):
        raise UserError(
            f"another plug-in has been loaded whose modules have the same names as those of {found.root.file}: "
            "load the experiment again"
        )


def clear_caches(thing: type) -> None:
    """Clear the caches (`functools.lru_cache`) of a class and its modules, since files they read may have changed."""
    names = {parent.__module__ for parent in thing.__mro__ if not is_built_in(parent)} - _FOUNDATIONS
    names |= set(_sources_of[thing].imported) if thing in _sources_of else set()
    for name in names:
        module = sys.modules.get(name)
        inside = [one for parent in thing.__mro__ if parent.__module__ == name for one in vars(parent).values()]
        for value in [*vars(module).values(), *inside] if module else inside:
            clear = getattr(value, "cache_clear", None)
            if callable(clear) and getattr(value, "__module__", None) == name and not isinstance(value, type):
                clear()


def _version(thing: type) -> dict[str, int]:
    name = f"{thing.__module__.removeprefix(_PREFIX)}.{thing.__qualname__}"
    # Not an inherited version, which already counts for the parent.
    version = vars(thing).get("version", 1)
    if not hasattr(thing, "version") or _JOINED.get(name) == version:
        return {}
    return {_SIGNED_AS.get(name, name): version}


def _read_sources(thing: type) -> Sources | None:
    """The sources of a class; None if it does not come from a file."""
    module = sys.modules.get(thing.__module__)
    known = plugins.sources_of(thing.__module__)
    file = getattr(module, "__file__", None)
    if known is not None or not file:
        return known
    # Under `python -m`, relative imports resolve against the name in the spec, not against `__main__`.
    spec = getattr(module, "__spec__", None)
    try:
        return sources.read(spec.name if spec else thing.__module__, file)
    except OSError:
        return None


def _versions_imported(found: Sources) -> dict[str, int]:
    """The versions of the built-in tasks, models and layers that some sources import."""
    versions: dict[str, int] = {}
    for name in found.built_in:
        if f"{name}.".startswith(f"{_PREFIX}layers."):
            versions["layers"] = PART_VERSIONS["layers"]
        module = sys.modules.get(name)
        if module is not None and name.startswith((f"{_PREFIX}tasks.", f"{_PREFIX}models.")):
            for thing in vars(module).values():
                if isinstance(thing, type) and thing.__module__ == name:
                    versions |= _version(thing)
    return versions

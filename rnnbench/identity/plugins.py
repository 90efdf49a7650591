"""Loading plug-ins so that the code that is signed is the code that runs.

A plug-in and the local modules that it imports are executed from the very bytes that were read for the signature, past
Python's cache of bytecode, which takes an edit within the same second for none. Modules beside it are found first, as
Python has it for scripts.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from rnnbench.errors import UserError
from rnnbench.identity import sources
from rnnbench.identity.sources import Source, Sources

_loaded: dict[str, Sources] = {}
"""Of each module that was loaded as a plug-in, by the name of the module, what it was made from."""


_requested: set[str] = set()
"""Modules of the plug-ins that were asked for last."""
_superseded: set[str] = set()
"""Modules some of whose names others have taken."""


def load(plugins: Sequence[str], fresh: bool, replaced: Callable[[set[str]], AbstractContextManager[None]]) -> None:
    """Import modules and `.py` files.

    `fresh`: all anew, for what they have read and keep in memory may have changed; else those that are not there yet,
    or not as their files are now. `replaced` is entered with the names of the modules that are about to be executed,
    again or for the first time. Raises `UserError` with the plug-in's name.
    """
    wanted = {plugin: _read(plugin) for plugin in plugins}
    _refuse_two_of_a_name([found for _, found in wanted.values() if found])
    stale = {
        plugin: (name, found)
        for plugin, (name, found) in wanted.items()
        if name not in sys.modules or (found is not None and (fresh or not _is_as_loaded(name, found)))
    }
    modules = {name for name, _ in stale.values()}
    modules.update(*(found.imported for _, found in stale.values() if found))
    _requested.clear()
    _requested.update(
        modules, *(({name} | set(found.imported) if found else {name}) for name, found in wanted.values())
    )
    with replaced(modules):
        _superseded.difference_update(modules)
        for _, found in stale.values():
            if found:
                _forget(found)
        for plugin, (name, found) in stale.items():
            _execute(plugin, name, found)


def supersede(module: str) -> bool:
    """Whether what a module has registered may be replaced: it is a plug-in's, which the last call did not ask for."""
    superseded = is_plugin_code(module) and module not in _requested
    if superseded:
        _superseded.add(module)
    return superseded


def sources_of(module: str) -> Sources | None:
    """What a module of a plug-in, or one that a plug-in imports, was made from; None for any other."""
    if module in _loaded:
        return _loaded[module]
    source = _finder.pinned.get(module)
    if source is None:
        return None
    return sources.read(module, source.file, _finder.folders)


def is_plugin_code(module: str) -> bool:
    """Whether a module is a plug-in, or one that a plug-in imports."""
    return module in _loaded or module in _finder.pinned


def is_pinned(module: str) -> bool:
    """Whether an import of this module gets what was read for a signature, whatever its file says by now."""
    return module in _finder.pinned


def is_shadowed(found: Sources) -> bool:
    """Whether an import in this code would now get another file than the one it was signed with."""
    return any(_finder.pinned.get(name, one) != one for name, one in found.imported.items())


def _read(plugin: str) -> tuple[str, Sources | None]:
    """The name of a plug-in's module, and its sources; None for what is no Python file of one's own."""
    if plugin.endswith(".py"):
        path = Path(plugin)
        if not path.is_file():
            raise UserError(f"plugin '{plugin}' is not a Python file that exists")
        # Named by its place, so that two files of one name in two folders stay apart and a worker finds the same.
        name = f"rnnbench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
        return name, sources.read(name, plugin, [str(path.parent)])
    try:
        spec = sources.find(plugin)
    except Exception:  # whatever is wrong shows, with a better message, when it is imported
        spec = None
    if spec is None or not spec.has_location or not isinstance(spec.loader, SourceFileLoader):
        return plugin, None
    file = str(spec.origin)
    return plugin, sources.read(plugin, file) if sources.is_local(file) else None


def _refuse_two_of_a_name(found: Iterable[Sources]) -> None:
    files: dict[str, str] = {}
    for one in found:
        for name, source in one.imported.items():
            other = files.setdefault(name, source.file)
            if other != source.file:
                raise UserError(
                    f"two plug-ins import two different modules by the name '{name}': {other} and {source.file}; "
                    "rename one of them"
                )


def _is_as_loaded(name: str, found: Sources) -> bool:
    taken = _superseded & {name, *found.imported}
    return _loaded.get(name) == found and not taken and not is_shadowed(found)


def _forget(found: Sources) -> None:
    for name in found.imported:
        if name != "__main__":
            sys.modules.pop(name, None)
    _finder.pinned.update({name: one for name, one in found.imported.items() if one.is_python})


def _execute(plugin: str, name: str, found: Sources | None) -> None:
    before = _loaded.get(name)
    try:
        if found is None:
            importlib.import_module(name)
            return
        _loaded[name] = found  # before it runs: its classes are signed as they are defined
        _finder.install(str(Path(found.root.file).parent) if plugin.endswith(".py") else None)
        if plugin.endswith(".py"):
            _execute_file(name, found)
        else:
            _finder.pinned[name] = found.root
            sys.modules.pop(name, None)
            importlib.import_module(name)
    except BaseException as error:
        _loaded.pop(name, None)
        if before is not None:
            _loaded[name] = before
        if isinstance(error, UserError) or not isinstance(error, Exception):
            raise
        raise UserError(f"plugin '{plugin}' cannot be loaded: {type(error).__name__}: {error}") from error


def _execute_file(name: str, found: Sources) -> None:
    loader = _PinnedLoader(name, found.root)
    spec = importlib.util.spec_from_file_location(name, found.root.file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        _put_back(name, before)
        raise


def _put_back(name: str, before: ModuleType | None) -> None:
    if before is None:
        del sys.modules[name]
    else:
        sys.modules[name] = before


class _PinnedLoader(SourceFileLoader):
    """Makes a module from what was read, and from nothing that was compiled before."""

    def __init__(self, name: str, source: Source) -> None:
        super().__init__(name, source.file)
        self._content = source.content

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self._content, self.path)
        return code


class _PinnedFinder:
    """Finds the local modules of plug-ins, and no others; first in `sys.meta_path` once there is a plug-in."""

    pins_sources = True

    def __init__(self) -> None:
        self.pinned: dict[str, Source] = {}
        self.folders: list[str] = []

    def install(self, folder: str | None) -> None:
        if folder and folder not in self.folders:
            self.folders.append(folder)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        source = self.pinned.get(name)
        if source is None:
            # A folder without `__init__.py`, which is a package too.
            holds_some = any(one.startswith(f"{name}.") for one in self.pinned)
            return PathFinder.find_spec(name, path or [*self.folders[::-1], *sys.path]) if holds_some else None
        places = [str(Path(source.file).parent)] if source.is_package else None
        return importlib.util.spec_from_file_location(
            name, source.file, loader=_PinnedLoader(name, source), submodule_search_locations=places
        )


_finder = _PinnedFinder()

"""Loads plug-ins such that the code that runs is the code that was signed.

A plug-in and the local modules it imports are executed from the very bytes read for the signature, bypassing Python's
bytecode cache, which misses edits within the same second. As for scripts, modules in a plug-in's folder come first.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from rnnbench import environment
from rnnbench.console import silent_stderr
from rnnbench.errors import UserError
from rnnbench.identity import sources
from rnnbench.identity.sources import Source, Sources

_loaded: dict[str, Sources] = {}
"""The sources of each loaded plug-in, by module name."""
_requested: set[str] = set()
"""Modules of the plug-ins in the latest call of `load`."""
_superseded: set[str] = set()
"""Modules of which another plug-in has taken over a registered name."""


def load(plugins: Sequence[str], fresh: bool, forgetting: Callable[[set[str]], AbstractContextManager[None]]) -> None:
    """Import modules and `.py` files.

    `fresh`: execute all again, since data they keep in memory may have changed; otherwise only those that are new or
    whose files were edited. They are executed inside `forgetting(names of these modules)`. Raises `UserError` with the
    name of the plug-in.
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
    with forgetting(modules), _as_in_a_worker():
        _superseded.difference_update(modules)
        for _, found in stale.values():
            if found:
                _forget(found)
        for plugin, (name, found) in stale.items():
            _execute(plugin, name, found)


@contextmanager
def _as_in_a_worker() -> Iterator[None]:
    """Inside, a plug-in that imports Keras gets it as workers do: TensorFlow reads its variables but once."""
    before = dict(os.environ)
    environment.prepare_tensorflow()
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def supersede(module: str) -> bool:
    """Whether others may take over the names that a module registered: a plug-in's, absent from the latest `load`."""
    superseded = is_plugin_code(module) and module not in _requested
    if superseded:
        _superseded.add(module)
    return superseded


def sources_of(module: str) -> Sources | None:
    """The sources of a plug-in or of a local module that it imports; None for any other module."""
    if module in _loaded:
        return _loaded[module]
    source = _finder.pinned.get(module)
    if source is None:
        return None
    return sources.read(module, source.file, _finder.folders)


def is_plugin_code(module: str) -> bool:
    """Whether a module is a plug-in, or a local module that one imports."""
    return module in _loaded or module in _finder.pinned


def is_pinned(module: str) -> bool:
    """Whether importing this module executes what was read for a signature, whatever its file contains by now."""
    return module in _finder.pinned


def is_shadowed(found: Sources) -> bool:
    """Whether an import in this code would now find a different file than when it was signed."""
    return any(_finder.pinned.get(name, one) != one for name, one in found.imported.items())


def _read(plugin: str) -> tuple[str, Sources | None]:
    """The name of a plug-in's module, and its sources; None if it is not a local Python file."""
    if plugin.endswith(".py"):
        path = Path(plugin)
        if not path.is_file():
            raise UserError(f"plugin '{plugin}' is not a Python file that exists")
        # The path in the name distinguishes files of the same name, and gives the same name in every worker.
        name = f"rnnbench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
        return name, sources.read(name, plugin, [str(path.parent)])
    try:
        spec = sources.find(plugin)
    except Exception:  # importing it will fail with a better message
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
                    f"two plug-ins import different modules named '{name}': {other} and {source.file}; "
                    "rename one of them"
                )


def _is_as_loaded(name: str, found: Sources) -> bool:
    superseded = _superseded & {name, *found.imported}
    return _loaded.get(name) == found and not superseded and not is_shadowed(found)


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
        _loaded[name] = found  # before execution, as classes record their sources when defined
        if "keras" not in sys.modules and _imports_keras(found):
            # TensorFlow's libraries print while loading, whatever the log level.
            with silent_stderr(), suppress(ImportError):
                importlib.import_module("keras")
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


def _imports_keras(found: Sources) -> bool:
    """Whether any of the modules imports Keras at its top."""
    for source in (found.root, *found.imported.values()):
        with suppress(SyntaxError, ValueError):
            for node in ast.parse(source.content).body if source.is_python else ():
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                if any(name.partition(".")[0] == "keras" for name in names):
                    return True
    return False


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
    """Executes a module from the bytes that were read, never from cached bytecode."""

    def __init__(self, name: str, source: Source) -> None:
        super().__init__(name, source.file)
        self._content = source.content

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self._content, self.path)
        return code


class _PinnedFinder:
    """Finds the local modules of plug-ins, and no others; the first of `sys.meta_path` once a plug-in is loaded."""

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
            # Perhaps a namespace package: a folder without `__init__.py`.
            holds_some = any(one.startswith(f"{name}.") for one in self.pinned)
            return PathFinder.find_spec(name, path or [*self.folders[::-1], *sys.path]) if holds_some else None
        places = [str(Path(source.file).parent)] if source.is_package else None
        return importlib.util.spec_from_file_location(
            name, source.file, loader=_PinnedLoader(name, source), submodule_search_locations=places
        )


_finder = _PinnedFinder()

"""The sources of a module and of all local modules that it imports, which identify the code of a plug-in.

Local modules are those outside this package, the standard library and the installed packages; for an installed
plug-in, also the modules of its own package. Imports are found by parsing, without executing anything: also relative
ones and those inside functions. Not found are names computed at run time (`importlib.import_module(name)`) and files
that are read instead of imported.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path

PACKAGE = "rnnbench"


@dataclass(frozen=True)
class Source:
    """The contents of one file when it was read."""

    file: str
    content: bytes
    is_package: bool = False
    is_python: bool = True

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:16]

    @property
    def is_current(self) -> bool:
        """Whether the file still has these contents."""
        try:
            return Path(self.file).read_bytes() == self.content
        except OSError:
            return False


@dataclass(frozen=True)
class Sources:
    """The source of a module and those of the local modules that it imports, read at one time."""

    root: Source
    imported: dict[str, Source] = field(default_factory=dict)
    """By module name."""
    built_in: frozenset[str] = frozenset()
    """Modules of rnnbench that any of them imports."""

    @cached_property
    def digest(self) -> str:
        """Digest of all contents and of the imported names, but not of paths, nor of the name of the root."""
        parts = [self.root.digest, *(f"{name} {self.imported[name].digest}" for name in sorted(self.imported))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def edited_file(self) -> str | None:
        """A file whose contents have changed since it was read, or None."""
        return next((one.file for one in (self.root, *self.imported.values()) if not one.is_current), None)


def read(name: str, file: str, beside: Sequence[str] = ()) -> Sources:
    """The sources of a module, given its name and file; `beside`: more folders to search for its imports.

    A file that cannot be parsed counts as importing nothing. Raises `OSError` if `file` cannot be read.
    """
    importlib.invalidate_caches()  # files may have been added since Python last looked
    spec = importlib.util.spec_from_file_location(name, file)
    is_package = spec is not None and spec.submodule_search_locations is not None
    root = Source(file, Path(file).read_bytes(), is_package, file.endswith(".py"))
    own = name.partition(".")[0]
    found: dict[str, Source] = {}
    built_in: set[str] = set()
    waiting = [(name, root)]
    # Importing a module executes its parent packages first.
    parts = name.split(".")
    above = [".".join(parts[:end]) for end in range(1, len(parts))]
    for package in above:
        if (one := _source(package, own, beside)) is not None:
            found[package] = one
            waiting.append((package, one))
    while waiting:
        importer, source = waiting.pop()
        for wanted in _imports(importer, source):
            if wanted == name or wanted in found:
                continue
            if wanted.partition(".")[0] == PACKAGE:
                built_in.add(wanted)
                continue
            one = _source(wanted, own, beside)
            if one is not None:
                found[wanted] = one
                waiting.append((wanted, one))
    return Sources(root, found, frozenset(built_in))


def is_local(file: str) -> bool:
    """Whether a file is outside the standard library, the installed packages and this package."""
    path = os.path.realpath(file)
    return not (
        {"site-packages", "dist-packages"} & set(Path(path).parts)
        or any(path.startswith(f"{place}{os.sep}") for place in _installed())
    )


@cache
def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    places = [paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple({os.path.realpath(place) for place in places} | {os.path.realpath(Path(__file__).parent.parent)})


def _imports(importer: str, source: Source) -> Iterator[str]:
    """Names of all modules that a source may import; for `from a import b`, both `a` and `a.b`."""
    try:
        tree = ast.parse(source.content) if source.is_python else ast.Module([], [])
    except (SyntaxError, ValueError):
        return
    package = importer if source.is_package else importer.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            names = [f"{base}.{alias.name}" for alias in node.names] if base else []
        else:
            continue
        for name in names:
            parts = name.removesuffix(".*").split(".")
            yield from (".".join(parts[: end + 1]) for end in range(len(parts)))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    try:
        return importlib.util.resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:
        return ""


def _source(name: str, own: str, beside: Sequence[str]) -> Source | None:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return None
    spec = find(name, beside)
    file = spec.origin if spec is not None and spec.has_location else _file_of_loaded(name)
    if not file or not (is_local(file) or top == own):
        return None
    try:
        content = Path(file).read_bytes()
    except OSError:
        return None
    is_package = spec is not None and spec.submodule_search_locations is not None
    return Source(file, content, is_package, spec is None or isinstance(spec.loader, SourceFileLoader))


def find(name: str, beside: Sequence[str] = ()) -> ModuleSpec | None:
    """Where a module would be imported from; unlike `importlib.util.find_spec`, without importing its parents.

    As for scripts, the folders `beside` take precedence over other local modules, but not over installed ones.
    """
    parent = name.rpartition(".")[0]
    path: Sequence[str] | None = None
    if parent:
        above = find(parent, beside)
        if above is None or above.submodule_search_locations is None:
            return None
        path = list(above.submodule_search_locations)
    for finder in sys.meta_path:
        look = getattr(finder, "find_spec", None)
        spec = look(name, path) if look and not getattr(finder, "pins_sources", False) else None
        if spec is not None:
            break
    else:
        spec = None
    if parent or (spec is not None and not (spec.origin and is_local(spec.origin)) and spec.loader is not None):
        return spec
    return PathFinder.find_spec(name, list(beside)) or spec


def _file_of_loaded(name: str) -> str | None:
    return getattr(sys.modules.get(name), "__file__", None)

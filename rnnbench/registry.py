"""Names to things: tasks and models, built in or brought by a plug-in."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rnnbench.errors import UserError, note

if TYPE_CHECKING:
    from rnnbench.models.base import Model
    from rnnbench.tasks.base import Task

T = TypeVar("T", bound=type)

ENTRY_POINT_GROUP = "rnnbench.plugins"


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """`" (did you mean 'lstm'?)"`, or nothing where no allowed name is near."""
    near = difflib.get_close_matches(name, list(allowed), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """What to say of a name that is none of `known`, such as a model of an experiment file."""
    return f"unknown {kind} '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}"


class Registry(Generic[T]):
    """A mapping from names to classes that fills itself on first use.

    Built-in things are found by importing every module of `package`, other people's by the entry points of the
    group `rnnbench.plugins` (each names a module that registers on import).
    """

    def __init__(self, kind: str, package: str, base: str | None = None) -> None:
        """`base`: the class in `package.base` that all of them come from; None: any."""
        self.kind = kind
        self._package = package
        self._base = base
        self._things: dict[str, T] = {}
        self._names: dict[T, str] = {}
        self._filled = False

    def register(self, name: str) -> Callable[[T], T]:
        """Class decorator: make the class known by `name`.

        Raises `UserError` if another class holds the name already.
        """

        def add(thing: T) -> T:
            self._refuse_stranger(name, thing)
            if not thing.__module__.startswith("rnnbench."):
                self._import_own()  # so that what comes later is what is told
            held = self._things.get(name)
            if held is not None and (held.__module__, held.__qualname__) != (thing.__module__, thing.__qualname__):
                raise UserError(
                    f"{self.kind} '{name}' is registered twice: by {held.__module__} and {thing.__module__}"
                )
            self._things[name] = thing
            self._names[thing] = name
            return thing

        return add

    def _refuse_stranger(self, name: str, thing: object) -> None:
        if self._base is None:
            return
        base = getattr(importlib.import_module(f"{self._package}.base"), self._base)
        if not (isinstance(thing, type) and issubclass(thing, base)):
            from rnnbench.feasibility import named

            raise UserError(f"{self.kind} '{name}': {named(thing)} is no subclass of rnnbench.{self._base}")

    def __getitem__(self, name: str) -> T:
        self._fill()
        if name not in self._things:
            raise UserError(unknown(self.kind, name, self))
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(sorted(self._things))

    def __contains__(self, name: object) -> bool:
        self._fill()
        return name in self._things

    def name_of(self, thing: T) -> str:
        """The registered name of a class."""
        return self._names[thing]

    def _fill(self) -> None:
        self._import_own()
        _load_entry_points()

    def _import_own(self) -> None:
        if self._filled:
            return
        self._filled = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")


tasks: Registry[type[Task]] = Registry("task", "rnnbench.tasks", "Task")
models: Registry[type[Model]] = Registry("model", "rnnbench.models", "Model")
register_task = tasks.register
register_model = models.register


@cache
def _load_entry_points() -> None:
    """Load other people's packages; one that fails is named and left out, with all that it had registered so far."""
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        every: tuple[Registry[Any], ...] = (tasks, models)
        before = [(known, dict(known._things), dict(known._names)) for known in every]
        try:
            entry.load()
        # Also what a script without a main guard does as it is imported.
        except (Exception, SystemExit) as error:
            for known, things, names in before:
                known._things, known._names = things, names
            package = f" of package '{entry.dist.name}'" if entry.dist else ""
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            note(f"the plug-in '{entry.name}' ({entry.value}){package} cannot be loaded and is left out: {reason}")


def load_plugins(plugins: Iterable[str]) -> None:
    """Import modules and `.py` files that register tasks and models; a second call is instant."""
    for plugin in plugins:
        try:
            _load_file(Path(plugin)) if plugin.endswith(".py") else importlib.import_module(plugin)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"plugin '{plugin}' cannot be loaded: {type(error).__name__}: {error}") from error


def _load_file(path: Path) -> None:
    # Named by its place, so that two files of one name in two folders stay apart and a worker finds the same module.
    name = f"rnnbench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"plugin '{path}' is not a Python file that exists")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def code_version(thing: type) -> str:
    """What stands in a signature for the code of a task or model.

    For ours its `version`, which we raise when a change alters results; for a plug-in the digest of its source file,
    since nobody can be asked to remember.
    """
    if thing.__module__.startswith("rnnbench."):
        return str(thing.version)  # type: ignore[attr-defined]
    source = Path(inspect.getfile(thing))
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16]

"""The registries of tasks, models and other classes, built in or from plug-ins."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar, Generic, TypeVar

from rnnbench.errors import UserError, note
from rnnbench.identity import class_code, plugins

T = TypeVar("T", bound=type)

ENTRY_POINT_GROUP = "rnnbench.plugins"


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """`" (did you mean 'lstm'?)"`, or "" if no allowed name is similar."""
    near = difflib.get_close_matches(name, list(allowed), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The error message for a name that is not among `known`, such as a model of an experiment file."""
    return f"unknown {kind} '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}"


def described(thing: Any) -> str:
    """The first line of a class' docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]


class Registry(Generic[T]):
    """A mapping from names to classes, filled on first use.

    Built-in classes are found by importing every module of `package`, those of installed plug-ins through the entry
    points of the group `rnnbench.plugins`, each naming a module that registers classes on import.
    """

    every: ClassVar[list[Registry[Any]]] = []
    """All registries of this process."""

    def __init__(self, kind: str, package: str = "", base: str | None = None) -> None:
        """`package`: empty if none is built in. `base`: the class in `package.base` from which all must inherit."""
        self.every.append(self)
        self.kind = kind
        self._package = package
        self._base = base
        self._things: dict[str, T] = {}
        self._names: dict[T, str] = {}
        self._filled = not package

    def register(self, name: str) -> Callable[[T], T]:
        """Class decorator: register the class as `name`.

        Raises `UserError` if another class has this name, unless that comes from a plug-in which the experiment loaded
        last no longer lists.
        """

        def add(thing: T) -> T:
            self._refuse_stranger(name, thing)
            if not thing.__module__.startswith("rnnbench."):
                self._import_built_in()  # so that the error names the plug-in last
            held = self._things.get(name)
            if held is not None and _place(held) != _place(thing) and not plugins.supersede(held.__module__):
                raise UserError(
                    f"{self.kind} '{name}' is registered twice: by {held.__module__} and {thing.__module__}"
                )
            self._things[name] = thing
            self._names[thing] = name
            class_code.remember_sources(thing)
            return thing

        return add

    def _refuse_stranger(self, name: str, thing: object) -> None:
        if self._base is None:
            return
        base = getattr(importlib.import_module(f"{self._package}.base"), self._base)
        if not (isinstance(thing, type) and issubclass(thing, base)):
            raise UserError(
                f"{self.kind} '{name}': {class_code.describe(thing)} is not a subclass of rnnbench.{self._base}"
            )

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
        """The registered name of a class, even if another class has replaced it since."""
        return self._names[thing]

    @contextmanager
    def forgetting(self, modules: set[str]) -> Iterator[None]:
        """Forget what these modules have registered; if the block raises, restore the previous state."""
        before = dict(self._things)
        self._things = {name: thing for name, thing in before.items() if thing.__module__ not in modules}
        try:
            yield
        except BaseException:
            self._things = before
            raise

    def _fill(self) -> None:
        self._import_built_in()
        _load_entry_points()

    def _import_built_in(self) -> None:
        if self._filled:
            return
        self._filled = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")


def _place(thing: type) -> tuple[str, str]:
    """Where a class is defined, as one file may be imported under two names."""
    file = getattr(sys.modules.get(thing.__module__), "__file__", None)
    return file or thing.__module__, thing.__qualname__


tasks: Registry[type[Any]] = Registry("task", "rnnbench.tasks", "Task")
models: Registry[type[Any]] = Registry("model", "rnnbench.models", "Model")
register_task = tasks.register
register_model = models.register


@cache
def _load_entry_points() -> None:
    """Load installed plug-ins; one that fails is reported and skipped, along with all that it had registered."""
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        before = [(known, dict(known._things), dict(known._names)) for known in Registry.every]
        try:
            entry.load()
        # `SystemExit`: importing a script without a main guard may exit.
        except (Exception, SystemExit) as error:
            for known, things, names in before:
                known._things, known._names = things, names
            package = f" of package '{entry.dist.name}'" if entry.dist else ""
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            note(f"the plug-in '{entry.name}' ({entry.value}){package} cannot be loaded and is skipped: {reason}")


def load_plugins(names: Iterable[str], fresh: bool = False) -> None:
    """Import modules and `.py` files that register tasks and models.

    A second call is instant, unless a file was edited: it is then loaded again, with the local modules that it imports,
    and replaces everything it registered before. `fresh`: reload all, which also drops data kept in memory. Raises
    `UserError` if a plug-in cannot be loaded; the registries are then unchanged.
    """
    plugins.load(list(names), fresh, _forgetting)


@contextmanager
def _forgetting(modules: set[str]) -> Iterator[None]:
    with ExitStack() as stack:
        for known in Registry.every:
            stack.enter_context(known.forgetting(modules))
        yield

"""The program that a person started, and what worker processes make of it.

`multiprocessing` has every process that it spawns import that program anew. It cannot where the program came from
standard input, and one without a main guard would start its work again there; so ours do it only where they must.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from rnnbench.errors import UserError
from rnnbench.experiment.run_spec import RunSpec

UNGUARDED = 97
"""Exit code of a worker in which the program came to run its experiment again."""
NO_GUARD = (
    "a task or a model is defined in a script that every worker imports, and which runs its experiment again there: "
    'put what it does under `if __name__ == "__main__":`, or take workers=0'
)


def needs_script(specs: Iterable[RunSpec]) -> bool:
    """Whether runs need a class that the program itself defines. Raises `UserError` where no worker could import it."""
    parts = {part for spec in specs for kind in (type(spec.task), type(spec.model)) for part in kind.__mro__}
    own = sorted(part.__qualname__ for part in parts if part.__module__ == "__main__")
    main = sys.modules["__main__"]
    if own and main.__spec__ is None and not os.path.isfile(getattr(main, "__file__", "")):
        raise UserError(
            f"{own[0]} is defined in a notebook or on standard input, where worker processes cannot find it: "
            "take workers=0, or define it in a file that the experiment names under `plugins`"
        )
    return bool(own)


@contextmanager
def script(imported: bool) -> Iterator[None]:
    """Whether the processes that are spawned inside import the program."""
    if imported:
        yield
        return
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def leave_if_unguarded() -> None:
    """End this process if it is a worker that only wanted to import the program, without a traceback."""
    # What `multiprocessing` itself goes by, when it refuses to spawn from there.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)

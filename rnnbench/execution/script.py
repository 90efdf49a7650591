"""Whether worker processes import the user's script.

`multiprocessing` imports it in every process that it spawns. That fails for a script read from standard input, and one
without a main guard would run its experiment again; so our workers import it only if it defines a class of the runs.
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
"""Exit code of a worker in which the script ran its experiment again."""
NO_GUARD = (
    "every worker imports the script, because it defines a task or a model, and so runs its experiment again: "
    'put the experiment under `if __name__ == "__main__":`, or use workers=0'
)


def needs_script(specs: Iterable[RunSpec]) -> bool:
    """Whether the script defines a class that these runs need. Raises `UserError` if workers could not import it."""
    parts = {part for spec in specs for kind in spec.classes for part in kind.__mro__}
    own = sorted(part.__qualname__ for part in parts if part.__module__ == "__main__")
    main = sys.modules["__main__"]
    if own and main.__spec__ is None and not os.path.isfile(getattr(main, "__file__", "")):
        raise UserError(
            f"{own[0]} is defined in a notebook or on standard input, where worker processes cannot import it: "
            "use workers=0, or define it in a file listed under `plugins` in the experiment"
        )
    return bool(own)


@contextmanager
def script(imported: bool) -> Iterator[None]:
    """Choose whether processes spawned inside the context import the script."""
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
    """Exit without a traceback if this process is a worker that is only importing the script."""
    # The mark by which `multiprocessing` itself refuses to spawn from such a process.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)

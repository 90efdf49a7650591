"""What is a message to a person: the mistake that ends a command, and the note that ends nothing."""

from __future__ import annotations

import errno
import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class UserError(Exception):
    """A mistake in the input, told in one line: what, where, and what would be right.

    The command line prints it without a traceback and exits with code 2.
    """


class UserNote(UserWarning):
    """What is left out, or is not as it was asked for, in one line; the work goes on."""


def note(message: str) -> None:
    """Tell a person something that ends nothing: a line on stderr, or a warning in a notebook."""
    warnings.warn(message, UserNote, stacklevel=3)


@contextmanager
def notes_told_by(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, what `note` says goes to `tell`, also where the user has switched warnings off or made errors of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserNote)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, UserNote):
                tell(str(message))
            else:
                others(message, category, *where, **more)

        warnings.showwarning = show
        yield


def posix_only(module: str, purpose: str) -> ModuleType:
    """A module that POSIX systems alone have. Raises `UserError` elsewhere, with the `purpose` for which it is needed.

    >>> posix_only("fcntl", "sharing a store").__name__
    'fcntl'
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            f"{purpose} needs a POSIX system, such as Linux, macOS or WSL: there is no {module} here"
        ) from None


def unwritable(error: OSError) -> str:
    """Why nothing could be written, and what would help, to follow the name of the place."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on its disk; make room, and go on with the same command"
    return f"cannot be written: {error.strerror or error}"

"""Messages to the user: errors that end a command, and notes that do not."""

from __future__ import annotations

import errno
import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class UserError(Exception):
    """A mistake in the input, in one line: what is wrong, where, and how to fix it.

    The command line prints it without a traceback and exits with code 2. Line breaks in quoted text become spaces.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class SettingError(UserError):
    """A mistake at a key of an experiment, raised where the file and line of the key are not known yet."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(path, message)
        self.path, self.message = path, message

    def __str__(self) -> str:
        key = ".".join(part for part in self.path if isinstance(part, str))
        return one_line(f"{key}: {self.message}" if key else self.message)


def one_line(text: str) -> str:
    """The text with line breaks as spaces, and other unprintable characters escaped as in Python."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in " ".join(text.split()))


class UserNote(UserWarning):
    """One line on something omitted or done differently than requested; the work goes on."""


def note(message: str) -> None:
    """Tell the user something without stopping: a line on stderr, or a warning in a notebook."""
    warnings.warn(message, UserNote, stacklevel=3)


def disarm_warnings() -> None:
    """Stop warnings from being errors in this process, or in the surrounding `warnings.catch_warnings`.

    Settings such as `-W error` and `PYTHONWARNINGS` are meant for the caller's own code, not for libraries that warn
    about each other.
    """
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.simplefilter("default")


@contextmanager
def notes_sent_to(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside the block, send notes to `tell`, even if the user ignores warnings or turns them into errors.

    Other warnings are not errors either.
    """
    with warnings.catch_warnings():
        disarm_warnings()
        warnings.simplefilter("always", UserNote)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, UserNote):
                tell(str(message))
            else:
                others(message, category, *where, **more)

        warnings.showwarning = show
        yield


def require_posix_module(module: str, purpose: str) -> ModuleType:
    """Import a module that only POSIX systems have. Elsewhere raises `UserError`, naming the `purpose` of the import.

    >>> require_posix_module("fcntl", "sharing a store").__name__
    'fcntl'
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            f"{purpose} needs a POSIX system, such as Linux, macOS or WSL: there is no module {module} here"
        ) from None


def unwritable(error: OSError) -> str:
    """Why a path could not be written, and a remedy; for use after the path and a colon."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on its disk; make room, and go on with the same command"
    return f"cannot be written: {error.strerror or error}"

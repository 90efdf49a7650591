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

    The command line prints it without a traceback and exits with code 2. What it quotes may hold anything, and is
    shown so that it stays one line.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class SettingError(UserError):
    """A mistake at one key of an experiment, before it is known in which file and line the key stands."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(path, message)
        self.path, self.message = path, message

    def __str__(self) -> str:
        key = ".".join(part for part in self.path if isinstance(part, str))
        return one_line(f"{key}: {self.message}" if key else self.message)


def one_line(text: str) -> str:
    """The text with line breaks as spaces, and every other character that cannot be shown as Python escapes it."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in " ".join(text.split()))


class UserNote(UserWarning):
    """What is left out, or is not as it was asked for, in one line; the work goes on."""


def note(message: str) -> None:
    """Tell a person something that ends nothing: a line on stderr, or a warning in a notebook."""
    warnings.warn(message, UserNote, stacklevel=3)


def disarm_warnings() -> None:
    """Let no warning be an error in this process, or in the surrounding `warnings.catch_warnings`.

    What makes errors of warnings (`-W error`, `PYTHONWARNINGS`) is meant for the caller's own code, not for what the
    libraries under us say of each other.
    """
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.simplefilter("default")


@contextmanager
def notes_sent_to(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, what `note` says goes to `tell`, also where the user has switched warnings off or made errors of them.

    No other warning is an error either.
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
    """A module that POSIX systems alone have. Raises `UserError` elsewhere, with the `purpose` for which it is needed.

    >>> require_posix_module("fcntl", "sharing a store").__name__
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

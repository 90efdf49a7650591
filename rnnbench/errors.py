"""The one exception that is a message to a person."""

from __future__ import annotations

import errno


class UserError(Exception):
    """A mistake in the input, told in one line: what, where, and what would be right.

    The command line prints it without a traceback and exits with code 2.
    """


def unwritable(error: OSError) -> str:
    """Why nothing could be written, and what would help, to follow the name of the place."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on its disk; make room, and go on with the same command"
    return f"cannot be written: {error.strerror or error}"

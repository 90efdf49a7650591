"""Files that others read: written aside and moved into place, so that they are whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_STEM = 40
"""Characters of its name that a file keeps while it is written: the longest name must have room for the rest."""


@contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[BinaryIO]:
    """A file to write what becomes `path` when the block ends; after an exception the old file stands as it was.

    It has the rights that the umask gives, and the name `STEM.*.new` while it is written. A link stays, and what it
    points to is replaced. `durable`: a power cut too leaves the old file or the new one. Raises `OSError` if it cannot
    be written; in a directory with the sticky bit also where the old file is another user's.
    """
    path = Path(os.path.realpath(path))
    # A name of its own: several processes may write the same file at once.
    aside = path.with_name(f"{path.stem[:_STEM]}.{secrets.token_hex(4)}.new")
    try:
        with aside.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise


def write(path: Path, text: str) -> None:
    """Make or replace a file of text, in UTF-8, line breaks as they are. Raises `OSError`; the old file stands."""
    with replacing(path) as file:
        # A path on the command line may hold bytes that are no text.
        file.write(text.encode(errors="backslashreplace"))

"""Atomic writing: a temporary file is moved into place once complete, so that readers never see a partial file."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_STEM = 40
"""Characters of the file name to keep in the temporary name, which must not exceed the length limit either."""


@contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[BinaryIO]:
    """A temporary file, `STEM.*.new`, that replaces `path` when the block ends; after an exception `path` is unchanged.

    Its rights follow the umask. If `path` is a link, its target is replaced. `durable`: even a power cut leaves either
    the old file or the new one. Raises `OSError` if it cannot be written, or if the directory is sticky and the old
    file belongs to another user.
    """
    path = Path(os.path.realpath(path))
    # A unique name: several processes may write the same file at once.
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
    """Create or replace a UTF-8 text file, line breaks unchanged. Raises `OSError`, leaving the old file unchanged."""
    with replacing(path) as file:
        # The text may quote a path from the command line that is not valid Unicode.
        file.write(text.encode(errors="backslashreplace"))

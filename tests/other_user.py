"""Another user beside the one who runs the tests, for what several share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")


def as_user(uid: int, action: Callable[[], object]) -> str:
    """Do something in a child without other rights: what it returns, or its error, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            said = str(action())
        except BaseException as error:
            said = str(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@contextmanager
def shared_folder(rights: int = 0o777) -> Iterator[Path]:
    """Not below pytest's own folder, which is its user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(rights)
        yield Path(folder)

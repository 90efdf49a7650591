"""Standard output and error that outlive a closed terminal, a full disk and a reader that went away."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass
class Output:
    """Whether standard output can still be written."""

    lost: str = ""
    """Why nothing more can be written; empty while it can."""
    reader_left: bool = False
    """Whether the reason is that the other end of a pipe was closed."""


@contextmanager
def surviving(tell: bool = True) -> Iterator[Output]:
    """Inside, writing to `sys.stdout` and `sys.stderr` never raises; afterwards they are restored.

    Characters that a stream's encoding lacks become `?`. After the first write that fails, output is dropped; with
    `tell`, the loss of standard output is one line on standard error. Streams of other kinds, such as a notebook's or a
    test's, are left alone.
    """
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    output = Output()
    stderr = _surviving(before[1], 2, lambda error: None)

    def lose(error: OSError) -> None:
        output.reader_left = error.errno == errno.EPIPE
        output.lost = "its reader went away" if output.reader_left else error.strerror or str(error)
        if tell:
            with suppress(Exception):
                stderr.write(f"note: standard output is lost: {output.lost}; nothing more is printed there\n")
                stderr.flush()

    sys.stdout, sys.stderr = _surviving(before[0], 1, lose), stderr
    try:
        if before[0] is None:
            lose(OSError(errno.EBADF, "it is closed"))
        yield output
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        sys.stdout, sys.stderr = before


def _fill_closed_descriptors() -> None:
    # Or the next file that is opened, perhaps a database, would be standard output in a process started with `>&-`.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _surviving(stream: TextIO | None, descriptor: int, lose: Callable[[OSError], None]) -> TextIO:
    """A replacement for one of the standard streams; `stream` is None if it was closed before Python began."""
    if stream is None:
        return io.TextIOWrapper(_buffered(_Surviving(descriptor, lose)), "utf-8", "replace")
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if type(stream) is not io.TextIOWrapper or type(raw) is not io.FileIO:
        return stream
    with suppress(OSError, ValueError):
        stream.flush()
    safe = _Surviving(stream.fileno(), lose)
    return io.TextIOWrapper(
        # `python -u` has no buffer.
        safe if raw is buffer else _buffered(safe),
        stream.encoding,
        stream.errors if stream.errors == "backslashreplace" else "replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _buffered(raw: Any) -> io.BufferedWriter:
    return io.BufferedWriter(raw)


class _Surviving(io.FileIO):
    """A file descriptor that reports its first error and drops everything after it."""

    def __init__(self, descriptor: int, lose: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._lose = lose
        self._lost = False

    def write(self, data: bytes) -> int:  # type: ignore[override]
        rest = memoryview(data).cast("B")
        while rest and not self._lost:
            try:
                written = super().write(rest)
            except OSError as error:
                self._lost = True
                self._lose(error)
                break
            if written is None:
                # The terminal was made non-blocking, and it is busy.
                select.select([], [self], [])
            rest = rest[written or 0 :]
        return memoryview(data).nbytes


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard stderr: TensorFlow's libraries print while loading, whatever the log level."""
    try:
        kept = os.dup(2)
    except OSError:
        yield  # stderr is closed
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

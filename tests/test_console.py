"""Whatever becomes of standard output, writing to it goes on."""

import errno
import io
import os
import sys
import threading
import time

import pytest

from rnnbench import console
from rnnbench.cli import app


def stream_on(descriptor, encoding="utf-8", errors="strict", buffered=True):
    """A text stream as Python makes them for the standard ones."""
    raw = io.FileIO(descriptor, "w")
    buffer = io.BufferedWriter(raw) if buffered else raw
    return io.TextIOWrapper(buffer, encoding, errors, write_through=not buffered)


@pytest.fixture
def streams_of(monkeypatch, tmp_path):
    """Puts a stream in place of standard output, and a file in place of standard error, which it returns."""

    def put(stdout):
        said = (tmp_path / "stderr").open("w+b", buffering=0)
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", stream_on(os.dup(said.fileno()), "ascii", "backslashreplace"))
        return tmp_path / "stderr"

    return put


FULL = "note: standard output is lost: No space left on device; nothing more is printed there\n"
LEFT = "note: standard output is lost: its reader went away; nothing more is printed there\n"


def full_disk():
    return os.open("/dev/full", os.O_WRONLY)


def left_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    ("encoding", "expected"), [("ascii", b"5?20 ?"), ("latin-1", b"5?20 ?"), ("cp1252", b"5\x9620 ?")]
)
def test_what_an_encoding_lacks_is_replaced(streams_of, tmp_path, encoding, expected, buffered):
    before = stream_on(os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT), encoding, buffered=buffered)
    said = streams_of(before)
    with console.surviving() as output:
        print("5–20 ≤", end="")
        print("≤", file=sys.stderr)
    assert sys.stdout is before
    assert not output.lost
    assert (tmp_path / "out").read_bytes() == expected
    assert said.read_bytes() == b"\\u2264\n"


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(("open_it", "line"), [(full_disk, FULL), (left_pipe, LEFT)], ids=["full", "left"])
def test_what_cannot_be_written_is_told_once_and_dropped(streams_of, open_it, line, buffered):
    said = streams_of(stream_on(open_it(), buffered=buffered))
    with console.surviving() as output:
        for _ in range(3):
            print("x" * 100_000, flush=True)
    assert output.lost
    assert output.reader_left == (line is LEFT)
    assert said.read_text() == line


def test_a_loss_that_shows_at_the_end_alone(streams_of):
    said = streams_of(stream_on(full_disk()))
    with console.surviving() as output:
        print("x")
    assert output.lost == os.strerror(errno.ENOSPC)
    assert said.read_text() == FULL


def test_both_may_be_lost(streams_of, monkeypatch):
    streams_of(stream_on(full_disk()))
    monkeypatch.setattr(sys, "stderr", stream_on(left_pipe()))
    with console.surviving() as output:
        print("x", flush=True)
        print("y", file=sys.stderr, flush=True)
    assert output.lost


def test_a_closed_output_is_told(streams_of, monkeypatch):
    said = streams_of(None)
    with console.surviving() as output:
        print("x", flush=True)
    assert output.lost
    assert "standard output is lost: it is closed;" in said.read_text()
    monkeypatch.setattr(sys, "stderr", None)
    with console.surviving():
        print("x", file=sys.stderr, flush=True)
    assert sys.stderr is None


def test_a_terminal_that_does_not_wait_is_waited_for(streams_of):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    streams_of(stream_on(writer))
    found = []

    def read():
        time.sleep(0.05)
        while sum(map(len, found)) < 1_000_001:
            found.append(os.read(reader, 65536))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    with console.surviving() as output:
        print("x" * 1_000_000)
    thread.join(60)
    assert not output.lost
    assert b"".join(found) == b"x" * 1_000_000 + b"\n"


def test_streams_of_another_kind_are_left_alone(monkeypatch):
    notebook = io.StringIO()
    monkeypatch.setattr(sys, "stdout", notebook)
    with console.surviving():
        assert sys.stdout is notebook


@pytest.mark.parametrize(
    ("arguments", "open_it", "code", "line"),
    [
        (["list"], full_disk, 1, FULL),
        (["list", "--json"], full_disk, 1, FULL),
        (["schema"], left_pipe, 141, LEFT),
        (["list", "nothing"], full_disk, 2, "error: unknown name 'nothing'"),
        (["--version"], full_disk, 1, FULL),
    ],
    ids=["list", "json", "schema", "mistake", "version"],
)
def test_the_exit_code_where_nothing_can_be_printed(streams_of, monkeypatch, arguments, open_it, code, line):
    said = streams_of(stream_on(open_it()))
    monkeypatch.setattr(sys, "argv", ["rnnbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == code
    assert said.read_text().startswith(line)
    assert said.read_text().count("\n") == 1

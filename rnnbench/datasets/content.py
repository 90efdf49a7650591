"""Digests of the contents of a prepared data set, equal on all machines with the same data.

The digest covers records, not files: their bytes differ between preparations, because a record is a protocol buffer
whose features have no fixed order. Digests are cached by the sizes, times and inode numbers of the files, so that
nothing is read twice; none of these enters a digest.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rnnbench.datasets import location
from rnnbench.errors import UserError
from rnnbench.files import write

_MEMORY = "content.json"
_FIRST_FIELD = 1 << 3 | 2
"""The tag byte of a message that is field number 1."""
_LENGTH, _CHECKSUM = 8, 4
"""Bytes of a record's length, and of each of its two checksums."""


def digest_of_records(shards: Sequence[Path]) -> str:
    """Digest of the records of TFRecord files, in order; of the raw bytes if TFDS did not write them."""

    def compute() -> str:
        try:
            return _digest(record for shard in shards for record in _features(shard))
        except (IndexError, struct.error):
            return hashlib.sha256(b"".join(shard.read_bytes() for shard in shards)).hexdigest()[:16]

    return remembered(shards, compute)


def digest_of_rows(file: Path, columns: Sequence[str]) -> str:
    """Digest of the rows of a CSV file, equal to `digest_of_records` of the data set prepared from it.

    Each row becomes two features: `date`, a string, and `values`, the float32 numbers of `columns`.
    """

    def features() -> Iterator[list[bytes]]:
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                values = struct.pack(f"<{len(columns)}f", *(float(row[column] or "nan") for column in columns))
                date = _field(1, _field(1, row["date"].encode()))
                yield [_entry(b"date", date), _entry(b"values", _field(2, _field(1, values)))]

    return remembered([file], lambda: _digest(features()))


def digest_of_lines(files: Mapping[str, Path]) -> str:
    """Digest of the lines of gzipped files side by side, equal to `digest_of_records` of what is prepared from them.

    Each line becomes a record with a text from every file, under the file's key.
    """

    def features() -> Iterator[list[bytes]]:
        with ExitStack() as opened:
            lines = [opened.enter_context(gzip.open(file)) for file in files.values()]
            for of_record in zip(*lines, strict=True):
                texts = zip(files, of_record, strict=True)
                yield [_entry(key.encode(), _field(1, _field(1, text.rstrip(b"\n")))) for key, text in texts]

    return remembered(list(files.values()), lambda: _digest(features()))


def digests_of_pieces(file: Path, splits: Sequence[str]) -> list[str]:
    """Digests of the splits of a JSON file of pieces, each equal to `digest_of_records` of the split prepared from it.

    A split is a list of pieces, a piece a list of chords, a chord a list of pitches. Each piece becomes two features:
    `pitches`, all numbers one after the other, and `notes`, how many each chord has.
    """

    def features(pieces: list[list[list[int]]]) -> Iterator[list[bytes]]:
        for piece in pieces:
            pitches = [pitch for chord in piece for pitch in chord]
            notes = [len(chord) for chord in piece]
            yield [_entry(b"pitches", _integers(pitches)), _entry(b"notes", _integers(notes))]

    def compute() -> str:
        whole = json.loads(file.read_text())
        return " ".join(_digest(features(whole[split])) for split in splits)

    return remembered([file], compute).split()


def _digest(records: Iterator[list[bytes]]) -> str:
    found = hashlib.sha256()
    for features in records:
        for entry in sorted(features):
            found.update(struct.pack("<Q", len(entry)) + entry)
    return found.hexdigest()[:16]


def _features(shard: Path) -> Iterator[list[bytes]]:
    """For each record, the serialized entries (name and value) of its only map."""
    with shard.open("rb") as file:
        while head := file.read(_LENGTH + _CHECKSUM):
            payload = file.read(struct.unpack("<Q", head[:_LENGTH])[0])
            file.seek(_CHECKSUM, os.SEEK_CUR)
            yield [entry for features in _fields(payload) for entry in _fields(features)]


def _fields(message: bytes) -> Iterator[bytes]:
    """The submessages of a message with one repeated field; raises `IndexError` for any other message."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        length, position = _number(message, position)
        if tag != _FIRST_FIELD or position + length > len(message):
            raise IndexError
        yield message[position : position + length]
        position += length


def _number(message: bytes, position: int) -> tuple[int, int]:
    """The varint at `position`, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        shift += 7
        if byte < 0x80:
            return value, position


def _entry(name: bytes, value: bytes) -> bytes:
    return _field(1, name) + _field(2, value)


def _integers(values: Sequence[int]) -> bytes:
    """A list of integers from 0 on, packed."""
    return _field(3, _field(1, b"".join(map(_varint, values))))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def remembered(files: Sequence[Path], compute: Callable[[], str]) -> str:
    """What `compute` gives for these files, unless it was computed before for files of the same stat."""
    # ctime too, which cannot be set back.
    facts = [(file, file.stat()) for file in files]
    key = " ".join(f"{one.st_ino} {one.st_size} {one.st_mtime_ns} {one.st_ctime_ns} {file}" for file, one in facts)
    key = hashlib.sha256(key.encode()).hexdigest()[:20]
    memory = _read()
    if key not in memory:
        memory[key] = compute()
        _write(memory)
    return memory[key]


def _read() -> dict[str, str]:
    try:
        memory = json.loads((location.cache_dir() / _MEMORY).read_text())
    except (OSError, ValueError, RuntimeError, UserError):
        return {}
    return memory if isinstance(memory, dict) else {}


def _write(memory: dict[str, str]) -> None:
    # Without the file, the next process reads the data again: slow but harmless.
    with contextlib.suppress(OSError, RuntimeError, UserError):
        place = location.cache_dir()
        place.mkdir(parents=True, exist_ok=True)
        write(place / _MEMORY, json.dumps(memory))

"""Digests of what the files of a prepared data set hold, the same on every machine that holds the same.

A digest is of the records and not of the files, whose bytes differ from one preparation to the next: a record is a
protocol buffer whose features stand in no fixed order. It is remembered under the sizes, times and numbers of the
files, so that nothing is read twice; these are never part of a digest.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rnnbench.datasets import location
from rnnbench.errors import UserError
from rnnbench.files import write

_MEMORY = "content.json"
_FIRST_FIELD = 1 << 3 | 2
"""What stands before a message that is field number 1."""
_LENGTH, _CHECKSUM = 8, 4
"""Bytes of a record's head, and of each of its two checksums."""


def digest_of_records(shards: Sequence[Path]) -> str:
    """Of the records of TFRecord files, in their order; of the bytes where they are none that TFDS wrote."""

    def compute() -> str:
        try:
            return _digest(record for shard in shards for record in _features(shard))
        except (IndexError, struct.error):
            return hashlib.sha256(b"".join(shard.read_bytes() for shard in shards)).hexdigest()[:16]

    return _remembered(shards, compute)


def digest_of_rows(file: Path, columns: Sequence[str]) -> str:
    """Of the rows of a CSV file, as `digest_of_records` has it of the data set that is prepared from them.

    Each row becomes the features `date`, a text, and `values`, the float32 numbers of `columns`.
    """

    def features() -> Iterator[list[bytes]]:
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                values = struct.pack(f"<{len(columns)}f", *(float(row[column] or "nan") for column in columns))
                date = _field(1, _field(1, row["date"].encode()))
                yield [_entry(b"date", date), _entry(b"values", _field(2, _field(1, values)))]

    return _remembered([file], lambda: _digest(features()))


def _digest(records: Iterator[list[bytes]]) -> str:
    found = hashlib.sha256()
    for features in records:
        for entry in sorted(features):
            found.update(struct.pack("<Q", len(entry)) + entry)
    return found.hexdigest()[:16]


def _features(shard: Path) -> Iterator[list[bytes]]:
    """Of each record the entries, name and value together, of its one mapping."""
    with shard.open("rb") as file:
        while head := file.read(_LENGTH + _CHECKSUM):
            payload = file.read(struct.unpack("<Q", head[:_LENGTH])[0])
            file.seek(_CHECKSUM, os.SEEK_CUR)
            yield [entry for features in _fields(payload) for entry in _fields(features)]


def _fields(message: bytes) -> Iterator[bytes]:
    """The values of a message that has one field, repeated, of messages; raises `IndexError` if it is another."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        length, position = _number(message, position)
        if tag != _FIRST_FIELD or position + length > len(message):
            raise IndexError
        yield message[position : position + length]
        position += length


def _number(message: bytes, position: int) -> tuple[int, int]:
    """A varint, and where it ends."""
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


def _field(number: int, content: bytes) -> bytes:
    length = bytearray()
    rest = len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    return bytes([number << 3 | 2]) + bytes(length) + content


def _remembered(files: Sequence[Path], compute: Callable[[], str]) -> str:
    # The time of the last change of any kind too, which nobody can set back.
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
    # Without it the next one reads the data again, which is slow and no harm.
    with contextlib.suppress(OSError, RuntimeError, UserError):
        place = location.cache_dir()
        place.mkdir(parents=True, exist_ok=True)
        write(place / _MEMORY, json.dumps(memory))

"""The content of files, whatever they are called and whenever they were written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rnnbench.datasets import content
from tests.datasets.prepared import write_records

COLUMNS = ("first", "second")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "content.json"


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def record(date: str, values: bytes, turned: bool = False) -> bytes:
    """As TFDS has it: a mapping from names to values, in any order."""
    entries = [
        field(1, field(1, b"date") + field(2, field(1, field(1, date.encode())))),
        field(1, field(1, b"values") + field(2, field(2, field(1, values)))),
    ]
    return field(1, b"".join(entries[::-1] if turned else entries))


ONE, TWO = bytes.fromhex("0000803f00000040"), bytes.fromhex("0000404000008040")
"""1, 2 and 3, 4 as float32."""
GAP = bytes.fromhex("0000c07f00008040")
"""NaN, 4."""


def test_the_order_of_the_features_of_a_record_does_not_count_but_that_of_records_does(tmp_path: Path) -> None:
    shards = [tmp_path / name for name in ("a", "b", "c", "d")]
    write_records(shards[0], [record("x", ONE), record("y", TWO)])
    write_records(shards[1], [record("x", ONE, turned=True), record("y", TWO)])
    write_records(shards[2], [record("y", TWO), record("x", ONE)])
    write_records(shards[3], [record("x", ONE)])
    digests = [content.digest_of_records([shard]) for shard in shards]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_a_csv_file_and_what_is_prepared_from_it_hold_the_same(tmp_path: Path) -> None:
    shard, rows = tmp_path / "shard", tmp_path / "rows.csv"
    write_records(shard, [record("x", ONE), record("y", TWO)])
    rows.write_text("date,second,first\nx,2,1.0\ny,4.0,3\n")
    assert content.digest_of_rows(rows, COLUMNS) == content.digest_of_records([shard])
    write_records(shard, [record("x", ONE), record("y", GAP)])
    rows.write_text("date,second,first\nx,2,1.0\ny,4.0,\n")
    assert content.digest_of_rows(rows, COLUMNS) == content.digest_of_records([shard])
    rows.write_text("date,second,first\nx,2,1.0\n")
    assert content.digest_of_rows(rows, COLUMNS) != content.digest_of_records([shard])


def test_what_is_remembered_is_found_again_and_a_damaged_memory_is_no_harm(tmp_path: Path, cache: Path) -> None:
    shard = tmp_path / "shard"
    write_records(shard, [b"no record of TFDS"])
    found = content.digest_of_records([shard])
    assert list(json.loads(cache.read_text()).values()) == [found]
    cache.write_text(cache.read_text().replace(found, "remembered"))
    assert content.digest_of_records([shard]) == "remembered"
    cache.write_text("{")
    assert content.digest_of_records([shard]) == found


def test_files_of_lines_and_what_is_prepared_from_them_hold_the_same(tmp_path: Path) -> None:
    files = {"en": tmp_path / "a.gz", "de": tmp_path / "b.gz"}
    for file, lines in zip(files.values(), (b"a dog\n\ntwo cats", b"ein Hund\n \xc3\xb6 \nzwei Katzen\n"), strict=True):
        file.write_bytes(gzip.compress(lines))

    def pair(de: str, en: str) -> bytes:
        texts = {b"de": de.encode(), b"en": en.encode()}
        entries = [field(1, field(1, name) + field(2, field(1, field(1, text)))) for name, text in texts.items()]
        return field(1, b"".join(entries))

    shard = tmp_path / "shard"
    write_records(shard, [pair("ein Hund", "a dog"), pair(" ö ", ""), pair("zwei Katzen", "two cats")])
    assert content.digest_of_lines(files) == content.digest_of_records([shard])
    files["de"].write_bytes(gzip.compress(b"ein Hund\n"))
    with pytest.raises(ValueError, match="shorter"):
        content.digest_of_lines(files)

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.datasets import catalogue
from rnnbench.errors import UserError
from tests.datasets.prepared import write_data_set

TEST_SHARDS = ["speech_commands-test.tfrecord-00000-of-00002", "speech_commands-test.tfrecord-00001-of-00002"]


@pytest.fixture
def speech(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data directory with a whole `speech_commands`; its folder."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("RNNBENCH_MANUAL_DIR", raising=False)
    folder = tmp_path / "speech_commands" / "0.0.3"
    write_data_set(
        folder,
        "speech_commands",
        {"train": [[b"12345", b"123"]], "validation": [[b""]], "test": [[b"ab", b"cde"], [b"f" * 300, b"g"]]},
    )
    return folder


def refused(name: str) -> str:
    with pytest.raises(UserError) as error:
        catalogue.check(name)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_whole_data_set(speech: Path) -> None:
    catalogue.check("speech_commands")
    size = sum(file.stat().st_size for file in speech.iterdir())
    assert catalogue.state("speech_commands") == catalogue.State("present", size)


def test_a_missing_data_set_names_its_command(speech: Path, tmp_path: Path) -> None:
    assert catalogue.state("ETTh1") == catalogue.State("missing")
    assert refused("ETTh1") == f"data set 'ETTh1' is not in {tmp_path}: get it with `rnnbench data --prepare ETTh1`"


@pytest.mark.parametrize("shard", TEST_SHARDS)
@pytest.mark.parametrize("cut", [1, 17])
def test_a_truncated_shard_is_named(speech: Path, shard: str, cut: int) -> None:
    file = speech / shard
    file.write_bytes(file.read_bytes()[:-cut])
    message = refused("speech_commands")
    assert f"{file} is truncated" in message
    assert "rnnbench data --prepare speech_commands" in message
    assert catalogue.state("speech_commands").status == "damaged"


def test_a_shard_cut_between_two_records_is_named(speech: Path) -> None:
    file = speech / TEST_SHARDS[1]
    file.write_bytes(file.read_bytes()[: 16 + 300])
    assert f"{file} is truncated" in refused("speech_commands")


def test_an_empty_shard_is_named(speech: Path) -> None:
    (speech / TEST_SHARDS[0]).write_bytes(b"")
    assert f"{speech / TEST_SHARDS[0]} is truncated" in refused("speech_commands")


@pytest.mark.parametrize("file", [TEST_SHARDS[1], "dataset_info.json", "features.json"])
def test_a_missing_file_is_named(speech: Path, file: str) -> None:
    (speech / file).unlink()
    assert f"{speech / file} is missing" in refused("speech_commands")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"name": "x", "splits": [{"name": "train"}]}'])
def test_an_unreadable_description_is_named(speech: Path, content: str) -> None:
    (speech / "dataset_info.json").write_text(content)
    assert f"{speech / 'dataset_info.json'} was not written by TFDS" in refused("speech_commands")


def test_an_unknown_name_gets_a_suggestion() -> None:
    assert "did you mean 'imdb_reviews'" in refused("imdb_review")


def test_the_fingerprint_follows_the_files(speech: Path) -> None:
    before = catalogue.fingerprint("speech_commands")
    shard = speech / TEST_SHARDS[0]
    times = shard.stat()
    os.utime(shard, ns=(1, 1))
    assert catalogue.fingerprint("speech_commands") == before
    content = bytearray(shard.read_bytes())
    content[12] ^= 1  # in the first record, behind its head
    shard.write_bytes(content)
    os.utime(shard, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert catalogue.fingerprint("speech_commands") != before
    shard.unlink()
    assert catalogue.fingerprint("speech_commands") is None


def test_the_fingerprint_does_not_ask_where_the_data_lie(
    speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = catalogue.fingerprint("speech_commands")
    shutil.copytree(speech, tmp_path / "moved" / "speech_commands" / "0.0.3")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "moved"))
    assert catalogue.fingerprint("speech_commands") == before


def test_every_data_set_is_used_by_the_task_of_its_source() -> None:
    assert {name: catalogue.used_by(name) for name in catalogue.DATA_SETS} == {
        "imdb_reviews": ["sentiment"],
        "speech_commands": ["speech_commands", "transcription"],
        "mnist": ["captioning", "sequential_mnist", "video"],
        "tiny_shakespeare": ["language_model"],
        "jsb_chorales": ["music"],
        "ETTh1": ["forecasting"],
        "ETTh2": ["forecasting"],
        "multi30k": ["translation"],
    }


def test_checking_imports_no_tensorflow(speech: Path) -> None:
    code = (
        "import sys; from rnnbench.datasets import catalogue; catalogue.check('speech_commands');"
        "catalogue.used_by('ETTh1'); sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["imdb_reviews", "speech_commands"])
def test_what_tfds_prepared_is_whole(name: str) -> None:
    assert catalogue.state(name).status == "present"

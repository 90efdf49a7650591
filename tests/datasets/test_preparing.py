from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rnnbench.datasets import catalogue, preparing, reading
from rnnbench.errors import UserError

CSV = """date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT
2016-07-01 00:00:00,5.827,2.009,1.599,0.462,4.203,1.34,30.531
2016-07-01 01:00:00,5.693,2.076,1.492,0.426,4.142,1.371,27.787
2016-07-01 02:00:00,-5.157,1.741,1.279,0.355,3.777,1.218,27.787
"""


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data directory, no network, and a manual directory with a small ETTh1.csv."""
    import requests

    def no_network(*_: object, **__: object) -> None:
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests.Session, "get", no_network)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RNNBENCH_MANUAL_DIR", str(tmp_path / "manual"))
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual" / "ETTh1.csv").write_text(CSV)
    return tmp_path / "manual"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the checksum of the small ETTh1.csv instead of the real one's."""
    import tensorflow_datasets as tfds

    monkeypatch.setattr(catalogue, "_verify", lambda file: None)
    from rnnbench.datasets.ett import Ett

    (url,) = (url for url in Ett.url_infos if "ETTh1" in url)
    info = tfds.core.download.checksums.UrlInfo(len(CSV), hashlib.sha256(CSV.encode()).hexdigest(), "ETTh1.csv")
    monkeypatch.setitem(Ett.url_infos, url, info)


def refused(name: str) -> str:
    with pytest.raises(UserError) as error:
        preparing.prepare(name)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_registered_checksums() -> None:
    from rnnbench.datasets.ett import Ett

    assert {info.filename: (int(info.size), info.checksum[:8]) for info in Ett.url_infos.values()} == {
        "ETTh1.csv": (2_589_657, "f18de3ad"),
        "ETTh2.csv": (2_417_960, "a3dc2c59"),
        "multi30k_train.de.gz": (637_044, "726e39b2"),
        "multi30k_train.en.gz": (568_929, "d79cfa99"),
        "multi30k_val.de.gz": (24_681, "f0cba2f9"),
        "multi30k_val.en.gz": (21_650, "14f7d25d"),
        "multi30k_test_2016_flickr.de.gz": (22_890, "9204244e"),
        "multi30k_test_2016_flickr.en.gz": (21_077, "611d361c"),
        "jsb-chorales-quarter.json": (407_200, "2db9329f"),
    }


def test_sentences_beside_each_other_are_prepared_and_have_one_fingerprint(
    by_hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow_datasets as tfds

    from rnnbench.datasets.multi30k import Multi30k

    monkeypatch.setattr(catalogue, "_verify", lambda file: None)
    for url, info in list(Multi30k.url_infos.items()):
        if not info.filename.startswith("multi30k"):
            continue
        lines = gzip.compress(f"{info.filename[9:]} 1\n\nä 3\n".encode())
        (by_hand / info.filename).write_bytes(lines)
        found = tfds.core.download.checksums.UrlInfo(len(lines), hashlib.sha256(lines).hexdigest(), info.filename)
        monkeypatch.setitem(Multi30k.url_infos, url, found)
    at_hand = catalogue.fingerprint("multi30k")
    rows = [{name: text.decode() for name, text in row.items()} for row in reading.rows("multi30k", "test")]
    first = {"de": "test_2016_flickr.de.gz 1", "en": "test_2016_flickr.en.gz 1"}
    assert rows == [first, {"de": "", "en": ""}, {"de": "ä 3", "en": "ä 3"}]
    assert catalogue.state("multi30k").status == "present"
    assert catalogue.split_sizes("multi30k") == {"test": 3, "train": 3, "validation": 3}
    assert catalogue.fingerprint("multi30k") == at_hand is not None


@pytest.mark.usefixtures("registered", "by_hand")
def test_prepared_from_the_manual_directory_and_read_in_order() -> None:
    preparing.prepare("ETTh1")
    assert catalogue.state("ETTh1").status == "present"
    rows = list(reading.rows("ETTh1", "series"))
    assert [row["date"].decode() for row in rows] == [f"2016-07-01 0{hour}:00:00" for hour in range(3)]
    assert np.array_equal(rows[2]["values"], np.float32([-5.157, 1.741, 1.279, 0.355, 3.777, 1.218, 27.787]))


@pytest.mark.real_data
def test_chorales_at_hand_and_prepared_have_one_fingerprint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    if catalogue.state("jsb_chorales").status != "at hand":
        pytest.skip("needs jsb-chorales-quarter.json in RNNBENCH_MANUAL_DIR")
    at_hand = catalogue.fingerprint("jsb_chorales")
    rows = list(reading.rows("jsb_chorales", "validation"))
    assert catalogue.state("jsb_chorales").status == "present"
    assert at_hand == catalogue.fingerprint("jsb_chorales")
    assert len(rows) == 76
    assert rows[0]["pitches"][:4].tolist() == [72, 76, 79, 84]
    assert rows[0]["notes"][:3].tolist() == [4, 3, 4]


@pytest.mark.usefixtures("registered", "by_hand")
def test_damage_is_found_by_size_or_by_reading_and_repaired() -> None:
    preparing.prepare("ETTh1")
    (shard,) = catalogue.find("ETTh1").path.glob("*.tfrecord-*")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + b"?")
    with pytest.raises(UserError, match="'ETTh1' is damaged: split 'series' cannot be read"):
        list(reading.rows("ETTh1", "series"))
    shard.write_bytes(whole[:-1])
    with pytest.raises(UserError, match="truncated"):
        list(reading.rows("ETTh1", "series"))
    preparing.prepare("ETTh1")
    assert shard.read_bytes() == whole
    assert [path.name for path in shard.parent.parent.iterdir()] == ["1.0.0"]


@pytest.mark.usefixtures("by_hand")
def test_what_is_damaged_stays_if_nothing_whole_can_be_made(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "ett" / "ETTh2" / "1.0.0" / "ett-series.tfrecord-00000-of-00001"
    kept.parent.mkdir(parents=True)
    kept.write_text("something")
    refused("ETTh2")
    assert kept.read_text() == "something"


@pytest.mark.usefixtures("registered", "by_hand")
def test_files_at_hand_are_prepared_by_the_first_who_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue.state("ETTh1") == catalogue.State("at hand")
    catalogue.check("ETTh1")
    assert len(list(reading.rows("ETTh1", "series"))) == 3
    assert catalogue.state("ETTh1").status == "present"
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("registered", "by_hand")
def test_two_who_prepare_at_once_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one, which saw nothing there when it began, finds the data set of the faster."""
    preparing.prepare("ETTh1")
    (shard,) = catalogue.find("ETTh1").path.glob("*.tfrecord-*")
    before = shard.stat().st_ino
    seen = iter([catalogue.State("at hand"), catalogue.State("present")])
    monkeypatch.setattr(catalogue, "state", lambda name: next(seen))

    def fail(**_: object) -> None:
        raise OSError("Directory not empty")

    slower = SimpleNamespace(url_infos={}, download_and_prepare=fail)
    monkeypatch.setattr(preparing, "_builder", lambda _: slower)
    preparing.prepare("ETTh1")
    assert shard.stat().st_ino == before


def test_a_wrong_file_at_hand_is_told_before_any_run(by_hand: Path) -> None:
    with pytest.raises(UserError) as error:
        catalogue.check("ETTh1")
    assert str(error.value) == (
        f"{by_hand / 'ETTh1.csv'} is not the registered file: expected sha256 "
        "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066, "
        f"found {hashlib.sha256(CSV.encode()).hexdigest()}"
    )


def test_a_wrong_file_is_named_with_both_checksums(by_hand: Path) -> None:
    message = refused("ETTh1")
    assert str(by_hand / "ETTh1.csv") in message
    assert "expected sha256 f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066" in message
    assert f"found {hashlib.sha256(CSV.encode()).hexdigest()}" in message


def test_without_network_the_line_says_what_to_put_where(by_hand: Path) -> None:
    message = refused("ETTh2")
    url = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh2.csv"
    assert f"put ETTh2.csv (from {url}) into {by_hand}" in message
    message = refused("imdb_reviews")
    assert "put aclImdb_v1.tar.gz (from " in message


@pytest.mark.usefixtures("registered", "by_hand")
def test_a_data_directory_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "file" / "data"))
    assert str(tmp_path / "file") in refused("ETTh1")


def test_other_failures_keep_their_cause(monkeypatch: pytest.MonkeyPatch, by_hand: Path) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    broken = SimpleNamespace(url_infos={}, download_and_prepare=fail)
    monkeypatch.setattr(preparing, "_builder", lambda _: broken)
    assert refused("ETTh1") == "cannot prepare data set 'ETTh1': RuntimeError: first line"

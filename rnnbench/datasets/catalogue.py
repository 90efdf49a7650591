"""The real data sets: what they are, and whether they are present and intact. Reads files only, no TensorFlow."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from rnnbench.datasets import content, location
from rnnbench.errors import UserError
from rnnbench.registry import unknown

_RECORD_OVERHEAD = 16
"""Bytes per record of a TFRecord file besides the payload: length (8) and two checksums (4 + 4)."""


@dataclass(frozen=True)
class DataSet:
    """A prepared TFDS data set, as the tasks use it."""

    name: str
    """Its name in the experiment file: the `source` of a task."""
    folder: str
    """Its folder in the data directory: `dataset[/config]/version`."""
    licence: str
    """As stated by the publisher."""
    citation: str
    files: tuple[str, ...]
    """Files that its builder downloads, or finds in the manual directory."""
    download: str
    """Total size of these files, for display."""
    quick: Callable[[Path], list[str]] | None = None
    """Only where preparing takes seconds: the digests of the splits, in the order of their names, that `files` in a
    folder are prepared to. Then the first read does it, if they are in the manual directory."""

    @property
    def path(self) -> Path:
        return location.data_dir() / self.folder


@dataclass(frozen=True)
class State:
    """What is on disk of a data set."""

    status: Literal["present", "at hand", "missing", "damaged"]
    """`at hand`: not prepared, but quick to prepare from files in the manual directory."""
    bytes: int = 0
    """Total size of its files."""
    damage: str = ""
    """The damaged file, and what is wrong with it."""


ETT_COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
"""Six loads (high, middle, low; useful, useless), and the oil temperature in degrees Celsius."""

MULTI30K_FILES = {
    split: {language: f"multi30k_{part}.{language}.gz" for language in ("de", "en")}
    for split, part in (("test", "test_2016_flickr"), ("train", "train"), ("validation", "val"))
}
"""The file of each split and language, one sentence a line, as they are called in the manual directory."""
JSB_SPLITS = {"train": "train", "validation": "valid", "test": "test"}
"""Our names of the splits, and those of the file."""

_IMDB = DataSet(
    "imdb_reviews",
    "imdb_reviews/plain_text/1.0.0",
    "none stated",
    "Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011",
    ("aclImdb_v1.tar.gz",),
    "84 MB",
)
_SPEECH = DataSet(
    "speech_commands",
    "speech_commands/0.0.3",
    "CC BY 4.0",
    "Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, arXiv:1804.03209, 2018",
    ("speech_commands_v0.02.tar.gz", "speech_commands_test_set_v0.02.tar.gz"),
    "2.5 GB",
)
_MNIST = DataSet(
    "mnist",
    "mnist/3.0.1",
    "none stated",
    "LeCun, Bottou, Bengio & Haffner, Gradient-Based Learning Applied to Document Recognition, Proc. IEEE, 1998",
    tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
    "12 MB",
)
_MULTI30K = DataSet(
    "multi30k",
    "multi30k/1.0.0",
    "none stated; the captions come from Flickr30k",
    "Elliott, Frank, Sima'an & Specia, Multi30K: Multilingual English-German Image Descriptions, VL 2016",
    tuple(file for files in MULTI30K_FILES.values() for file in files.values()),
    "1.3 MB",
    quick=lambda folder: [
        content.digest_of_lines({language: folder / file for language, file in MULTI30K_FILES[split].items()})
        for split in sorted(MULTI30K_FILES)
    ],
)
_SHAKESPEARE = DataSet(
    "tiny_shakespeare",
    "tiny_shakespeare/1.0.0",
    "MIT",
    "Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015 (char-rnn)",
    ("input.txt",),
    "1.1 MB",
)
_CHORALES = DataSet(
    "jsb_chorales",
    "jsb_chorales/1.0.0",
    "none stated",
    "Boulanger-Lewandowski et al., Modeling Temporal Dependencies in High-Dimensional Sequences, ICML 2012",
    ("jsb-chorales-quarter.json",),
    "0.4 MB",
    quick=lambda folder: content.digests_of_pieces(
        folder / "jsb-chorales-quarter.json", [JSB_SPLITS[split] for split in sorted(JSB_SPLITS)]
    ),
)


def _ett(name: str, download: str) -> DataSet:
    file = f"{name}.csv"
    return DataSet(
        name,
        f"ett/{name}/1.0.0",
        "CC BY-ND 4.0",
        "Zhou et al., Informer: Beyond Efficient Transformer for Long Sequence Time-Series Forecasting, AAAI 2021",
        (file,),
        download,
        quick=lambda folder: [content.digest_of_rows(folder / file, ETT_COLUMNS)],
    )


DATA_SETS = {
    data_set.name: data_set
    for data_set in (
        _IMDB,
        _SPEECH,
        _MNIST,
        _SHAKESPEARE,
        _CHORALES,
        _ett("ETTh1", "2.6 MB"),
        _ett("ETTh2", "2.4 MB"),
        _MULTI30K,
    )
}


def find(name: str) -> DataSet:
    """The data set of this name. Raises `UserError` if there is none."""
    if name not in DATA_SETS:
        raise UserError(unknown("data set", name, DATA_SETS))
    return DATA_SETS[name]


def used_by(name: str) -> list[str]:
    """The registered tasks whose `source` can be this data set."""
    from rnnbench.registry import tasks

    sources = {task: tasks[task].model_fields.get("source") for task in tasks}
    return [task for task, field in sources.items() if field and name in get_args(field.annotation)]


def state(name: str) -> State:
    """The state on disk, judged by the file sizes in the data set's own `dataset_info.json`; reads no records."""
    data_set = find(name)
    path = data_set.path
    if not path.is_dir():
        at_hand = data_set.quick is not None and all(
            (location.manual_dir() / file).is_file() for file in data_set.files
        )
        return State("at hand" if at_hand else "missing")
    size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    damage = next(_damages(path), "")
    return State("damaged" if damage else "present", size, damage)


def split_sizes(name: str) -> dict[str, int]:
    """Number of examples in each split, from `dataset_info.json` alone; empty if the data set is not prepared."""
    try:
        info = json.loads((find(name).path / "dataset_info.json").read_text())
        return {split["name"]: sum(map(int, split["shardLengths"])) for split in info["splits"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def check(name: str) -> None:
    """Raise a one-line `UserError` unless the data set is intact, or at hand with the registered checksums."""
    found = state(name)
    command = f"rnnbench data --prepare {name}"
    if found.status == "missing":
        raise UserError(f"data set '{name}' is not in {location.data_dir()}: get it with `{command}`")
    if found.status == "at hand":
        for file in find(name).files:
            _verify(location.manual_dir() / file)
    if found.status == "damaged":
        raise UserError(f"data set '{name}' is damaged: {found.damage}; prepare it again with `{command}`")


def fingerprint(name: str) -> str | None:
    """Digest of version and contents, independent of where and when the data set was prepared; None if absent."""
    data_set, status = find(name), state(name).status
    if status in ("missing", "damaged"):
        return None
    if status == "at hand":
        try:
            check(name)
        except UserError:
            return None
        assert data_set.quick is not None
        parts = data_set.quick(location.manual_dir())
    else:
        splits = sorted({shard.name.rpartition(".tfrecord-")[0] for shard in data_set.path.glob("*.tfrecord-*")})
        shards = [sorted(data_set.path.glob(f"{split}.tfrecord-*")) for split in splits]
        parts = [content.digest_of_records(files) for files in shards]
        parts += [names.read_text() for names in sorted(data_set.path.glob("*.labels.txt"))]
    return hashlib.sha256(" ".join([data_set.folder, *parts]).encode()).hexdigest()[:16]


def _verify(file: Path) -> None:
    lines = Path(__file__).with_name("checksums.tsv").read_text().splitlines()
    (expected,) = (line.split("\t")[2] for line in lines if line.endswith(f"\t{file.name}"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != expected:
        raise UserError(f"{file} is not the registered file: expected sha256 {expected}, found {digest}")


def _damages(path: Path) -> Iterator[str]:
    info_file = path / "dataset_info.json"
    try:
        info = json.loads(info_file.read_text())
        splits = [
            (split["name"], int(split["numBytes"]), [int(n) for n in split["shardLengths"]]) for split in info["splits"]
        ]
    except FileNotFoundError:
        yield f"{info_file} is missing"
        return
    except (ValueError, KeyError, TypeError):
        yield f"{info_file} was not written by TFDS"
        return
    if not (path / "features.json").is_file():
        yield f"{path / 'features.json'} is missing"
    for split, payload, lengths in splits:
        shards = [path / f"{info['name']}-{split}.tfrecord-{i:05d}-of-{len(lengths):05d}" for i in range(len(lengths))]
        missing = [shard for shard in shards if not shard.is_file()]
        if missing:
            yield f"{missing[0]} is missing"
            continue
        size = sum(shard.stat().st_size for shard in shards)
        expected = payload + _RECORD_OVERHEAD * sum(lengths)
        if size != expected:
            broken = [shard for shard, n in zip(shards, lengths, strict=True) if _whole_records(shard) != n]
            yield f"{(broken or shards)[0]} is truncated or altered ({split}: {size:,} of {expected:,} bytes)"


def _whole_records(shard: Path) -> int:
    """Number of complete records at the start of a TFRecord file, judged by their lengths alone."""
    size = shard.stat().st_size
    records = position = 0
    with shard.open("rb") as file:
        while header := file.read(8):
            position += _RECORD_OVERHEAD + (struct.unpack("<Q", header)[0] if len(header) == 8 else size)
            if position > size:
                break
            records += 1
            file.seek(position)
    return records

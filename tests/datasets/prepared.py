"""Small data sets in the form that TFDS prepares, written without TFDS' own writer."""

from __future__ import annotations

import json
import struct
from pathlib import Path


def write_records(path: Path, payloads: list[bytes]) -> None:
    """A TFRecord file whose checksums are zeros: sizes are right, reading it fails."""
    path.write_bytes(b"".join(struct.pack("<QI", len(p), 0) + p + bytes(4) for p in payloads))


def write_data_set(folder: Path, name: str, splits: dict[str, list[list[bytes]]]) -> None:
    """A prepared data set: for each split its shards, for each shard its records."""
    folder.mkdir(parents=True)
    (folder / "features.json").write_text("{}")
    info = {"name": name, "splits": []}
    for split, shards in splits.items():
        for i, payloads in enumerate(shards):
            write_records(folder / f"{name}-{split}.tfrecord-{i:05d}-of-{len(shards):05d}", payloads)
        size = sum(len(payload) for shard in shards for payload in shard)
        lengths = [str(len(shard)) for shard in shards]
        info["splits"].append({"name": split, "numBytes": str(size), "shardLengths": lengths})
    (folder / "dataset_info.json").write_text(json.dumps(info))

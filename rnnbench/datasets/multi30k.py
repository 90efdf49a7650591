"""TFDS builder of Multi30k's German and English image captions, which the TFDS catalogue lacks.

TFDS reads the registered size and sha256 of each file from `checksums.tsv` next to this module. Import this module
only inside functions, because it imports TFDS.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import tensorflow_datasets as tfds

from rnnbench.datasets.catalogue import MULTI30K_FILES

_URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/{}"


class Multi30k(tfds.core.GeneratorBasedBuilder):
    """Multi30k, task 1, raw text: captions of pictures, German beside English, a pair an example, in the files' order.

    Splits: `train` (29,000 pairs), `validation` (1,014) and `test` (1,000, those of 2016, of Flickr). Source: Elliott,
    Frank, Sima'an & Specia 2016.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Captions of pictures in German and English.",
            features=tfds.features.FeaturesDict({"de": tfds.features.Text(), "en": tfds.features.Text()}),
            homepage="https://github.com/multi30k/dataset",
            citation="Elliott, Frank, Sima'an & Specia, Multi30K: Multilingual English-German Image Descriptions, "
            "Workshop on Vision and Language, 2016",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        paths = dl_manager.download(
            {
                split: {language: _URL.format(file.removeprefix("multi30k_")) for language, file in files.items()}
                for split, files in MULTI30K_FILES.items()
            }
        )
        return {split: self._generate_examples(of_split) for split, of_split in paths.items()}

    def _generate_examples(self, paths: dict[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
        with ExitStack() as opened:
            files = [
                opened.enter_context(gzip.open(path, "rt", encoding="utf-8", newline="\n")) for path in paths.values()
            ]
            for index, lines in enumerate(zip(*files, strict=True)):
                yield index, {language: line.rstrip("\n") for language, line in zip(paths, lines, strict=True)}

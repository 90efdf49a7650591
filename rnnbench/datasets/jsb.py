"""TFDS builder of the chorales of J. S. Bach, which the TFDS catalogue lacks.

TFDS reads the registered size and sha256 of the file from `checksums.tsv` next to this module. Import this module only
inside functions, because it imports TFDS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rnnbench.datasets.catalogue import JSB_SPLITS

_URL = "https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/master/jsb-chorales-quarter.json"


class JsbChorales(tfds.core.GeneratorBasedBuilder):
    """Chorales in steps of a quarter note, one piece per example: 229 train, 76 validation and 77 test pieces.

    `pitches` holds the MIDI pitches of all chords one after the other, `notes` how many each chord has. The pieces and
    splits are those of Boulanger-Lewandowski et al. 2012, the file is that of czhuang/JSB-Chorales-dataset.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        whole = tfds.features.Tensor(shape=(None,), dtype=np.int64)
        return tfds.core.DatasetInfo(
            builder=self,
            description="382 four-part chorales of J. S. Bach as chords, a chord for each quarter note.",
            features=tfds.features.FeaturesDict({"pitches": whole, "notes": whole}),
            homepage="https://github.com/czhuang/JSB-Chorales-dataset",
            citation="Boulanger-Lewandowski, Bengio & Vincent, Modeling Temporal Dependencies in High-Dimensional "
            "Sequences, ICML 2012",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        pieces = json.loads(Path(dl_manager.download(_URL)).read_text())
        return {split: self._generate_examples(pieces[key]) for split, key in JSB_SPLITS.items()}

    def _generate_examples(self, pieces: list[list[list[int]]]) -> Iterator[tuple[int, dict[str, Any]]]:
        for index, piece in enumerate(pieces):
            yield (
                index,
                {
                    "pitches": np.array([pitch for chord in piece for pitch in chord], dtype=np.int64),
                    "notes": np.array([len(chord) for chord in piece], dtype=np.int64),
                },
            )

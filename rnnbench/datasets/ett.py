"""TFDS builder of the Electricity Transformer Temperature series, which the TFDS catalogue lacks.

TFDS reads the registered size and sha256 of each file from `checksums.tsv` next to this module. Import this module
only inside functions, because it imports TFDS.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from rnnbench.datasets.catalogue import ETT_COLUMNS

_URL = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/{}.csv"


class Ett(tfds.core.GeneratorBasedBuilder):
    """Hourly ETT series: one row per example, in chronological order, in one split, `series`.

    Configs `ETTh1`, `ETTh2`: 17,420 rows each, July 2016 to June 2018. Licence CC BY-ND 4.0. Source: Zhou et al. 2021.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name="ETTh1", description="First station, hourly"),
        tfds.core.BuilderConfig(name="ETTh2", description="Second station, hourly"),
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Load and oil temperature of an electricity transformer, hourly, two years.",
            features=tfds.features.FeaturesDict(
                {
                    "date": tfds.features.Text(),
                    "values": tfds.features.Tensor(shape=(len(ETT_COLUMNS),), dtype=np.float32),
                }
            ),
            homepage="https://github.com/zhouhaoyi/ETDataset",
            license="CC BY-ND 4.0",
            citation="Zhou et al., Informer: Beyond Efficient Transformer for Long Sequence Time-Series "
            "Forecasting, AAAI 2021",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        path = dl_manager.download(_URL.format(self.builder_config.name))
        return {"series": self._generate_examples(path)}

    def _generate_examples(self, path: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        with open(path, newline="") as file:
            for index, row in enumerate(csv.DictReader(file)):
                # A gap becomes NaN; the reader of the series reports where it is.
                values = [float(row[column] or "nan") for column in ETT_COLUMNS]
                yield index, {"date": row["date"], "values": values}

"""Tasks over data that are nobody's business: `show_examples` is false, as it is by default for a person's own file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnnbench import DatasetTask, Display, Examples, Layout, Ports, RegressionTask, register_task
from rnnbench.tasks.dataset import DatasetClassificationTask

WORDS = ["", *(f"secretword{at}" for at in range(1, 40))]
STEPS, HORIZON = 6, 4
_SIZES = {"train": (0, 60), "validation": (60, 90), "test": (90, 120)}


@register_task("private_diary")
class PrivateDiary(DatasetClassificationTask):
    """Is the first word of an entry an even one?"""

    source: str = "a diary"
    show_examples: bool = False
    """Whether single entries may be shown."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=STEPS, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.token_ports(len(WORDS), 4)

    @property
    def outputs(self) -> int:
        return 2

    def display(self) -> Display:
        return replace(super().display(), kind="words", words=self._words_of, classes=("odd", "even"))

    def _words_of(self, tokens: np.ndarray) -> Sequence[str]:
        return [WORDS[token] for token in tokens]

    def examples(self, split: str) -> Examples:
        tokens = np.random.default_rng(1).integers(1, len(WORDS), (120, STEPS)).astype(np.int32)[slice(*_SIZES[split])]
        return Examples(tokens, (1 - tokens[:, 0] % 2).astype(np.int32))


@register_task("private_meter")
class PrivateMeter(DatasetTask, RegressionTask):
    """The next values of a meter; each value occurs once and has seven digits."""

    source: str = "a meter"
    show_examples: bool = False
    """Whether single windows may be shown."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=STEPS, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.feature_ports(1)

    @property
    def outputs(self) -> int:
        return HORIZON

    def display(self) -> Display:
        return replace(super().display(), kind="series", channels=("meter",), forecast=(0,))

    def examples(self, split: str) -> Examples:
        windows = np.lib.stride_tricks.sliding_window_view(meter(), STEPS + HORIZON)[slice(*_SIZES[split])]
        return Examples(windows[:, :STEPS, None].astype(np.float32), windows[:, STEPS:].astype(np.float32))

    def memoryless(self, split: str = "test") -> float:
        return float(np.mean(np.square(self.examples(split).targets)))

    def reference(self, split: str = "test") -> float:
        return self.memoryless(split) / 4


def meter() -> np.ndarray:
    return np.random.default_rng(2).normal(size=140).round(7)

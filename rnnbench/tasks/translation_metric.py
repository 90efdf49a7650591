"""Metrics of translated sentences: those of each example, the perplexity, and BLEU of a whole split."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rnnbench.tasks.metric import Estimate, MeanOverExamples
from rnnbench.tasks.sentence_pairs import END, UNKNOWN
from rnnbench.tasks.stream import Stream

_SAID, _ASKED = "(unknown)", "(unknown-word)"
"""The unknown word of an answer, and of a reference: it matches nothing, not even itself."""


class TranslationMetric(MeanOverExamples):
    """The means of `of_each`, and two metrics that only a split has.

    `perplexity`: exp of the mean cross entropy, nats, of all words and ends that are asked for. `bleu`: corpus BLEU, 0
    to 100, of the answers up to their own end, against the references as they are asked for: in lower case, in tokens,
    cut to as many as are read; an unknown word matches nothing. As SacreBLEU (Post 2018) computes it from given tokens,
    with its exponential smoothing; up to four words, without any match, it is 0. `names`: the target words by id.
    """

    def __init__(self, of_each: Callable[[Stream, np.ndarray], Mapping[str, np.ndarray]], names: Sequence[str]) -> None:
        super().__init__(of_each)
        self._names = names
        self._nats, self._asked = 0.0, 0.0
        self._answers: list[str] = []
        self._references: list[str] = []

    def update(self, stream: Stream, outputs: np.ndarray) -> None:
        found = self._of_each(stream, outputs)
        self.add(found)
        weights = np.ones(stream.targets.shape) if stream.weights is None else stream.weights
        asked = weights.sum(axis=1, dtype=np.float64)
        self._nats += float((found["loss"] * asked).sum())
        self._asked += float(asked.sum())
        self._answers += [self._sentence(words, _SAID) for words in outputs.argmax(axis=-1)]
        self._references += [self._sentence(words, _ASKED) for words in stream.targets]

    def result(self) -> dict[str, Estimate]:
        from sacrebleu.metrics import BLEU

        bleu = BLEU(tokenize="none", force=True).corpus_score(self._answers, [self._references]).score
        with np.errstate(over="ignore"):
            perplexity = float(np.exp(self._nats / self._asked)) if self._asked else math.nan
        return super().result() | {"perplexity": Estimate(perplexity), "bleu": Estimate(float(bleu))}

    def _sentence(self, words: np.ndarray, unknown: str) -> str:
        known = len(self._names)
        named = (self._names[word] if word < known and word != UNKNOWN else unknown for word in up_to_end(words))
        return " ".join(named)


def up_to_end(words: np.ndarray) -> list[int]:
    """The ids of a sentence, (R,), without its end and what stands behind."""
    said: list[int] = words.tolist()
    return said[: said.index(END)] if END in said else said

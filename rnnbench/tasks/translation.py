"""Translation: German sentences to English, each word fed back. Multi30k (Elliott et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.datasets.cache import in_memory
from rnnbench.registry import register_task
from rnnbench.tasks import protocol, sentence_pairs, word_by_word
from rnnbench.tasks.answer_in_steps import AnswerInSteps
from rnnbench.tasks.base import Filler, Score, Split
from rnnbench.tasks.dataset import DatasetTask, Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.examples import stored
from rnnbench.tasks.metric import Metric
from rnnbench.tasks.sentence_pairs import Shape
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ACCURACY
from rnnbench.tasks.translation_metric import TranslationMetric, up_to_end

_SIZES = {
    "multi30k": {"train": 29_000, "validation": 1_014, "test": 1_000},
    "synthetic": {"train": 2_000, "validation": 250, "test": 250},
}
_VOCABULARY = {"multi30k": 5_000, "synthetic": 50}
_DISTRACTORS = 100
"""Tokens of no language."""


@register_task("translation")
class Translation(DatasetTask, AnswerInSteps):
    """Say a German sentence in English, after a lag, each step fed the word before: encoder and decoder in one network.

    Tokens are words and single signs, in lower case. Ids of the source: 0 padding (before short sentences), 1 any word
    outside the vocabulary, then the words of the training sentences by decreasing frequency, without those met once.
    Classes of the answer: 0 the end, 1 any word outside the vocabulary, then words likewise; they have ids of their own
    as inputs, behind those of the source. Then come 100 tokens of no language, of which distractors are drawn, the
    blank and the marker. Steps behind the end of the asked sentence have weight 0.

    Score: `accuracy`, the share of right words of the free-running answer, position by position up to the end that is
    asked for, each sentence weighing the same. Beside it `exact_match`, `bleu`, and the `perplexity` of the
    teacher-forced answers. Memoryless: the most frequent word of each position (unigram) or the likeliest chain of
    words (bigram), whichever is better; as each step sees nothing but own words, both are one sentence for all.
    Reference: each word for itself by a dictionary of IBM model 1. Measured on the test split, with 5,000 ids and 20
    tokens of each sentence: accuracy .185, .101 and .364, BLEU 2.4, 1.4 and 26.9; perplexity of a unigram of all words
    that are met twice: 210. Published, with cells of 512 units: LSTM perplexity 43.8 and BLEU 13.8, GRU 37.5 and 20.6
    (bentrevett/pytorch-seq2seq).
    """

    version: ClassVar[int] = 1
    score: ClassVar[Score] = ACCURACY
    fillers: ClassVar[tuple[Filler, ...]] = ("blank", "distractor")
    teacher_forced: ClassVar[tuple[str, ...]] = ("loss", "perplexity")

    source: Literal["multi30k", "synthetic"] = "multi30k"
    """`multi30k`, or `synthetic`: random words, of which one language says last what the other says second."""
    vocabulary: int | None = Field(None, ge=3)
    """Number of ids of each language, the unknown word and padding or end included. Default: 5,000 of Multi30k, which
    has 7,878 German and 5,894 English words that are met twice; 50 synthetic, all."""
    longest: int = Field(20, ge=1)
    """Number of source tokens kept, from the beginning of each sentence."""
    answer: int = Field(20, ge=2)
    """Number of steps that are read: words of the English sentence and its end. Longer ones are cut, without an end."""
    embedding: int = Field(64, ge=1)
    """Dimensions of the trained embedding of tokens."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.longest, lag=self.lag, readout=self.answer)

    @property
    def ports(self) -> Ports:
        return self.token_ports(2 * self.outputs + _DISTRACTORS, self.embedding)

    @property
    def outputs(self) -> int:
        return self.vocabulary or _VOCABULARY[self.source]

    def display(self) -> Display:
        """Tokens are words, and answers sentences."""
        return replace(
            super().display(),
            kind="words",
            words=self._words,
            padding=sentence_pairs.PADDING,
            classes=tuple(self._names["target"]),
            answered=lambda outputs: self._sentence(outputs.argmax(axis=-1)),
            told=self._sentence,
        )

    def split_sizes(self) -> dict[str, int]:
        return dict(_SIZES[self.source])

    def examples(self, split: str) -> Examples:
        pairs = sentence_pairs.pairs(self.source, self._shape)[split]
        return Examples(pairs.source, pairs.target)

    def step_weights(self, split: str) -> np.ndarray:
        return sentence_pairs.pairs(self.source, self._shape)[split].weights

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        first = 2 * self.outputs
        return rng.integers(first, first + _DISTRACTORS, size=(n, steps))

    def fed_back(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The token of the largest logit's word."""
        return {"tokens": self._said(answers.argmax(axis=-1))}

    def without_marker(self, stream: Stream) -> Stream:
        """The marker, the first step that is read, replaced by filler."""
        assert stream.tokens is not None
        tokens, filler = stream.tokens.copy(), self.fill(protocol.filler_rng(3), stream.examples, 1)
        assert isinstance(filler, np.ndarray)
        tokens[:, -self.answer : 1 - self.answer] = filler
        return stream._replace(tokens=tokens)

    def metric(self) -> Metric:
        """The means of `scores`, `perplexity` and `bleu`."""
        return TranslationMetric(self.scores, self._names["target"])

    def memoryless(self, split: Split = "test") -> float:
        """Accuracy of the better of unigram and bigram."""
        found = _levels(self._bare)
        return max(found[f"{split} unigram"], found[f"{split} bigram"])

    def reference(self, split: Split = "test") -> float:
        """Accuracy of the dictionary; of the memoryless answer where that is better."""
        return max(_levels(self._bare)[f"{split} word by word"], self.memoryless(split))

    def levels(self) -> dict[str, float]:
        found = _levels(self._bare)
        return super().levels() | {name: found[f"test {name}"] for name in ("unigram", "bigram", "word by word")}

    @property
    def _bare(self) -> Translation:
        """The task without what its levels do not depend on."""
        filler, lags = self.fillers[0], {"training_lags": "fixed", "lead": "none", "lag": 0}
        return self.model_copy(update={"filler": filler, "embedding": 1, **lags})

    @property
    def _shape(self) -> Shape:
        return Shape(self.outputs, self.longest, self.answer)

    @property
    def _names(self) -> dict[str, list[str]]:
        return sentence_pairs.names(self.source, self._shape)

    def _words(self, tokens: np.ndarray) -> Sequence[str]:
        distractors = (f"~{at + 1}" for at in range(_DISTRACTORS))
        named = [*self._named("source"), *self._named("target"), *distractors, "blank", "marker"]
        return [named[token] for token in tokens]

    def _named(self, language: str) -> list[str]:
        """A name for every id, also for those that no word has."""
        known = self._names[language]
        return [*known, *(f"#{at}" for at in range(len(known), self.outputs))]

    def _sentence(self, words: np.ndarray) -> str:
        named = self._named("target")
        return " ".join(named[word] for word in up_to_end(words))

    def _with_lag(self, evidence: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> Stream:
        stream = super()._with_lag(evidence, targets, rng)
        assert stream.tokens is not None
        stream.tokens[:, 1 - self.answer :] = self._said(targets[:, :-1])
        return stream

    def _said(self, words: np.ndarray) -> np.ndarray:
        return (self.outputs + words).astype(np.int32)


@in_memory(maxsize=4)
def _levels(task: Translation) -> dict[str, float]:
    def fit() -> dict[str, float]:
        return word_by_word.levels(sentence_pairs.pairs(task.source, task._shape), task.outputs)

    return stored(task, "translation-levels", {"lag", "filler", "embedding"}, fit)

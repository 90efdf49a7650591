"""Texts: the class of a text of the user's own, with a lag between the text and the readout."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnbench.datasets.cache import cached, in_memory
from rnnbench.datasets.own import splits, words
from rnnbench.datasets.own.labels import Labels, check_drawn, check_splits, classes_of, with_validation
from rnnbench.datasets.own.mistake import mistake
from rnnbench.datasets.own.splits import SplitSetting
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler, Split
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.own_file import Facts, OwnFileTask
from rnnbench.tasks.stream import Layout, Ports

if TYPE_CHECKING:
    from rnnbench.datasets.own.labelled_texts import LabelledTexts

_VOCABULARY = {"words": 10_000, "characters": 500}


@register_task("texts")
class Texts(OwnFileTask, DatasetClassificationTask):
    """Classify texts of a file of your own from their last `length` words or characters, after a lag.

    The file: CSV, JSON lines or Parquet with a column of texts and one of labels; or a folder with one folder a class,
    which may lie in folders `train`, `validation` and `test`. Classes are the distinct labels, sorted. Token ids: 0
    padding (before short texts), 1 any token outside the vocabulary, then the tokens of the training texts by
    decreasing frequency, then the blank and the marker. A decoy is a token drawn with its frequency in the training
    texts; beside each token stands the cue, 1 in the text and 0 elsewhere, with every filler. Reference: a bag of
    tokens.
    """

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("blank", "decoy")

    text: str = "text"
    """The column of the texts. Not used for a folder."""
    label: str = "label"
    """The column of the labels, text or numbers. Not used for a folder."""
    length: int = Field(100, ge=1)
    """Number of tokens kept, from the end of each text."""
    tokens: words.Tokens = "words"
    """`words`: in lower case, without punctuation, cut at white space; `characters`: as they stand."""
    vocabulary: int | None = Field(None, ge=3)
    """Number of token ids, including padding and out-of-vocabulary; the blank and the marker are extra. Default: 10,000
    of words, 500 of characters."""
    embedding: int = Field(32, ge=1)
    """Dimensions of the trained embedding of tokens."""
    split_by: SplitSetting = Field((0.7, 0.1, 0.2), alias="split")
    """Shares of training, validation and test texts, drawn at random (always the same) with each class in the same
    shares; or a column that holds train, validation and test. Folders of these names come first. Without validation
    texts an eighth of the training texts are drawn for it."""
    missing: Literal["refuse", "mask"] = "refuse"
    """Missing texts. `refuse`: they are an error; `mask`: they are read as empty texts, all padding."""

    @property
    def reference_name(self) -> str:  # type: ignore[override]  # a setting decides
        return f"bag of {self.tokens}"

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.length, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.token_ports(self._vocabulary, self.embedding)

    @property
    def outputs(self) -> int:
        return len(self.facts["classes"])

    @property
    def _vocabulary(self) -> int:
        return self.vocabulary or _VOCABULARY[self.tokens]

    def display(self) -> Display:
        """Tokens are those of the vocabulary, classes the labels."""
        return replace(
            super().display(),
            kind="words",
            words=self._words,
            between="" if self.tokens == "characters" else " ",
            padding=0,
            classes=tuple(self.facts["classes"]),
        )

    def _words(self, tokens: np.ndarray) -> list[str]:
        names = self.token_names
        return [names[token] if token < len(names) else f"#{token}" for token in tokens]

    def found(self) -> Facts:
        texts, labels, rows = self._read()
        filled = np.array([words.holds_tokens(text, self.tokens) for text in texts.texts], dtype=bool)
        if not filled[rows["train"]].any():
            raise mistake(self.path, f"no training text holds any {self.tokens}")
        notes = []
        if empty := int((~filled).sum()):
            first = texts.where(int(np.argmin(filled)))
            notes = [f"{empty:,} texts hold no {self.tokens}, the first in {first}: all padding"]
        return {
            "classes": list(labels.classes),
            "sizes": {split: len(of_split) for split, of_split in rows.items()},
            "told": list(texts.told),
            "notes": notes,
        }

    def examples(self, split: str) -> Examples:
        arrays = _arrays(self._bare)
        return Examples(arrays[f"{split}_tokens"], arrays[f"{split}_labels"])

    @property
    def token_names(self) -> tuple[str, ...]:
        """The token of each id: "" for the padding, "(unknown)" for what is not in the vocabulary."""
        return _names(self._bare)

    def reference(self, split: Split = "test") -> float:
        """Accuracy of the bag of tokens; of the most frequent class where that is better."""
        return max(super().reference(split), self.memoryless(split))

    def decoys(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        return words.drawn(_cumulative_frequency(self._bare), rng, n, steps)

    def _read(self) -> tuple[LabelledTexts, Labels, dict[str, np.ndarray]]:
        """The texts, their classes, and the rows of each split."""
        from rnnbench.datasets.own import labelled_texts

        column = splits.column_of(self.split_by)
        texts = labelled_texts.read(self.path, self.text, self.label, column)
        if self.missing == "refuse":
            texts.check_missing()
        labels = classes_of(texts.labels, f"column '{self.label}'", self.path, texts.where)
        if texts.split is None:
            check_drawn(labels, self.path, texts.where)
        named = None if texts.split is None else with_validation(texts.split, self.path, labels.codes)
        rows = splits.at_random(self.split_by, len(texts.texts), self.path, texts.where, labels.codes, named)
        check_splits(labels, rows, self.path, texts.where)
        return texts, labels, rows

    def encoded(self) -> dict[str, np.ndarray]:
        """Tokens and labels of each split, by name, and the names of the tokens as JSON."""
        from rnnbench.datasets.own.labelled_texts import Rows

        texts, labels, rows = self._read()
        known = words.Vocabulary(Rows(texts.texts, rows["train"]), self._vocabulary, self.tokens)
        found = {"names": np.frombuffer(json.dumps(known.names).encode(), dtype=np.uint8)}
        for split, chosen in rows.items():
            found[f"{split}_tokens"] = known.ids(Rows(texts.texts, chosen), self.length)
            found[f"{split}_labels"] = labels.codes[chosen]
        return found


@in_memory(maxsize=2)
def _arrays(task: Texts) -> dict[str, np.ndarray]:
    task.check_data()
    names = {"text", "label", "length", "tokens", "vocabulary", "split_by", "missing"}
    key = {"version": Texts.version, "data": task.fingerprint(), **task.model_dump(mode="json", include=names)}
    return cached("texts", key, task.encoded)


@in_memory(maxsize=2)
def _names(task: Texts) -> tuple[str, ...]:
    return tuple(json.loads(_arrays(task)["names"].tobytes()))


@in_memory(maxsize=2)
def _cumulative_frequency(task: Texts) -> np.ndarray:
    return words.cumulative_frequency(_arrays(task)["train_tokens"])

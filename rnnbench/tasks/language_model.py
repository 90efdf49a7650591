"""Language model: the next characters of a text, after a lag or at every step."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from rnnbench.datasets import catalogue, reading
from rnnbench.datasets.cache import cached, in_memory
from rnnbench.errors import UserError
from rnnbench.registry import register_task
from rnnbench.tasks.base import Filler, Score, Split
from rnnbench.tasks.continuing import ContinuingTask
from rnnbench.tasks.dataset import Examples
from rnnbench.tasks.display import Display
from rnnbench.tasks.ngrams import ORDER, NGrams
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask, cross_entropy, mean_of_steps
from rnnbench.tasks.writing import Choice, Reader, continued, streamed

SPLITS = ("train", "validation", "test")
BITS = Score("bits_per_character", higher_is_better=False, perfect=0.0, unit="bits")
_WINDOWS = 1_000
"""Windows of validation and of test of a continuation, unless a file says otherwise."""
_SHAKESPEARE = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTHS = {
    "tiny_shakespeare": {"train": 1_003_854, "validation": 55_770, "test": 55_770},
    "synthetic": {"train": 60_000, "validation": 12_000, "test": 12_000},
}
_SYNTHETIC = " abcdefghijklmnopqrstuvwxyz"
_SAMPLED = 300
_SEAM = " >>> "
"""Between the prompt of a sample and what was written."""
_WRITTEN = 0x317E
_SIGNS = {"\n": "⏎", " ": "␣"}


class CharacterTask(ContinuingTask, ClassificationTask):
    """The next characters of a text. A subclass gives the text.

    Token ids: the characters of the alphabet, in its order; as many of a second alphabet, in which distractors are
    written and which is never asked for; the blank and the marker. An answer is one of the first alphabet.
    """

    version: ClassVar[int] = 1
    fillers: ClassVar[tuple[Filler, ...]] = ("blank", "distractor")
    score: ClassVar[Score] = BITS
    least_squares: ClassVar[bool] = False

    readout: int = Field(5, ge=1)
    """Characters of a `continuation` that are asked for, one after the other."""
    context: int = Field(50, ge=2)
    """Characters that are read before the lag; of a `stream`, those of a window."""
    warm_up: int | None = Field(None, ge=1)
    """Of a `stream`: characters at the start of each window that are trained on and not scored, as a network has seen
    too little there. Windows overlap by so many, so that nearly every character of a split is scored once. Default:
    half of `context`."""
    embedding: int = Field(32, ge=1)
    """Dimensions of the trained embedding of characters."""
    validation_examples: int | None = Field(None, ge=1)
    """Windows of the validation text, spread evenly over it. Default: 1,000 of a continuation, all of a stream."""
    test_examples: int | None = Field(None, ge=1)
    """Windows of the test text, spread evenly over it. Default: 1,000 of a continuation, all of a stream."""

    @model_validator(mode="after")
    def _some_are_scored(self) -> CharacterTask:
        if self.form == "stream" and self.warmed_up >= self.context:
            raise ValueError(f"'warm_up: {self.warm_up}' leaves nothing to score of a 'context' of {self.context}")
        return self

    @property
    @abstractmethod
    def alphabet(self) -> str:
        """The characters of the text; known without it."""

    @abstractmethod
    def lengths(self) -> dict[str, int]:
        """Characters of each split; known without the text."""

    @abstractmethod
    def text(self, split: str) -> np.ndarray:
        """The ids of the characters of a split, (n,) int32."""

    @property
    def warmed_up(self) -> int:
        """Characters at the start of a window of a `stream` that are not scored."""
        return self.context // 2 if self.warm_up is None else self.warm_up

    @property
    def layout(self) -> Layout:
        if self.form == "continuation":
            return Layout(evidence=self.context, lag=self.lag, readout=self.readout)
        return Layout(evidence=self.warmed_up, lag=0, readout=self.context - self.warmed_up)

    @property
    def ports(self) -> Ports:
        return self.token_ports(2 * len(self.alphabet), self.embedding)

    @property
    def outputs(self) -> int:
        return len(self.alphabet)

    def display(self) -> Display:
        """Tokens are characters, those of the second alphabet in brackets."""
        signs = tuple(_SIGNS.get(sign, sign) for sign in self.alphabet)
        return replace(super().display(), kind="words", words=self._signs, between="", classes=signs)

    def _signs(self, tokens: np.ndarray) -> Sequence[str]:
        signs = [_SIGNS.get(sign, sign) for sign in self.alphabet]
        return [signs[token] if token < len(signs) else f"({signs[token % len(signs)]})" for token in tokens]

    def split_sizes(self) -> dict[str, int]:
        lengths = self.lengths()
        train = max(0, lengths["train"] - self._width + 1)
        return {"train": train} | {split: self._held_out(lengths[split], split) for split in SPLITS[1:]}

    def problems(self, batch_size: int) -> Iterator[tuple[str, str]]:
        for split, length in self.lengths().items():
            if length < self._width:
                say = f"{self.context:,} is too many: a window has {self._width:,} characters, and the {split} text"
                yield "context", f"{say} {length:,}"
        for split in SPLITS[1:]:
            wanted, most = getattr(self, f"{split}_examples"), self._most(self.lengths()[split])
            if wanted is not None and wanted > most:
                yield f"{split}_examples", f"{wanted:,} is too many: there are {most:,} windows of {split} text"
        yield from super().problems(batch_size)

    @property
    def _width(self) -> int:
        """Characters of a window: those read, and those asked for."""
        return self.context + (self.readout if self.form == "continuation" else 1)

    @property
    def _asked_for(self) -> int:
        """Characters of a window that are scored: the last ones."""
        return self.layout.readout

    def _most(self, length: int) -> int:
        """Windows of a text of which none is asked for a character that another is asked for."""
        return max(0, (length - self._width) // self._asked_for + 1)

    def _held_out(self, length: int, split: str) -> int:
        """Windows of a validation or test text of this length."""
        most = self._most(length)
        default = min(most, _WINDOWS) if self.form == "continuation" else most
        return getattr(self, f"{split}_examples") or default

    def windows(self, split: str) -> np.ndarray:
        """(n, width) ids: every stretch of the training text; stretches of the others whose answers are apart."""
        text = self.text(split)
        if len(text) < self._width:
            return np.zeros((0, self._width), np.int32)
        every = np.lib.stride_tricks.sliding_window_view(text, self._width)
        if split == "train":
            return every
        apart = every[:: self._asked_for]
        return apart[np.linspace(0, len(apart) - 1, self._held_out(len(text), split)).round().astype(int)]

    def examples(self, split: str) -> Examples:
        windows = self.windows(split)
        if self.form == "continuation":
            return Examples(windows[:, : self.context], windows[:, self.context :])
        return Examples(windows[:, :-1], windows[:, 1:])

    def scored_steps(self) -> np.ndarray:
        return np.arange(self.context) >= self.warmed_up

    def distractors(self, rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
        """Stretches of the training text, in the second alphabet."""
        text = self.text("train")
        first = rng.integers(len(text), size=(n, 1))
        return text[(first + np.arange(steps)) % len(text)] + len(self.alphabet)

    def scores(self, stream: Stream, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """`bits_per_character` and `accuracy` of the scored steps, and `loss`, nats, of all that are asked."""
        bits = cross_entropy(stream.targets, outputs) / math.log(2)
        return {self.score.name: mean_of_steps(bits, stream.scored_only.weights), **super().scores(stream, outputs)}

    def memoryless(self, split: Split = "test") -> float:
        """Bits of the n-gram that sees the inputs of the readout alone.

        In a continuation the earlier characters of the answer; in a stream, at each step, the one that is read there.
        """
        return float(_levels(self)[split]["memoryless"].mean())

    def reference(self, split: Split = "test") -> float:
        """Bits of the n-gram of up to 4 characters in view, the context among them."""
        found = _levels(self)[split]
        return min(float(found["reference"].mean()), self.memoryless(split))

    def level_error(self, split: Split = "test") -> float:
        """That of the memoryless level, over the windows."""
        return float(np.std(_levels(self)[split]["memoryless"]) / math.sqrt(self.distinct(split)))

    def levels(self) -> dict[str, float]:
        """Bits of uniform characters and of n-grams of rising order with the context in view, and of that without."""
        found = {name: float(of_each.mean()) for name, of_each in _levels(self)["test"].items()}
        alone = {} if self.form == "stream" else {"order 4 without context": self.memoryless()}
        named = {name: found[name] for name in ("uniform", "unigram", "bigram", f"order {ORDER}")}
        return super().levels() | named | alone

    def writes(self, reader: Reader, prompt: str, length: int, choice: Choice, seed: int = 0) -> str:
        """`length` characters by which a network goes on with a prompt.

        Raises `UserError` for an empty prompt and for characters that are not in the alphabet.
        """
        ids, rng = encoded(prompt, self.alphabet, "the prompt"), np.random.default_rng([_WRITTEN, seed])
        if not len(ids):
            raise UserError("the prompt is empty: it needs one character at least")
        if self.form == "stream":
            written = streamed(reader, ids, choice, rng)
        else:
            filler = self.fill(rng, 1, self.lag)
            assert isinstance(filler, np.ndarray)
            marker = np.array([self.ports.vocabulary - 1], np.int32)
            written = continued(reader, ids, self.layout, np.concatenate([filler[0], marker]), choice, rng)
        return "".join(self.alphabet[character] for character in islice(written, length))

    def sample(self, reader: Reader) -> str | None:
        """300 characters after the beginning of the test text, at temperature .8."""
        prompt = "".join(self.alphabet[character] for character in self.text("test")[: self.context])
        return f"{prompt}{_SEAM}{self.writes(reader, prompt, _SAMPLED, Choice(temperature=0.8))}"

    @property
    def bare(self) -> CharacterTask:
        """The task without what its texts and levels do not depend on."""
        return self.model_copy(
            update={"lag": 0, "filler": self.fillers[0], "training_lags": "fixed", "lead": "none", "embedding": 1}
        )


@in_memory(maxsize=16)
def _of(task: CharacterTask) -> dict[str, dict[str, np.ndarray]]:
    model = NGrams(task.text("train"), len(task.alphabet))
    found: dict[str, dict[str, np.ndarray]] = {}
    for split in SPLITS[1:]:
        windows = task.windows(split)
        first = windows.shape[1] - task.layout.readout
        orders = [model.bits_from(windows, first, order=order).mean(axis=1) for order in range(ORDER + 1)]
        alone = orders[1]
        if task.form == "continuation":
            alone = model.bits_from(windows, first, seen=first).mean(axis=1)
        uniform = np.full(len(windows), math.log2(len(task.alphabet)))
        found[split] = {
            "memoryless": alone,
            "reference": orders[ORDER],
            "uniform": uniform,
            "unigram": orders[0],
            "bigram": orders[1],
            f"order {ORDER}": orders[ORDER],
        }
    return found


def _levels(task: CharacterTask) -> dict[str, dict[str, np.ndarray]]:
    """Bits of simple models by split and name, a value for each window."""
    return _of(task.bare)


@register_task("language_model")
class LanguageModel(CharacterTask):
    """The next characters of Shakespeare's plays. Score: bits per character.

    `form: continuation`: `context` characters, the lag, then the next `readout` characters, each asked for with those
    before it in view: the first readout step reads the marker alone. Distractors are other lines of the training text
    in a second alphabet. Memoryless: an n-gram that sees the earlier characters of the answer alone. Reference: an
    n-gram of 4 characters in view, those of the context among them.

    `form: stream`: windows of `context` characters, at each of which the next one is asked for, as in the literature.
    The first `warm_up` of a window are trained on and not scored. Memoryless: a bigram, which sees what is read at the
    step alone. Reference: an n-gram of 4 characters in view.

    Splits are those of TFDS: the first 90% of the text, the next 5%, the last 5%.
    """

    version: ClassVar[int] = 1

    source: Literal["tiny_shakespeare", "synthetic"] = "tiny_shakespeare"
    """`tiny_shakespeare`: 1.1 million characters of plays (Karpathy 2015); `synthetic`: random words of a small
    lexicon."""

    @property
    def alphabet(self) -> str:
        return _SHAKESPEARE if self.source == "tiny_shakespeare" else _SYNTHETIC

    def lengths(self) -> dict[str, int]:
        return _LENGTHS[self.source]

    def text(self, split: str) -> np.ndarray:
        return _texts(self.source)[split]


@in_memory(maxsize=2)
def _texts(source: str) -> dict[str, np.ndarray]:
    if source == "synthetic":
        return {split: _synthetic(at, length) for at, (split, length) in enumerate(_LENGTHS[source].items())}
    catalogue.check(source)
    arrays = cached("characters", {"version": LanguageModel.version, "data": catalogue.fingerprint(source)}, _read)
    return {split: arrays[split].astype(np.int32) for split in SPLITS}


def _read() -> dict[str, np.ndarray]:
    arrays = {}
    for split in SPLITS:
        (row,) = reading.rows("tiny_shakespeare", split)
        arrays[split] = encoded(row["text"].decode(), _SHAKESPEARE, "tiny_shakespeare").astype(np.uint8)
    return arrays


def encoded(text: str, alphabet: str, what: str) -> np.ndarray:
    """The ids of the characters of a text, (n,) int32. Raises `UserError` for characters outside the alphabet."""
    ids = {sign: at for at, sign in enumerate(alphabet)}
    if unknown := sorted(set(text) - ids.keys()):
        raise UserError(f"{what}: these characters are not in the alphabet: {' '.join(map(ascii, unknown))}")
    return np.array([ids[sign] for sign in text], dtype=np.int32)


def _synthetic(at: int, length: int) -> np.ndarray:
    """Words of a lexicon of 40, of three to six letters, with Zipf frequencies, and blanks between them."""
    lexicon_rng, rng = np.random.default_rng(7), np.random.default_rng([7, at])
    lexicon = ["".join(lexicon_rng.choice(list(_SYNTHETIC[1:]), size=3 + word % 4)) for word in range(40)]
    share = 1 / np.arange(1, len(lexicon) + 1)
    words = rng.choice(lexicon, size=length, p=share / share.sum())
    return encoded(" ".join(words)[:length], _SYNTHETIC, "synthetic")

"""What a network answers to some test examples, and how its answers spread over classes and steps ahead.

Taken from the outputs of the test itself, so it costs no computation of its own. All of it is JSON values: it travels
as an event, is stored beside a run and exported. Of a task with `show_examples: false` only what is summed over the
split is kept: no inputs, and no answer to any single example.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from rnnbench.showing import text
from rnnbench.showing.example import EVIDENCE, LEAD, Chosen, Example, example
from rnnbench.showing.picture import packed
from rnnbench.tasks.base import Task
from rnnbench.tasks.display import Display, name_of_class
from rnnbench.tasks.stream import Stream

MOST_EXAMPLES = 8
MOST_CLASSES = 20
"""A task of more classes has no confusion matrix."""
MOST_CURVES = 3
_FEW_NUMBERS = 6
"""A forecast is looked at as a curve, a film as pictures: only so many of their numbers are written out."""
_MOST_SEEN = 200
"""Steps of a curve before its forecast."""


def shows_examples(task: Task) -> bool:
    """Whether single examples of a task may be shown: not those of a person's own file, unless asked for."""
    return bool(getattr(task, "show_examples", True))


def allowed(task: Task, answers: dict[str, Any] | None) -> dict[str, Any] | None:
    """What may be shown of stored answers: without examples where the task says so by now, whatever it said then."""
    if answers is None or shows_examples(task):
        return answers
    return {name: part for name, part in answers.items() if name != "sample"} | {"examples": []}


class Answers:
    """Takes in the test split batch by batch, and keeps a few examples and counts."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._chosen = Chosen(MOST_EXAMPLES) if shows_examples(task) else None
        self._confusion = _Confusion(task.outputs) if task.outputs <= MOST_CLASSES else None
        self.reason = ""
        """Why there are no answers; empty where there are."""

    def update(self, stream: Stream, outputs: np.ndarray) -> None:
        """A batch and the network's raw answers to it, (B, R, outputs)."""
        if self.reason:
            return
        try:
            self._update(stream, outputs)
        except Exception as error:  # of a plug-in, which must not end the run
            self.reason = f"{type(error).__name__}: {error}"

    def result(self) -> dict[str, Any] | None:
        """`score`, `examples`, and where there are some `confusion` and `errors_ahead`; None where there is nothing.

        Each example has `example` (its place in the split), `lead`, `asked`, `truth` and `answer` as text; of classes
        also `right`, the share of its scored steps, and `probability`, the mean one of its answers; of numbers `error`,
        the mean squared one; perhaps `curves` and a `picture`. Where the task tells an answer in its own words, `right`
        is 1 or 0: whether they are those of the truth. A run may add `sample`, a text that the network wrote.
        """
        try:
            return None if self.reason else self._result()
        except Exception as error:
            self.reason = f"{type(error).__name__}: {error}"
            return None

    @cached_property
    def _display(self) -> Display:
        return self._task.display()

    @cached_property
    def _errors(self) -> _ErrorsAhead | None:
        """None for a task whose answer is not a stretch of its series."""
        channels = list(self._display.forecast)
        fits = channels and self._task.outputs % len(channels) == 0
        return _ErrorsAhead(channels, self._task) if fits else None

    def _update(self, stream: Stream, outputs: np.ndarray) -> None:
        if self._chosen is not None:
            self._chosen.update(stream, outputs)
        if _are_classes(self._task, stream) and self._confusion is not None:
            self._confusion.add(stream, outputs)
        elif _are_numbers(self._task, stream) and self._errors is not None:
            self._errors.add(stream, outputs)

    def _result(self) -> dict[str, Any] | None:
        told = [
            _told(example(self._task, row, place, self._display), answer[0])
            for place, row, answer in (self._chosen.rows() if self._chosen is not None else [])
            if answer is not None and self._can_tell(row)
        ]
        found: dict[str, Any] = {"score": self._task.score.name, "examples": told}
        if self._confusion is not None and self._confusion.counts.any():
            found["confusion"] = self._confusion.told(self._display)
        if self._errors is not None and self._errors.examples:
            found["errors_ahead"] = self._errors.means()
        return found if told or len(found) > 2 else None

    def _can_tell(self, stream: Stream) -> bool:
        told = self._display.answered is not None
        return told or _are_classes(self._task, stream) or _are_numbers(self._task, stream)


class _Confusion:
    """How often each class was answered where each was right, over the scored steps."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), np.int64)
        self._undefined = 0

    def add(self, stream: Stream, outputs: np.ndarray) -> None:
        weights = stream.scored_only.weights
        asked = np.ones(stream.targets.shape, bool) if weights is None else weights > 0
        defined = asked & np.isfinite(outputs).all(axis=-1)
        self._undefined += int(asked.sum() - defined.sum())
        np.add.at(self.counts, (stream.targets[defined], outputs.argmax(axis=-1)[defined]), 1)

    def told(self, display: Display) -> dict[str, Any]:
        """`classes`, `counts` (a row for each right one), and how many answers were `undefined`.

        Without classes that were neither right nor answered.
        """
        met = np.flatnonzero(self.counts.sum(axis=0) + self.counts.sum(axis=1))
        names = [name_of_class(display, int(number)) for number in met]
        return {"classes": names, "counts": self.counts[np.ix_(met, met)].tolist(), "undefined": self._undefined}


class _ErrorsAhead:
    """The squared error of a forecast at each step ahead, beside that of persistence."""

    def __init__(self, channels: list[int], task: Task) -> None:
        self._task, self._channels, self.examples = task, channels, 0
        self._sums = np.zeros((2, task.outputs // len(channels)))

    def add(self, stream: Stream, outputs: np.ndarray) -> None:
        assert stream.features is not None
        last = stream.steps - self._task.layout.readout - self._task.layout.lag - 1
        shape = (stream.examples, -1, len(self._channels))
        truth = stream.targets[:, -1].reshape(shape).astype(np.float64)
        persistence = stream.features[:, last, self._channels][:, None]
        for at, forecast in enumerate((outputs[:, -1].reshape(shape), persistence)):
            self._sums[at] += ((forecast - truth) ** 2).mean(axis=-1).sum(axis=0)
        self.examples += stream.examples

    def means(self) -> dict[str, list[float | None]]:
        network, persistence = self._sums / max(self.examples, 1)
        return {"mse": _plain(network), "persistence": _plain(persistence)}


def _told(one: Example, outputs: np.ndarray) -> dict[str, Any]:
    """An example with its answer; `outputs`: (R, outputs)."""
    truth = one.stream.targets[0]
    looked_at = one.display.forecast or one.display.answer_picture
    most = _FEW_NUMBERS if looked_at else None
    told: dict[str, Any] = {
        "example": one.number,
        "lead": one.part(LEAD).steps,
        "asked": text.inputs(one),
        "truth": text.truth(one.display, truth, one.scored, most),
    }
    if one.display.answered is not None:
        told |= {"answer": one.display.answered(outputs)}
        if truth.ndim == 1:
            told |= {"right": float(told["answer"] == told["truth"])}
    elif truth.ndim == 1:
        said = outputs.argmax(axis=-1)
        told |= {
            "answer": text.answer(one.display, said, one.scored),
            "right": _rounded(np.mean((said == truth)[one.scored])),
            "probability": _rounded(_probability(outputs[one.scored])),
        }
    else:
        error = np.mean(np.square(outputs[one.scored] - truth[one.scored], dtype=np.float64))
        told |= {"answer": text.answer(one.display, outputs, one.scored, most), "error": _rounded(error)}
        told |= _curves(one, truth[-1], outputs[-1])
    return told | ({"picture": picture} if (picture := packed(one, truth, outputs)) else {})


def _probability(logits: np.ndarray) -> float:
    """The mean probability of the answers, the largest of each softmax."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return float(np.mean(1 / shifted.sum(axis=-1)))


def _curves(one: Example, truth: np.ndarray, answer: np.ndarray) -> dict[str, Any]:
    """The end of what was seen, the truth after it, the forecast and persistence, of the first channels."""
    channels = list(one.display.forecast)
    if not channels or len(truth) % len(channels):
        return {}
    evidence = one.part(EVIDENCE)
    seen = one.content[evidence.first : evidence.first + evidence.steps]
    kept = min(len(seen), max(_MOST_SEEN // 4, 3 * len(truth) // len(channels)), _MOST_SEEN)
    curves = []
    for at, channel in enumerate(channels[:MOST_CURVES]):
        own = seen[-kept:, channel]
        future = truth.reshape(-1, len(channels))[:, at]
        curves.append(
            {
                "name": text.channel(one.display, channel),
                "seen": _plain(own),
                "truth": _plain(future),
                "answer": _plain(answer.reshape(-1, len(channels))[:, at]),
                "persistence": _plain(np.full(len(future), own[-1])),
            }
        )
    return {"curves": curves}


def _are_classes(task: Task, stream: Stream) -> bool:
    of_each_step = task.aligned and task.outputs > 1
    return bool(of_each_step and np.issubdtype(stream.targets.dtype, np.integer) and stream.targets.ndim == 2)


def _are_numbers(task: Task, stream: Stream) -> bool:
    return stream.targets.ndim == 3 and stream.targets.shape[2] == task.outputs


def _plain(values: np.ndarray) -> list[float | None]:
    return [_rounded(value) for value in values]


def _rounded(value: Any) -> float | None:
    """Four significant digits; None for what is not finite, which JSON has no word for."""
    return float(f"{float(value):.4g}") if math.isfinite(value) else None

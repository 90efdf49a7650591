"""Tasks whose answer is how a sequence goes on: behind a lag, or at every step of it."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.identity import class_code
from rnnbench.tasks import protocol
from rnnbench.tasks.base import Reads
from rnnbench.tasks.dataset import DatasetTask
from rnnbench.tasks.stream import Stream


class ContinuingTask(DatasetTask):
    """What comes next in a sequence, asked many times and answered as it comes.

    `form: continuation`: the evidence, the lag, then `readout` steps. The first reads the marker alone, each later one
    the true step before the one that it is asked for, also in a test: answers are not fed back. `form: stream`: every
    step is read and asked for the next one, as the literature does. There is no lag then, no lead and no survival.
    """

    version: ClassVar[int] = 1

    form: Literal["continuation", "stream"] = "continuation"
    """`continuation`: the steps that follow, after a lag; `stream`: the next step at every step, without a lag."""
    readout: int = Field(ge=1)
    """Steps of a `continuation` that are asked for."""

    @model_validator(mode="after")
    def _no_lag_in_a_stream(self) -> Self:
        if self.form == "stream" and self.lag:
            raise ValueError("'form: stream' has no lag: 'lag: 0'")
        return self

    @property
    def has_clock(self) -> bool:  # type: ignore[override]  # a setting decides
        return self.form == "continuation"

    @property
    def reads(self) -> Reads:  # type: ignore[override]  # a setting decides
        return "end" if self.form == "continuation" else "every step"

    def canonical(self) -> Self:
        """`form: stream` has neither filler nor `readout`."""
        if self.form == "stream" and class_code.is_built_in(type(self)):
            readout = type(self).model_fields["readout"].default
            return self.model_copy(update={"readout": readout, "filler": type(self).fillers[0]})
        return super().canonical()

    def without_marker(self, stream: Stream) -> Stream | None:
        """The marker, at the first readout step, replaced by filler; a `stream` has none."""
        if self.form == "stream":
            return None
        filler, at = self.fill(protocol.filler_rng(3), stream.examples, 1), stream.steps - self.readout
        parts = {
            name: getattr(stream, name).copy() for name in ("features", "tokens") if getattr(stream, name) is not None
        }
        for part, filled in zip(parts.values(), filler if isinstance(filler, tuple) else (filler,), strict=True):
            part[:, at : at + 1] = filled
        return stream._replace(**parts)

    def scored_steps(self) -> np.ndarray | None:
        """(R,) bool: which steps of a `stream` are scored; None: all."""
        return None

    def _with_lag(self, evidence: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> Stream:
        if self.form == "stream":
            shown = self._shown(evidence)
            kept = {"features": self.ports.features, "tokens": self.ports.vocabulary}
            inputs = {kind: part for kind, part in shown.items() if kept[kind]}
            scored = self.scored_steps()
            if scored is not None:
                scored = np.broadcast_to(scored, targets.shape[:2]).copy()
            return Stream(targets=targets, scored=scored, **inputs)
        stream = super()._with_lag(evidence, targets, rng)
        self._tell(stream, targets[:, :-1])
        return stream

    def _tell(self, stream: Stream, before: np.ndarray) -> None:
        """Put the true answers (n, R - 1, ...) into the inputs of the readout steps behind the marker's."""
        first = stream.steps - self.readout + 1
        if stream.tokens is not None:
            stream.tokens[:, first:] = before
        elif stream.features is not None:
            stream.features[:, first:] = 0
            stream.features[:, first:, : before.shape[2]] = before

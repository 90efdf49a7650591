"""A stream behind a lead: steps of filler before its evidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnbench.tasks.stream import Stream


def behind(stream: Stream, filler: np.ndarray | tuple[np.ndarray, np.ndarray] | None, lead: int, every: bool) -> Stream:
    """The stream after `lead` steps of `filler`, one array for each kind of its inputs (None: no steps).

    `every`: whether every step is read; then nothing is asked of the lead.
    """
    parts = () if filler is None else filler if isinstance(filler, tuple) else (filler,)
    names = [name for name in ("features", "tokens") if getattr(stream, name) is not None]
    led: dict[str, Any] = {
        name: np.concatenate([added.astype(stream.parts[name].dtype), stream.parts[name]], axis=1)
        for name, added in zip(names, parts, strict=bool(parts))
    }
    if stream.readout is not None:
        led["readout"] = stream.readout + np.int32(lead)
    if every:
        led |= _not_asked(stream, lead)
    return stream._replace(**led)


def _not_asked(stream: Stream, lead: int) -> dict[str, np.ndarray]:
    shape = stream.targets.shape[:2]
    asked = {
        "targets": stream.targets,
        "weights": np.ones(shape, np.float32) if stream.weights is None else stream.weights,
        "scored": np.ones(shape, bool) if stream.scored is None else stream.scored,
    }
    nothing = {part: np.zeros((len(values), lead, *values.shape[2:]), values.dtype) for part, values in asked.items()}
    return {part: np.concatenate([nothing[part], values], axis=1) for part, values in asked.items()}

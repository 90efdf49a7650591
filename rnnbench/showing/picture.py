"""Steps as grey levels, and grey levels as a PNG inside a page."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnbench.showing.example import EVIDENCE, Example

_MOST_PIXELS = 20_000
_GAP = 2
"""Pixels between pictures."""


def grey(values: np.ndarray) -> np.ndarray:
    """Numbers as grey levels, uint8 of the same shape: the least is 0, the largest 255; 0 where all are equal."""
    finite = np.nan_to_num(values.astype(np.float64))
    low, high = finite.min(initial=np.inf), finite.max(initial=-np.inf)
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    return (255 * (finite - low) / (high - low)).round().astype(np.uint8)


def of_evidence(example: Example) -> np.ndarray | None:
    """(height, width) uint8: the evidence of an image as it is, of frames with time to the right; None of others."""
    evidence = example.part(EVIDENCE)
    own = example.content[evidence.first : evidence.first + evidence.steps]
    if own.size == 0 or example.display.kind not in ("image", "frames"):
        return None
    if example.display.kind == "frames":
        return upright(own)
    return grey(example.display.picture(own) if example.display.picture else own)


def upright(steps: np.ndarray) -> np.ndarray:
    """(steps, channels) as a picture with time to the right and the first channel at the bottom."""
    return grey(steps.T[::-1])


def of_answer(example: Example, truth: np.ndarray, outputs: np.ndarray) -> np.ndarray | None:
    """The evidence, below it the right answer, below that the given one, each a picture; None where they are none.

    `truth`, `outputs`: (R, outputs).
    """
    picture = example.display.answer_picture
    if picture is None:
        return None
    pictures = [_levels(picture(values)) for values in (truth, outputs)]
    seen = of_evidence(example)
    return _below(pictures if seen is None else [seen, *pictures])


def _levels(picture: np.ndarray) -> np.ndarray:
    """Grey levels of a picture in [0, 1]; black where it is not finite."""
    return (255 * np.clip(np.nan_to_num(picture), 0, 1)).round().astype(np.uint8)


def _below(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """One picture of all, each to the left, white between and beside them."""
    width = max(one.shape[1] for one in pictures)
    rows = [np.pad(one, [(0, _GAP), (0, width - one.shape[1])], constant_values=255) for one in pictures]
    return np.concatenate(rows)[:-_GAP]


def packed(example: Example, truth: np.ndarray, outputs: np.ndarray) -> dict[str, Any] | None:
    """The picture of the evidence, with those of the right and the given answer, if these are pictures, as JSON values:
    `height`, `width` and `grey`, bytes in base 64."""
    picture = of_evidence(example) if example.display.answer_picture is None else of_answer(example, truth, outputs)
    if picture is None or picture.size > _MOST_PIXELS:
        return None
    height, width = picture.shape
    return {"height": height, "width": width, "grey": base64.b64encode(picture.tobytes()).decode()}


def unpacked(picture: dict[str, Any]) -> np.ndarray:
    """What `packed` was given."""
    levels = np.frombuffer(base64.b64decode(picture["grey"]), np.uint8)
    return levels.reshape(picture["height"], picture["width"])


def png(levels: np.ndarray) -> bytes:
    """A grey picture, (height, width) uint8, as the bytes of a PNG file. Equal pictures give equal bytes."""
    height, width = levels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def data_uri(levels: np.ndarray) -> str:
    """The picture as an address that holds it, so that a page asks nobody for it."""
    return f"data:image/png;base64,{base64.b64encode(png(levels)).decode()}"

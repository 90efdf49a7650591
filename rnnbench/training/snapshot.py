"""All that a run needs to continue where it was, as bytes: NumPy arrays, and JSON for the rest."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rnnbench import events
from rnnbench.events import Event
from rnnbench.text import strict_json

_MAGIC = b"rnnbench checkpoint 4\n"
_DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Snapshot:
    """A run between two training steps."""

    seconds: dict[str, float]
    """Time used so far, from `Stopwatch.readings`."""
    progress: dict[str, Any]
    """What the run has reached, as plain values."""
    versions: dict[str, str]
    """Versions with which the run was computed; others may give other last bits."""
    events: Sequence[Event] = ()
    """All that the run has said."""
    arrays: dict[str, list[np.ndarray]] = field(default_factory=dict)
    """Weights by their purpose."""

    def to_bytes(self) -> bytes:
        """The snapshot, preceded by a digest of all of it."""
        said = [[type(event).__name__, asdict(event)] for event in self.events]
        plain = {"seconds": self.seconds, "progress": self.progress, "versions": self.versions, "events": said}
        # Python writes a float with enough digits to read the same bits back.
        text = strict_json.dumps_exactly(plain, default=lambda number: number.item())
        arrays = {f"{name}/{index}": array for name, group in self.arrays.items() for index, array in enumerate(group)}
        arrays["json"] = np.frombuffer(text.encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        content = buffer.getvalue()
        return _MAGIC + hashlib.sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """Raises `ValueError` for anything but the whole, unchanged bytes of a snapshot."""
        start = len(_MAGIC) + _DIGEST_SIZE
        if not data.startswith(_MAGIC):
            raise ValueError("not a checkpoint of this version of rnnbench")
        content = data[start:]
        if hashlib.sha256(content).digest() != data[len(_MAGIC) : start]:
            raise ValueError("damaged or cut off")
        arrays: dict[str, list[np.ndarray]] = {}
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            plain = strict_json.loads_exactly(stored["json"].tobytes())
            for name in stored.files:
                if name != "json":
                    arrays.setdefault(name.partition("/")[0], []).append(stored[name])
        said = [getattr(events, kind)(**fields) for kind, fields in plain.pop("events")]
        return cls(**plain, events=said, arrays=arrays)

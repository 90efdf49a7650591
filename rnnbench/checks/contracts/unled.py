"""A stream as it would stand without its lead."""

from __future__ import annotations

import numpy as np

from rnnbench.checks.contracts.check import require
from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream


def asked(stream: Stream) -> Stream:
    """The stream with all that it leaves out spelled out."""
    shape = stream.targets.shape[:2]
    return stream._replace(
        weights=np.ones(shape, np.float32) if stream.weights is None else stream.weights,
        scored=np.ones(shape, bool) if stream.scored is None else stream.scored,
    )


def without_lead(stream: Stream, steps: int, task: Task) -> Stream:
    """The last `steps` of a stream, as they would stand without its lead."""
    lead = stream.steps - steps
    require(lead >= 0, f"a stream behind its lead has {stream.steps} steps; without it {steps}")
    found = asked(stream)
    kept = {name: getattr(found, name) for name in ("features", "tokens")}
    if task.reads == "every step":
        in_lead = found.parts["weights"][:, :lead]
        require(not in_lead.any(), "nothing may be asked in the lead: its steps need weight 0")
        kept |= {name: getattr(found, name) for name in ("targets", "weights", "scored")}
    cut = {name: np.ascontiguousarray(part[:, lead:]) for name, part in kept.items() if part is not None}
    if found.readout is not None:
        cut["readout"] = found.readout - np.int32(lead)
    return found._replace(**cut)

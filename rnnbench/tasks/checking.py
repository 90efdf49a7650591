"""Whether a batch is as its task declares it."""

from __future__ import annotations

import numpy as np

from rnnbench.errors import UserError
from rnnbench.tasks.stream import Ports, Stream


def check_inputs(stream: Stream, what: str, ports: Ports, steps: int) -> None:
    """Raise `UserError` (`what` in the message) for a batch that is empty, not finite, or of other shapes.

    Targets of the wrong shape would otherwise be broadcast silently against the network's outputs.
    """
    if not isinstance(stream, Stream):
        raise UserError(f"{what} is a {type(stream).__name__}, expected a rnnbench.Stream")
    if not stream.examples:
        raise UserError(f"{what} is empty")
    for kind, given, declared in (
        ("features", stream.features, ports.features),
        ("tokens", stream.tokens, ports.vocabulary),
    ):
        if (given is not None) != bool(declared):
            raise UserError(f"{what} has {'no ' if declared else ''}{kind}, but `ports` declares {ports}")
    if stream.features is not None:
        check_shape(stream.features, what, "features", (stream.examples, steps, ports.features))
        check_finite(stream.features, what, "features")
    if stream.tokens is not None:
        check_shape(stream.tokens, what, "tokens", (stream.examples, steps))
        check_range(stream.tokens, what, "token", ports.vocabulary)


def check_reading(stream: Stream, what: str, reads: str, read_steps: int | None) -> None:
    """Raise `UserError` unless targets, weights and read steps fit each other; `read_steps`: R, if it is known."""
    targets = np.asarray(stream.targets)
    if targets.ndim < 2 or (read_steps is not None and targets.shape[1] != read_steps):
        wanted = "R" if read_steps is None else read_steps
        raise UserError(
            f"{what} has targets of shape {targets.shape}, expected ({len(targets)}, {wanted}, ...): "
            "a target for each step that is read"
        )
    for name in ("readout", "weights", "scored"):
        part = getattr(stream, name)
        if part is not None:
            check_shape(part, what, name, targets.shape[:2])
    if (reads == "given") != (stream.readout is not None):
        wanted = "must give the steps that are read" if reads == "given" else f"must not give any: it reads the {reads}"
        raise UserError(f"{what} has {'no ' if reads == 'given' else 'a '}readout, but the task {wanted}")
    if stream.readout is not None:
        check_range(stream.readout, what, "readout", stream.steps)
    if stream.weights is not None:
        check_finite(stream.weights, what, "weights")
        if (stream.weights < 0).any():
            raise UserError(f"{what} has a weight of {stream.weights.min():g}, which is below 0")
    scored = stream.scored_only.weights
    if scored is not None and not (asked := scored.any(axis=1)).all():
        raise UserError(f"{what} scores no step of example {int(np.argmin(asked))} (from 0)")
    check_finite(targets, what, "targets")


def check_shape(values: np.ndarray, what: str, kind: str, wanted: tuple[int, ...]) -> None:
    if values.shape != wanted:
        raise UserError(f"{what} has {kind} of shape {values.shape}, expected {wanted}")


def check_finite(values: np.ndarray, what: str, kind: str) -> None:
    if np.issubdtype(values.dtype, np.floating) and not (finite := np.isfinite(values)).all():
        first = tuple(np.argwhere(~finite)[0].tolist())
        raise UserError(
            f"{what} holds {np.count_nonzero(~finite):,} {kind} that are not finite, "
            f"the first of them {values[first]} at index {list(first)} (from 0)"
        )


def check_range(values: np.ndarray, what: str, kind: str, end: int) -> None:
    wrong = values[(values < 0) | (values >= end)]
    if wrong.size:
        raise UserError(f"{what} has {kind} {wrong.flat[0]}, outside 0 to {end - 1}")

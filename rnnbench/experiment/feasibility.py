"""Checks before anything runs: whether a class meets its contract, and its settings are compatible.

Called while an experiment is expanded; imports no TensorFlow and reads no data. Errors raised by a plug-in become one
line with the place where they were raised.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

from pydantic import ValidationError

from rnnbench.errors import UserError
from rnnbench.identity.class_code import describe
from rnnbench.models.base import Model
from rnnbench.models.sizing import BudgetError
from rnnbench.tasks.base import Score, Task
from rnnbench.tasks.lag_curve import default_test_lags
from rnnbench.tasks.stream import Layout, Ports

_CALLS: dict[type, dict[str, tuple[tuple[str, ...], dict[str, Any]]]] = {
    Task: {
        "train_batch": (("seed", "step", "batch_size"), {}),
        "split": (("name",), {}),
        "loss": (("stream", "outputs"), {}),
        "scores": (("stream", "outputs"), {}),
        "metric": ((), {}),
        "memoryless": (("split",), {}),
        "reference": (("split",), {}),
        "distinct": (("split",), {}),
        "without_marker": (("stream",), {}),
        "fill": (("rng", "n", "steps"), {}),
        "levels": ((), {}),
        "problems": (("batch_size",), {}),
        "look": ((), {}),
        "split_sizes": ((), {}),
        "fingerprint": ((), {}),
        "canonical": ((), {}),
    },
    Model: {
        "layer": (("name",), {}),
        "layer_parameters": (("inputs",), {}),
        "initialize": (("layer", "length", "rng"), {}),
        "activations": (("cell", "inputs", "states"), {}),
        "canonical": ((), {}),
        "state_size": ((), {}),
        "unsupported": (("spec",), {}),
    },
}
"""How rnnbench calls the methods of a class: positional and keyword arguments."""


class InfeasibleError(Exception):
    """Something cannot run: `key` is the setting at fault, empty for the class itself; the message is one line."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message


def check_class(thing: type[Task] | type[Model]) -> None:
    """Raise `InfeasibleError` unless the class defines all methods of its contract with compatible signatures."""
    missing = sorted(thing.__abstractmethods__)
    if missing:
        raise InfeasibleError("", f"{describe(thing)} does not define {', '.join(missing)}")
    (base,) = (base for base in _CALLS if issubclass(thing, base))
    for name, (positional, keywords) in _CALLS[base].items():
        method = getattr(thing, name)
        if name in thing.model_fields or not callable(method):
            found = "a setting" if name in thing.model_fields else _shown(method)
            raise InfeasibleError("", f"{describe(thing)}: {name} is {found} but must be a method")
        bound = isinstance(inspect.getattr_static(thing, name), classmethod | staticmethod)
        try:
            inspect.signature(method).bind(*(() if bound else (None,)), *positional, **keywords)
        except (TypeError, ValueError):
            call = ", ".join((*positional, *keywords))
            raise InfeasibleError("", f"{describe(thing)}: {name} cannot be called as {name}({call})") from None


def check_task(task: Task, batch_size: int) -> None:
    """Raise `InfeasibleError` for properties of the wrong type, and for the problems that the task itself reports."""
    thing = type(task)
    try:
        with as_infeasible(thing, "look"):
            task.look()
    except UserError as error:
        raise InfeasibleError("path", str(error)) from None
    layout = _checked(task, "layout", (Layout,), "rnnbench.Layout")
    for part, least in (("evidence", 1), ("lag", 0), ("readout", 1)):
        _refuse_unless_size(thing, f"layout.{part}", getattr(layout, part), least)
    if task.has_clock and layout.lag != task.lag:
        raise InfeasibleError(
            "", f"{describe(thing)}: layout.lag is {layout.lag} but must be the task's lag, {task.lag}"
        )
    ports = _checked(task, "ports", (Ports,), "rnnbench.Ports")
    for part, size in ports._asdict().items():
        _refuse_unless_size(thing, f"ports.{part}", size, 0)
    if not ports.width or bool(ports.vocabulary) != bool(ports.embedding):
        wanted = "features, or a vocabulary and the embedding of its tokens, or all three"
        raise InfeasibleError("", f"{describe(thing)}: ports is {_shown(ports)} but must have {wanted}")
    _refuse_unless_size(thing, "outputs", _checked(task, "outputs", (object,), "an integer"), 1)
    _checked(task, "data_source", (str,), "a string")
    _checked(task, "score", (Score,), "rnnbench.Score")
    _checked(task, "solved_score", (Real, type(None)), "a number or None")
    _checked(task, "allows_lookahead", (bool,), "True or False")
    _refuse_unhashable(task)
    _check_protocol(task)
    with as_infeasible(thing, "problems"):
        for key, message in task.problems(batch_size):
            raise InfeasibleError(key, message)


def _check_protocol(task: Task) -> None:
    """Raise `InfeasibleError` for lags or leads that the task cannot have."""
    if task.lead != "none" and type(task).fill is Task.fill:
        raise InfeasibleError("lead", f"'{task.lead}' is not possible: {describe(type(task))} defines no fill")
    if task.training_lags == "fixed":
        return
    if task.lag < task.least_lag:
        raise InfeasibleError("lag", f"{task.lag} is too short: the shortest lag of the task is {task.least_lag}")
    try:
        with as_infeasible(type(task), "validation"):
            task.at_lag(task.shortest_lag)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        drawn = f"'{task.training_lags}' draws lags from {task.shortest_lag} to {task.lag}, but at {task.shortest_lag}"
        raise InfeasibleError("training_lags", f"{drawn}: {reason}; see least_lag of the task") from None


def untestable(task: Task, lag: int) -> str | None:
    """Why a task cannot be tested at a lag, in one line; None if it can."""
    if lag < task.least_lag:
        return f"its shortest lag is {task.least_lag}"
    if lag != task.lag and not task.has_clock:
        return f"its distance is not one number, so it is tested at its own lag alone, {task.lag}"
    try:
        with as_infeasible(type(task), "validation"):
            other = task.at_lag(lag)
    except ValidationError as error:
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    with as_infeasible(type(task), "problems"):
        # A batch of one example: training does not take place at this lag.
        return next((message for _, message in other.problems(1)), None)


def tested_lags(task: Task, asked: tuple[int, ...] | None) -> list[int]:
    """The lags at which a run is tested, its own among them; rising. `asked`: `test_lags` of the file."""
    wanted = default_test_lags(task.least_lag, task.lag) if asked is None else asked
    return sorted({task.lag, *(lag for lag in wanted if untestable(task, lag) is None)})


def check_model(model: Model, inputs: int) -> None:
    """Raise `InfeasibleError` for a model whose sizes are of the wrong type or raise an error."""
    thing = type(model)
    with as_infeasible(thing, "layer_parameters"):
        parameters = model.parameters(inputs)
    _refuse_unless_size(thing, "layer_parameters", parameters, 0)
    _checked(model, "kernel_blocks", (Real,), "a number")
    _checked(model, "gate_names", (tuple, list), "a tuple of strings")
    _checked(model, "causal", (bool,), "True or False")
    with as_infeasible(thing, "architecture"):
        model.architecture  # noqa: B018
    _refuse_unhashable(model)


def reason_to_skip(model: Model, spec: Any) -> str | None:
    """What the model's `unsupported` says of a run. Raises `InfeasibleError` unless it is None or a line of text."""
    thing = type(model)
    try:
        with as_infeasible(thing, "unsupported"):
            reason = model.unsupported(spec)
    except (BudgetError, ValidationError) as error:
        raise InfeasibleError("", f"{describe(thing)}: unsupported raised {_in_a_line(error)}") from error
    if reason is None or (isinstance(reason, str) and reason.strip() and reason.isprintable()):
        return reason
    raise InfeasibleError(
        "", f"{describe(thing)}: unsupported returned {_shown(reason)} but must return None or a reason in one line"
    )


def _refuse_unhashable(thing: Task | Model) -> None:
    """Settings must be hashable: runs with equal settings find their shared compiled network by hash."""
    for name in type(thing).model_fields:
        try:
            hash(getattr(thing, name))
        except TypeError:
            kind = type(getattr(thing, name)).__name__
            raise InfeasibleError(
                name,
                f"{describe(type(thing))}: a setting cannot be a {kind}; make it a tuple, or a frozen pydantic model",
            ) from None


@contextmanager
def as_infeasible(thing: type, what: str, key: str = "") -> Iterator[None]:
    """Turn an error raised by a class's own code into an `InfeasibleError` that says what failed and where."""
    try:
        yield
    except (InfeasibleError, BudgetError, UserError, ValidationError):
        raise
    except Exception as error:
        place = _raised_at(thing, error)
        raise InfeasibleError(key, f"{describe(thing)}: {what} raised {_in_a_line(error)}{place}") from error


def _in_a_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _raised_at(thing: type, error: Exception) -> str:
    """The innermost line of the class's own file in the traceback."""
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" at {file}:{lines[-1]}" if lines else ""


def _checked(thing: Task | Model, name: str, kinds: tuple[type, ...], wanted: str) -> Any:
    with as_infeasible(type(thing), name):
        value = getattr(thing, name)
    if not isinstance(value, kinds) or inspect.ismethod(value):
        raise InfeasibleError("", f"{describe(type(thing))}: {name} is {_shown(value)} but must be {wanted}")
    return value


def _refuse_unless_size(thing: type, name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        wanted = f"an integer, {least} or more"
        raise InfeasibleError("", f"{describe(thing)}: {name} is {_shown(value)} but must be {wanted}")


def _shown(value: Any) -> str:
    if inspect.ismethod(value):
        return "a method (add @property)"
    if isinstance(value, property):
        return "a property"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

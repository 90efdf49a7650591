"""What can be known before anything runs: whether a class has what its contract asks, and its settings go together.

Called while an experiment is expanded. Touches neither TensorFlow nor data. A plug-in's own errors come out as one line
that says where they were raised.
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
from rnnbench.tasks.base import Features, Layout, Task, Tokens

_CALLS: dict[type, dict[str, tuple[tuple[str, ...], dict[str, Any]]]] = {
    Task: {
        "train_batch": (("seed", "step", "batch_size"), {}),
        "split": (("name",), {}),
        "loss": (("targets", "outputs"), {}),
        "readout_loss": (("targets", "outputs"), {}),
        "scores": (("targets", "outputs"), {}),
        "memoryless": ((), {}),
        "levels": ((), {}),
        "problems": (("batch_size",), {}),
        "split_sizes": ((), {}),
        "fingerprint": ((), {}),
        "canonical": ((), {}),
    },
    Model: {
        "recurrent_layer": ((), {"return_sequences": True, "name": ""}),
        "layer_parameters": (("inputs",), {}),
        "initialize": (("cell", "length", "rng"), {}),
        "activations": (("cell", "inputs", "states"), {}),
        "canonical": ((), {}),
    },
}
"""How the suite calls what a class defines."""


class InfeasibleError(Exception):
    """Something that cannot run: the setting at fault, empty for the class itself, and why in one line."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message


def check_class(thing: type[Task] | type[Model]) -> None:
    """Raise `InfeasibleError` unless the class defines all that its contract asks, to be called as the suite does."""
    missing = sorted(thing.__abstractmethods__)
    if missing:
        raise InfeasibleError("", f"{describe(thing)} lacks {', '.join(missing)}")
    (base,) = (base for base in _CALLS if issubclass(thing, base))
    for name, (positional, keywords) in _CALLS[base].items():
        method = getattr(thing, name)
        if name in thing.model_fields or not callable(method):
            found = "a setting" if name in thing.model_fields else _shown(method)
            raise InfeasibleError("", f"{describe(thing)}: {name} is {found}, and must be a method")
        bound = isinstance(inspect.getattr_static(thing, name), classmethod | staticmethod)
        try:
            inspect.signature(method).bind(*(() if bound else (None,)), *positional, **keywords)
        except (TypeError, ValueError):
            call = ", ".join((*positional, *keywords))
            raise InfeasibleError("", f"{describe(thing)}: {name} cannot be called as {name}({call})") from None


def check_task(task: Task, batch_size: int) -> None:
    """Raise `InfeasibleError` for sizes of the wrong kind, and for what the task itself knows to fail."""
    thing = type(task)
    layout = _asked(task, "layout", (Layout,), "rnnbench.Layout")
    for part, least in (("evidence", 1), ("lag", 0), ("readout", 1)):
        _refuse_unless_size(thing, f"layout.{part}", getattr(layout, part), least)
    if layout.lag != task.lag:
        raise InfeasibleError(
            "", f"{describe(thing)}: layout.lag is {layout.lag}, and must be the task's lag, {task.lag}"
        )
    inputs = _asked(task, "inputs", (Features, Tokens), "rnnbench.Features or rnnbench.Tokens")
    for part, size in inputs._asdict().items():
        _refuse_unless_size(thing, f"inputs.{part}", size, 1)
    _refuse_unless_size(thing, "outputs", _asked(task, "outputs", (object,), "an integer"), 1)
    _asked(task, "data_source", (str,), "a text")
    _asked(task, "score_name", (str,), "a text")
    _asked(task, "perfect", (Real,), "a number")
    _asked(task, "solved_score", (Real, type(None)), "a number or None")
    _refuse_unhashable(task)
    with telling(thing, "problems"):
        for key, message in task.problems(batch_size):
            raise InfeasibleError(key, message)


def check_model(model: Model, inputs: int) -> None:
    """Raise `InfeasibleError` for a model that does not say its size as its contract asks."""
    thing = type(model)
    with telling(thing, "layer_parameters"):
        parameters = model.recurrent_parameters(inputs)
    _refuse_unless_size(thing, "layer_parameters", parameters, 0)
    _asked(model, "kernel_blocks", (Real,), "a number")
    _asked(model, "gate_names", (tuple, list), "a tuple of texts")
    with telling(thing, "architecture"):
        model.architecture  # noqa: B018
    _refuse_unhashable(model)


def _refuse_unhashable(thing: Task | Model) -> None:
    """Runs of equal settings share a compiled network, which is found by their hash."""
    for name in type(thing).model_fields:
        try:
            hash(getattr(thing, name))
        except TypeError:
            kind = type(getattr(thing, name)).__name__
            raise InfeasibleError(
                name, f"{describe(type(thing))}: a {kind} is no setting; make it a tuple, or a frozen model"
            ) from None


@contextmanager
def telling(thing: type, what: str, key: str = "") -> Iterator[None]:
    """Turn whatever a class's own code raises into an `InfeasibleError` that says what and where."""
    try:
        yield
    except (InfeasibleError, BudgetError, UserError, ValidationError):
        raise
    except Exception as error:
        place = _raised_at(thing, error)
        message = " ".join(f"{type(error).__name__}: {error}".split())
        raise InfeasibleError(key, f"{describe(thing)}: {what} raised {message}{place}") from error


def _raised_at(thing: type, error: Exception) -> str:
    """The last line of the class's own file on the way to the error."""
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" at {file}:{lines[-1]}" if lines else ""


def _asked(thing: Task | Model, name: str, kinds: tuple[type, ...], wanted: str) -> Any:
    with telling(type(thing), name):
        value = getattr(thing, name)
    if not isinstance(value, kinds) or inspect.ismethod(value):
        raise InfeasibleError("", f"{describe(type(thing))}: {name} is {_shown(value)}, and must be {wanted}")
    return value


def _refuse_unless_size(thing: type, name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        wanted = f"an integer of {least} or more"
        raise InfeasibleError("", f"{describe(thing)}: {name} is {_shown(value)}, and must be {wanted}")


def _shown(value: Any) -> str:
    if inspect.ismethod(value):
        return "a method (put @property before it)"
    if isinstance(value, property):
        return "a property"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

"""The contract of every registered task and model, plug-ins included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnbench import registry
from rnnbench.checks.finding import Finding
from rnnbench.contracts import check_model, check_task


def contracts() -> Iterator[Finding]:
    """What `rnnbench.contracts` asks of each, by name."""
    for name in registry.tasks:
        yield _kept(f"contract of task {name}", check_task, registry.tasks[name])
    for name in registry.models:
        yield _kept(f"contract of model {name}", check_model, registry.models[name])


def _kept(check: str, keeps: Callable[[type], None], thing: type) -> Finding:
    try:
        keeps(thing)
        found = "kept"
    except AssertionError as error:
        found = str(error)
    # Whatever else a plug-in raises breaks its contract too.
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    return Finding(check, "kept", found, "exact", "rnnbench.contracts", found == "kept")

"""What a contract is made of: named checks that raise `ContractError`, under `python -O` too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from rnnbench.errors import UserError

T = TypeVar("T")


class ContractError(AssertionError):
    """A task or a model breaks its contract; the message is one sentence."""


class NotCheckedError(Exception):
    """A check does not apply or cannot decide here; the message says why."""


class Check(NamedTuple, Generic[T]):
    """One requirement of a contract."""

    name: str
    asks: str
    """What must hold, in short."""
    run: Callable[[T], None]
    """Raises `ContractError` if it does not hold, `NotCheckedError` if that cannot be decided."""
    needs: tuple[str, ...] = ()
    """Names of the checks that must pass first, or this one would only repeat what they say."""


class Verdict(NamedTuple):
    """The result of a check."""

    check: str
    asks: str
    found: str
    kept: bool | None
    """None: not checked, `found` says why."""


def require(condition: object, message: str) -> None:
    """Raise `ContractError` with `message` unless `condition` is true."""
    if not condition:
        raise ContractError(message)


def verdicts(checks: Iterable[Check[T]], subject: T) -> Iterator[Verdict]:
    """Every check's verdict on `subject`, in order."""
    broken: set[str] = set()
    for check in checks:
        first = next((name for name in check.needs if name in broken), None)
        kept, found = (None, f"not checked: fix '{first}' first") if first else _verdict(check, subject)
        if kept is False:
            broken.add(check.name)
        yield Verdict(check.name, check.asks, found, kept)


def hold(checks: Iterable[Check[T]], subject: T) -> None:
    """Raise `ContractError`, or whatever `subject` raises, at the first check that it does not pass."""
    for check in checks:
        try:
            check.run(subject)
        except NotCheckedError:
            continue


def _verdict(check: Check[T], subject: T) -> tuple[bool | None, str]:
    try:
        check.run(subject)
    except (NotCheckedError, UserError) as error:
        return None, f"not checked: {error}"
    except AssertionError as error:
        return False, str(error)
    # Whatever else a plug-in raises breaks its contract too.
    except Exception as error:
        return False, f"{type(error).__name__}: {' '.join(str(error).split())}"
    return True, "kept"

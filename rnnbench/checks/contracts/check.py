"""What a contract is made of: named checks that raise `ContractError`, and hold under `python -O` too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from rnnbench.errors import UserError

T = TypeVar("T")


class ContractError(AssertionError):
    """A contract that a task or a model breaks, told in one sentence."""


class NotCheckedError(Exception):
    """A check that cannot say anything here, and why."""


class Check(NamedTuple, Generic[T]):
    """One thing that a contract asks for."""

    name: str
    asks: str
    """What must hold, in short."""
    run: Callable[[T], None]
    """Raises `ContractError` if it does not hold, `NotCheckedError` if nobody can tell."""
    needs: tuple[str, ...] = ()
    """Names of the checks without which this one would only say the same in other words."""


class Verdict(NamedTuple):
    """What became of a check."""

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
        kept, found = (None, f"not checked: mend '{first}' first") if first else _verdict(check, subject)
        if kept is False:
            broken.add(check.name)
        yield Verdict(check.name, check.asks, found, kept)


def hold(checks: Iterable[Check[T]], subject: T) -> None:
    """Raise `ContractError`, or what else comes up, at the first check that `subject` does not pass."""
    for check in checks:
        try:
            check.run(subject)
        except NotCheckedError:
            continue


def _verdict(check: Check[T], subject: T) -> tuple[bool | None, str]:
    try:
        check.run(subject)
    except NotCheckedError as error:
        return None, f"not checked: {error}"
    except UserError as error:
        return None, f"not checked: {error}"
    except AssertionError as error:
        return False, str(error)
    # Whatever else a plug-in raises breaks its contract too.
    except Exception as error:
        return False, f"{type(error).__name__}: {' '.join(str(error).split())}"
    return True, "kept"

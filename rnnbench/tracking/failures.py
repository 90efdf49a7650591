"""What a store can raise, in one line for people."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from rnnbench.errors import UserError, unwritable
from rnnbench.text.credentials import scrubbed
from rnnbench.tracking.store import Store


@contextmanager
def translate_errors(store: Store) -> Iterator[None]:
    """Raise what a store can raise as a `UserError` of one line that names the store."""
    try:
        yield
    except Exception as error:
        if not _is_of_a_store(error):
            raise
        # A password that is kept out of the line must not show up in a traceback either.
        cause = None if "@" in store.uri else error
        raise UserError(f"{store}: {scrubbed(_in_words(error, store))}") from cause


def _in_words(error: Exception, store: Store) -> str:
    text = str(error).strip()
    if "database is locked" in text:
        return "the database is locked by another process; try again when that has ended"
    if "disk is full" in text:
        return unwritable(OSError(errno.ENOSPC, text))
    if isinstance(error, OSError) and error.errno is not None:
        return unwritable(error)
    if "not a database" in text or "malformed" in text:
        return f"the database is damaged, or is not MLflow's; {store.remedy}"
    if "readonly database" in text or "unable to open database" in text:
        return "the database cannot be written; choose another --store"
    return text.splitlines()[0] if text else type(error).__name__


def _is_of_a_store(error: Exception) -> bool:
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    # By name, because SQLite alone is read without importing either library; requests' errors are OSErrors.
    return isinstance(error, sqlite3.Error | OSError) or bool(
        kinds & {"mlflow.MlflowException", "sqlalchemy.SQLAlchemyError"}
    )

"""Passwords in addresses and in the environment: read, and masked in everything that is shown."""

from __future__ import annotations

import os
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

_HIDDEN = "***"
# `:/` as well as `://`: treating an address as a path removes one slash.
_IN_TEXT = re.compile(r"(?<=\w:/)(/?)[^\s/?#'\"<>]*@")
_IN_ADDRESS = re.compile(r"(?<=\w:/)(/?).*@", re.DOTALL)
_IS_ADDRESS = re.compile(r"(--[\w-]+=)?[A-Za-z][\w+.-]*://?")
_SHORTEST = 4
"""Minimum length of a password to be scrubbed: a shorter one would also match ordinary words."""
_used: set[str] = set()
"""All passwords that this process has seen in an address."""


def masked(text: str) -> str:
    """A text with user and password masked in its addresses.

    >>> masked("cannot reach http://ann:secret@host:5000/mlflow")
    'cannot reach http://***@host:5000/mlflow'
    """
    return _IN_TEXT.sub(rf"\1{_HIDDEN}@", text)


def masked_command(arguments: Iterable[str]) -> str:
    """A command line as a person would type it, with user and password masked in all addresses.

    >>> masked_command(["run", "my file.yaml", "--tracking-uri", "http://ann:se/cret@host"])
    "run 'my file.yaml' --tracking-uri 'http://***@host'"
    """
    return shlex.join(masked_address(one) if _IS_ADDRESS.match(one) else masked(one) for one in arguments)


def masked_address(address: str) -> str:
    """An address with user and password masked, even if invalid because the password is not percent-encoded."""
    return _IN_ADDRESS.sub(rf"\1{_HIDDEN}@", address)


def scrubbed(text: str) -> str:
    """A message of a library or plug-in, with every password that this process knows masked."""
    text = masked(text)
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def without_credentials(address: str) -> str:
    """An address without user and password."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def user_and_password(address: str) -> tuple[str, str]:
    """User and password in an address, decoded as MLflow's client does: `%40` is `@`."""
    parts = urlsplit(address)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    _used.update({password, parts.password or "", _encoded(user, password)})
    return user, password


def authorization(address: str) -> dict[str, str]:
    """The HTTP header that MLflow's client sends, from the address or else the environment."""
    user, password = user_and_password(address)
    if not (user or password):
        user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}", "") for name in ("USERNAME", "PASSWORD"))
    if user and password:
        return {"Authorization": f"Basic {_encoded(user, password)}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN", "").strip()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _encoded(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()


def _secrets() -> set[str]:
    given = {os.environ.get(f"MLFLOW_TRACKING_{name}", "").strip() for name in ("PASSWORD", "TOKEN")}
    return {secret for secret in given | _used if len(secret) >= _SHORTEST}

"""A server that is not there is told in a moment."""

from __future__ import annotations

import socket
import time

import pytest

from rnnbench.errors import UserError
from rnnbench.tracking import server
from rnnbench.tracking.location import Location


def message(caught: pytest.ExceptionInfo[UserError]) -> str:
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        location = Location.resolve(tracking_uri=f"http://127.0.0.1:{closed.getsockname()[1]}")
    began = time.monotonic()
    for check in (location.check_readable, location.check_writable):
        with pytest.raises(UserError, match=r"MLflow server http://127.* does not answer: .*refused") as caught:
            check()
        message(caught)
    assert time.monotonic() - began < 5


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = Location.resolve(tracking_uri=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(UserError, match="does not answer: timed out"):
            location.check_writable()

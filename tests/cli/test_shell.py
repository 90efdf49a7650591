"""Commands that can be pasted into the shell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rnnbench.cli import shell


def test_a_store_is_named_as_it_was_given(tmp_path: Path) -> None:
    assert shell.store_options(tmp_path / "my store", None) == f" --store '{tmp_path}/my store'"
    assert shell.store_options(None, "http://h:1/?a b") == " --tracking-uri 'http://h:1/?a b'"
    assert shell.store_options(None, None) == ""


def test_going_on_neither_starts_over_nor_shows_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["run", "my file.yaml", "--fresh", "--tracking-uri", "http://ann:secret@host"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/rnnbench/__main__.py", *arguments])
    expected = "python -m rnnbench run 'my file.yaml' --tracking-uri 'http://***@host'"
    assert shell.same_command() == expected

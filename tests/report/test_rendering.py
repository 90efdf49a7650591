"""Strings of others in a report."""

from __future__ import annotations

import pytest

from rnnbench.report.rendering import markdown_text, tidy


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a|b", r"a\|b"),
        ("- x\ny", r"\- x y"),
        ("<b>", r"\<b\>"),
        ("lstm_chrono", r"lstm\_chrono"),
        ("1. x", r"1\. x"),
        ("1.00", "1.00"),
    ],
)
def test_a_string_is_escaped_for_markdown(text, safe):
    assert markdown_text(text) == safe


def test_markdown_is_tidy():
    assert tidy("\n# a  \n\n\n\nb\n\n") == "# a\n\nb\n"

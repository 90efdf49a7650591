"""Writes values as YAML that `yaml_document` reads back as they were, whatever their characters.

Not by ruamel.yaml, which writes some line breaks (U+0085) so that they are read as spaces, and `yes` and `no` bare.
"""

from __future__ import annotations

import re
from typing import Any

_PLAIN = re.compile(r"[^\W\d][\w./-]*( [\w/-][\w./-]*)*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Other readers take them for truth values."""


def written(value: Any) -> str:
    """None, a truth value, a number, text, or a list of them, on one line."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and text.isprintable():
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _number(value: float) -> str:
    """Exponents have a point before them, without which YAML 1.1 takes `1e-3` for text."""
    text = repr(value)
    return re.sub(r"^(-?\d+)e", r"\1.0e", text)


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

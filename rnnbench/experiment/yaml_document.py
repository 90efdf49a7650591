"""Reads the YAML of an experiment file into plain values, with the line of each.

The core schema of YAML 1.2, built from the parser's events rather than from a library's containers: a key is its text
as written (`1` and `'1'` are the same key, `no` is a word), a date is text, and an alias stands for a copy. Tags
outside the core schema are refused, and so are documents that expand too far.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from rnnbench.errors import one_line

KeyPath = tuple[str | int, ...]

_DEEPEST = 32
_MOST_VALUES = 100_000
_LARGEST_INTEGER = 2**63 - 1

_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
# Underscores between digits are YAML 1.1, but nobody writes 1_000 to mean text.
_DECIMAL = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
_OTHER_BASE = re.compile(r"[-+]?0(b[01]|o[0-7]|x[0-9a-fA-F])(_?[0-9a-fA-F])*")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class DocumentError(Exception):
    """A mistake in a document: the message, and its line counted from 1, or 0 if there is none."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message, line)
        self.message, self.line = one_line(message), line


@dataclass
class Document:
    """A YAML document as plain values: None, booleans, numbers, text, lists, and dictionaries with text keys."""

    value: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """The line, counted from 1, of each key and list item; merged keys (`<<`) have the line where they are written."""


@dataclass
class _Node:
    line: int
    value: Any
    """A plain value, a list of nodes, or a dictionary of text to (line, node)."""
    text: str | None = None
    """The text of a scalar, as written."""
    is_merge: bool = False


def read(text: str) -> Document:
    """Read a text with a single document; its value is None if it is empty. Raises `DocumentError`."""
    try:
        return _Reader().read(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be parsed"
        raise DocumentError(f"not valid YAML: {problem}", mark.line + 1 if mark else 0) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentError(f"not valid YAML: character {text[error.position]!a} is not allowed", line) from None
    except (YAMLError, ValueError, OverflowError) as error:
        # An escape such as "\UFFFFFFFF" raises one of the latter two.
        raise DocumentError(f"not valid YAML: {error}") from None


class _Reader:
    def __init__(self) -> None:
        self._anchors: dict[str, _Node] = {}
        self._left = _MOST_VALUES

    def read(self, text: str) -> Document:
        events = YAML(typ="safe", pure=True).parse(text)
        next(events)  # the start of the stream
        if isinstance(next(events), StreamEndEvent):
            return Document(None)
        root = self._node(events, next(events), 0)
        next(events)  # the end of the document
        after = next(events)
        if isinstance(after, DocumentStartEvent):
            raise DocumentError("a second document begins here; only one is allowed", after.start_mark.line + 1)
        self._left = _MOST_VALUES
        document = Document(None)
        document.value = self._expanded(root, (), document.lines)
        return document

    def _node(self, events: Iterator[Any], event: Any, depth: int) -> _Node:
        line = event.start_mark.line + 1
        self._count(line)
        if isinstance(event, AliasEvent):
            # An anchor is recorded once its node is complete, so a node cannot contain itself.
            if event.anchor not in self._anchors:
                raise DocumentError(f"alias *{event.anchor} has no anchor &{event.anchor} before it", line)
            return self._anchors[event.anchor]
        if depth > _DEEPEST:
            raise DocumentError(f"nested more than {_DEEPEST} levels deep", line)
        if isinstance(event, ScalarEvent):
            node = _scalar(event, line)
        elif isinstance(event, SequenceStartEvent):
            node = _Node(line, self._list(events, event, depth))
        else:
            assert isinstance(event, MappingStartEvent)
            node = _Node(line, self._mapping(events, event, depth))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _list(self, events: Iterator[Any], start: Any, depth: int) -> list[_Node]:
        _allow(start, "seq")
        items = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self._node(events, event, depth + 1))
        return items

    def _mapping(self, events: Iterator[Any], start: Any, depth: int) -> dict[str, tuple[int, _Node]]:
        _allow(start, "map")
        merged: dict[str, tuple[int, _Node]] = {}
        own: dict[str, tuple[int, _Node]] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._node(events, event, depth + 1)
            value = self._node(events, next(events), depth + 1)
            if key.is_merge:
                for source in value.value if isinstance(value.value, list) else [value]:
                    if not isinstance(source, _Node) or not isinstance(source.value, dict):
                        raise DocumentError("<< needs a mapping, such as <<: *defaults", line)
                    self._count(line, len(source.value))
                    merged = source.value | merged
            elif key.text is None:
                raise DocumentError("a key must be text, not a list or a mapping", line)
            elif key.text in own:
                raise DocumentError(f"duplicate key '{key.text}', first on line {own[key.text][0]}", line)
            else:
                own[key.text] = line, value
        return merged | own

    def _expanded(self, node: _Node, path: KeyPath, lines: dict[KeyPath, int]) -> Any:
        self._count(node.line)
        if len(path) > _DEEPEST:
            raise DocumentError(f"nested more than {_DEEPEST} levels deep", node.line)
        if isinstance(node.value, list):
            lines |= {(*path, index): item.line for index, item in enumerate(node.value)}
            return [self._expanded(item, (*path, index), lines) for index, item in enumerate(node.value)]
        if isinstance(node.value, dict):
            lines |= {(*path, key): line for key, (line, _) in node.value.items()}
            return {key: self._expanded(item, (*path, key), lines) for key, (_, item) in node.value.items()}
        return node.value

    def _count(self, line: int, values: int = 1) -> None:
        self._left -= values
        if self._left < 0:
            raise DocumentError(f"more than {_MOST_VALUES:,} values after expanding aliases", line)


def _scalar(event: Any, line: int) -> _Node:
    text, tag = event.value, event.tag
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise DocumentError("half of a surrogate pair is not a character", line)
    if tag is None:
        plain = event.style is None or event.style == ""
        return _Node(line, _resolved(text, line) if plain else text, text, is_merge=plain and text == "<<")
    if tag in ("!", f"{_TAG}str"):
        return _Node(line, text, text)
    if tag == f"{_TAG}merge" and text == "<<":
        return _Node(line, text, text, is_merge=True)
    _allow(event, "null", "bool", "int", "float")
    value, kind = _resolved(text, line), tag.removeprefix(_TAG)
    if kind == "float" and type(value) is int:
        value = float(value)
    if type(value) is not {"null": type(None), "bool": bool, "int": int, "float": float}[kind]:
        raise DocumentError(f"'{_short(text)}' is not a valid !!{kind}", line)
    return _Node(line, value, text)


def _resolved(text: str, line: int) -> Any:
    """The value of a scalar without quotes or tag."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    number = _number(text)
    if isinstance(number, int) and abs(number) > _LARGEST_INTEGER:
        raise DocumentError(f"{_short(text)} is too large: integers go up to {_LARGEST_INTEGER}", line)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    if _DECIMAL.fullmatch(text):
        # Python refuses to convert thousands of digits, which no experiment needs.
        return int(text) if len(text) < 100 else _LARGEST_INTEGER + 1
    if _OTHER_BASE.fullmatch(text):
        try:
            return int(text, 0) if len(text) < 100 else _LARGEST_INTEGER + 1
        except ValueError:
            return None  # such as 0b12
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _NOT_FINITE.fullmatch(text) else None


def _allow(event: Any, *kinds: str) -> None:
    """Raise `DocumentError` for a tag other than `!!kind`."""
    if event.tag is not None and event.tag != "!" and event.tag not in [f"{_TAG}{kind}" for kind in kinds]:
        tag = event.tag.replace(_TAG, "!!")
        raise DocumentError(f"the tag {tag} is unknown or not allowed here; remove it", event.start_mark.line + 1)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."

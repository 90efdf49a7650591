"""YAML 1.2 is read with lines; anything else becomes a one-line error."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnbench.experiment.yaml_document import DocumentError, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", 1000),
        ("010", 10),
        ("0o17", 15),
        ("-0x1F", -31),
        ("0b12", "0b12"),
        ("+_", "+_"),
        ("1e-3", 0.001),
        (".5e3", 500.0),
        ("1.", 1.0),
        ("-.INF", -math.inf),
        ("True", True),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("2024-01-31", "2024-01-31"),
        ("~", None),
        ("", None),
        ("---\n", None),
        ("'5'", "5"),
        ("! 5", "5"),
        ("!!str 2024", "2024"),
        ("!!str true", "true"),
        ("!!int '5'", 5),
        ("!!float 1", 1.0),
        ("&s true", True),
        ("!!map {a: !!seq [1]}", {"a": [1]}),
        ("%YAML 1.1\n--- no", "no"),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: >\n x\n y\nb: |\n z\n", {"a": "x y\n", "b": "z\n"}),
        ("{1: a, true: b, 2024-01-31: c, no: d}", {"1": "a", "true": "b", "2024-01-31": "c", "no": "d"}),
        ("{null: a, ~: b, 1.0: c, '': d}", {"null": "a", "~": "b", "1.0": "c", "": "d"}),
        ("a: &a {x: 1}\nb: {<<: *a, y: 2}", {"a": {"x": 1}, "b": {"x": 1, "y": 2}}),
        ("{x: 3, <<: [{x: 4, z: 5}, {z: 6}]}", {"x": 3, "z": 5}),
        ("'<<': 1", {"<<": 1}),
    ],
)  # fmt: skip
def test_what_a_text_means(text, value):
    found = read(text).value
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("1: a\n'1': b", 2, "duplicate key '1', first on line 1"),
        ("a: 1\nb: !!binary aGk=", 2, "tag !!binary"),
        ("!!set {a, b}", 1, "tag !!set"),
        ("a: !mine 3", 1, "tag !mine"),
        ("!!int abc", 1, "'abc' is not a valid !!int"),
        ("!!bool yes", 1, "'yes' is not a valid !!bool"),
        ("!!str [1]", 1, "tag !!str"),
        ("a: 9223372036854775808", 1, "is too large: integers go up to"),
        ("9" * 10_000, 1, "is too large: integers go up to"),
        ("a: 1\n---\nb: 2", 2, "a second document"),
        ("a: &a\n  b: *a", 2, "alias *a has no anchor &a before it"),
        ("? [a]\n: 3", 1, "a key must be text"),
        ("<<: 3", 1, "<< needs a mapping"),
        ("a: [1\nb: 2", 2, "not valid YAML"),
        ("a: 1\n\tb: 2", 2, "not valid YAML"),
        ("a: 1\nb\x00", 2, r"character '\x00' is not allowed"),
        ('"\\ud800"', 1, "surrogate"),
        ('"\\UFFFFFFFF"', 0, "not valid YAML"),
        ("[" * 100_000, 1, "nested more than"),
        ("- &a [[[[1]]]]\n" + "- &a [[[[*a]]]]\n" * 20, 1, "nested more than"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(text, line, said):
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert said in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize("merge", ["[*a{0}, *a{0}, *a{0}]", "{{k{0}: *a{0}, l{0}: *a{0}}}"])
def test_aliases_that_grow_without_bounds_are_refused_at_once(merge):
    text = "a0: &a0 [1, 2]\n" + "".join(f"a{i}: &a{i} {merge.format(i - 1)}\n" for i in range(1, 30))
    with pytest.raises(DocumentError, match="more than 100,000 values"):
        read(text)


def test_lines_are_of_keys_and_items_through_aliases_too():
    document = read("a: &a\n  b:\n  - 1\n  - 2\nc: *a\nd: {<<: *a}\n")
    assert document.lines[("a", "b", 1)] == 4
    assert document.lines[("c",)] == 5
    assert document.lines[("c", "b", 1)] == 4
    assert document.lines[("d", "b")] == 2


def test_an_alias_is_a_copy():
    document = read("a: &a {b: 1}\nc: *a")
    document.value["a"]["b"] = 2
    assert document.value["c"] == {"b": 1}


SIGNS = "ab1.:-[]{},&*!<>|?'\"\\ \n\t#%@~=_0xUe+\r\x85\u2028\ufeff\ud800"
WORDS = ("---\n", "<<: ", "&a ", "*a", "- ", ": ", "!!str ", "!!int ", "%YAML 1.2\n", "!<", "|2\n", "\n  ", "{a: ")


@settings(max_examples=500)
@given(st.lists(st.sampled_from([*SIGNS, *WORDS]), max_size=30).map("".join))
@example("*!x>\u2028")
def test_any_text_is_plain_values_or_one_line(text):
    try:
        found = read(text).value
    except DocumentError as error:
        found = error.message
        assert found.isprintable()
    assert _is_plain(found)


def _is_plain(value):
    if isinstance(value, dict):
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return type(value) in (str, int, float, bool, type(None))

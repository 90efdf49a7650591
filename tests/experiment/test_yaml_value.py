"""What is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.experiment.yaml_document import read
from rnnbench.experiment.yaml_value import written

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = TEXTS | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


@given(VALUES | st.lists(VALUES, max_size=5))
def test_any_value(value: object) -> None:
    found = read(f"key: {written(value)} # why\nother: 1\n").value
    assert found == {"key": value, "other": 1}
    assert type(found["key"]) is type(value)


@given(TEXTS)
def test_any_key(name: str) -> None:
    assert read(f"a:\n  {written(name)}: 1\n").value == {"a": {name: 1}}


@pytest.mark.parametrize(
    "name", ["yes", "No", "null", "1e3", "0x10", "a: b", "- a", "#", "a #b", "'", '"', "*a", "", " a"]
)
def test_names_that_mean_something_are_quoted(name: str) -> None:
    assert written(name).startswith('"')


def test_plain_names_are_not() -> None:
    assert [written(name) for name in ("sales", "Oil temperature", "größe", "data/a.csv")] == [
        "sales", "Oil temperature", "größe", "data/a.csv"
    ]  # fmt: skip

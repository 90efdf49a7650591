"""The columns that `rnnbench.columns()` describes are those of the tables, and what it says of gaps is true."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

import rnnbench
from rnnbench.analysis.columns import TABLES, Described, names_of
from rnnbench.analysis.results import Results
from rnnbench.grid.exported import answered
from rnnbench.grid.results import load

REPORT = Path(__file__).parents[2] / "reports" / "copy-memory"


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    (found,) = answered([REPORT])
    results = load(found.location, found.experiment)
    horizons = rnnbench.memory_horizons(results)
    known = {field.name: getattr(results, field.name) for field in fields(Results)}
    return {name: (known | {"horizons": horizons})[name] for name in TABLES}


def test_every_table_of_results_is_described() -> None:
    of_results = {name for name, kind in Results.__annotations__.items() if kind == "pd.DataFrame"}
    assert set(TABLES) == of_results | {"horizons"}


def test_columns_are_described_in_their_order(tables: dict[str, pd.DataFrame]) -> None:
    for name, columns in TABLES.items():
        assert list(tables[name]) == names_of(columns), name


def test_what_is_never_empty_is_full(tables: dict[str, pd.DataFrame]) -> None:
    gaps = {
        (name, column.name)
        for name, columns in TABLES.items()
        for column in columns
        if column.empty == "never" and (tables[name][column.name].isna() | (tables[name][column.name] == "")).any()
    }
    assert gaps == set()


def test_what_may_be_empty_says_when_and_every_number_has_a_unit(tables: dict[str, pd.DataFrame]) -> None:
    for name, columns in TABLES.items():
        for column in columns:
            assert column.meaning.endswith("."), (name, column)
            assert all(column), (name, column)
            if column.unit == "text":
                assert not pd.api.types.is_numeric_dtype(tables[name][column.name]), (name, column)


def test_a_clock_and_the_steps_to_solve_are_empty_unless_solved(tables: dict[str, pd.DataFrame]) -> None:
    runs = tables["runs"]
    unsolved = runs[~runs["solved"].astype(bool)]
    assert len(unsolved) > 0
    assert unsolved[["clock", "generalises_to", "steps_to_solve"]].isna().all(axis=None)


def test_the_sentences_are_shown_whole() -> None:
    found = rnnbench.columns()
    longest = max(found["meaning"], key=len)
    assert len(longest) > 50
    assert longest in repr(found)
    some = found.query("table == 'runs'")
    assert isinstance(some, Described)
    assert longest.partition("`")[0] in some._repr_html_() or longest not in set(some["meaning"])
    assert "…" not in some._repr_html_()

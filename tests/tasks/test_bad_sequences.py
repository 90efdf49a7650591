"""What is wrong with a file of sequences is told in one line, at plan, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnbench.errors import UserError
from tests.tasks.own_files import planned, steps


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))


def spoilt(change) -> pd.DataFrame:
    table = steps().astype({"a": "object", "kind": "object", "id": "object", "step": "object"})
    change(table)
    return table


def setter(row: int, column: str, value: Any):
    return lambda table: table.__setitem__(
        column, [value if at == row else cell for at, cell in enumerate(table.get(column, ["train"] * len(table)))]
    )


def parts(named: str):
    def change(table):
        table["part"] = np.where(table["id"].astype(int) < 40, "train", named)

    return change


def later_label(table):
    table["part"] = np.select([table["id"].astype(int) < 30, table["id"].astype(int) < 45], ["train", "dev"], "test")
    table.loc[table["id"].astype(int) == 35, "kind"] = "w"


WRONG = {
    "unknown id": (steps().drop(columns="id"), {}, "no column 'id'"),
    "unknown step": (steps().drop(columns="step"), {}, "no column 'step'"),
    "unknown label": (steps().drop(columns="kind"), {}, "no column 'kind'"),
    "unknown feature": (steps().drop(columns="b"), {}, "no column 'b'"),
    "unknown split": (steps(), {"split": "part"}, "no column 'part'"),
    "all numeric": (steps()[["id", "step", "kind"]], {"features": None}, "no column of numbers is left"),
    "two uses": (steps(), {"label": "id"}, "column 'id' has two uses"),
    "feature is label": (steps(), {"features": ["a", "kind"]}, "`features` name 'kind' twice, or for another use"),
    "feature twice": (steps(), {"features": ["a", "a"]}, "`features` name 'a' twice"),
    "not a number": (spoilt(setter(4, "a", "high")), {}, "line 6, column 'a': 'high' is not a number"),
    "infinite": (spoilt(setter(4, "a", "inf")), {}, "line 6, column 'a': inf is not a finite number"),
    "missing": (spoilt(setter(4, "a", None)), {}, "1 missing value, the first in line 6, 'a'"),
    "missing id": (spoilt(setter(4, "id", None)), {}, "line 6, column 'id': the id is missing"),
    "missing step": (spoilt(setter(4, "step", None)), {}, "line 6, column 'step': the step is missing"),
    "no step": (spoilt(setter(4, "step", "last")), {}, "line 6, column 'step': 'last' is not a number"),
    "step twice": (spoilt(setter(1, "step", 0)), {}, "line 3: sequence '0' has a step '0' already in line 2"),
    "missing label": (
        steps().assign(kind=lambda table: table["kind"].where(table["id"] != 1)),
        {},
        "column 'kind': the label is missing (1 in all)",
    ),
    "changing label": (steps(), {"label": "state", "label_per": "sequence"}, "of the same sequence; set `label_per"),
    "one class": (steps().assign(kind="x"), {}, "every sequence has the label 'x'"),
    "rare class": (
        spoilt(lambda table: table.loc.__setitem__((table["id"] == 0, "kind"), "rare")),
        {},
        "the label 'rare' has 1 sequence (line 2); a split by shares needs 3 of each class",
    ),
    "later label": (spoilt(later_label), {"split": "part"}, "the label 'w' of a validation sequence is not in"),
    "no test": (spoilt(parts("dev")), {"split": "part"}, "column 'part' leaves no test rows"),
    "unknown part": (spoilt(parts("held")), {"split": "part"}, "column 'part': 'held' is not train"),
    "in two splits": (
        spoilt(lambda table: (parts("test")(table), setter(1, "part", "test")(table))),
        {"split": "part"},
        "line 3, column 'part': a sequence lies in two splits",
    ),
    "not numbers": (steps(), {"answers": "numbers"}, "column 'kind': 'x' is not a number"),
    "no classes": (steps(), {"label": "sum", "answers": "classes"}, "different labels in"),
    "constant answer": (steps().assign(kind=2.5), {}, "column 'kind' is constant in training"),
    "constant in a feature": (spoilt(lambda table: table.__setitem__("a", None)), {"missing": "mask"}, None),
    "dates": (steps(), {"split": ["2017-01-01", "2018-01-01"]}, "a split by dates is for series"),
    "too few": (steps(), {"batch_size": 64}, "64 is too many: there are 42 training examples"),
    "ragged": ("id,step,a,b,kind\n1,0,1,2,x\n1,1,2\n", {}, "line 3 has 3 cells, but the header names 5"),
    "no rows": ("id,step,a,b,kind\n", {}, "holds no rows"),
    "encoding": (b"id,step,a,b,kind\n1,0,1,2,caf\xe9\n", {}, "byte 0xE9 at position 28 (line 2)"),
}  # fmt: skip


def plan(tmp_path: Path, path: str, extra: dict) -> None:
    planned(
        tmp_path, "table_sequences", **{"path": path, "step": "step", "features": ["a", "b"], "label": "kind", **extra}
    )


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_table_is_one_line_at_plan(tmp_path, case):
    content, extra, said = WRONG[case]
    file = tmp_path / "own.csv"
    if isinstance(content, pd.DataFrame):
        content.to_csv(file, index=False)
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        plan(tmp_path, "own.csv", dict(extra))
    message = str(caught.value)
    assert (said or "'a' has no value in the training rows") in message
    assert "own.yaml:" in message
    assert "\n" not in message


X, Y = np.random.default_rng(0).normal(size=(30, 4, 2)), np.arange(30) % 3
BROKEN = {
    "no x": ({"X": X, "y": Y}, {}, "there is no array 'x'; arrays: X, y"),
    "no y": ({"x": X}, {}, "there is no array 'y'; arrays: x"),
    "pickled": ({"x": X, "y": np.array([{}] * 30)}, {}, "holds pickled objects, which are not read"),
    "text": ({"x": X.astype(str), "y": Y}, {}, "x holds <U32, not numbers"),
    "flat": ({"x": X[:, 0, 0], "y": Y}, {}, "x has the shape (30,); (sequences, steps) or"),
    "empty": ({"x": X[:0], "y": Y[:0]}, {}, "x has the shape (0, 4, 2)"),
    "fewer labels": ({"x": X, "y": Y[:-1]}, {}, "y has the shape (29,), but x holds 30 sequences"),
    "a number": ({"x": X, "y": np.float64(3)}, {}, "y has the shape (), but x holds 30 sequences"),
    "other steps": ({"x": X, "y": X[:, :3, 0]}, {"label_per": "step"}, "a label a step needs (sequences, 4)"),
    "deep": ({"x": X, "y": X[:, :3]}, {}, "y has the shape (30, 3, 2); (sequences,) is wanted"),
    "infinite": ({"x": np.where(X[3, 1, 0] == X, np.inf, X), "y": Y}, {}, "x[3, 1, 0] is infinite"),
    "missing": ({"x": np.where(X[3, 1, 0] == X, np.nan, X), "y": Y}, {}, "the first in sequence 3, step 1 (from 0)"),
    "no label": ({"x": X, "y": np.where(Y == 1, np.nan, Y)}, {}, "sequence 1 (from 0), y: the label is missing (10"),
    "lengths": ({"x": X, "y": Y, "lengths": np.full(30, 5)}, {}, "lengths[0] is 5; x has 1 to 4 steps"),
    "no lengths": ({"x": X, "y": Y, "lengths": np.full(30, 1.5)}, {}, "lengths must be (sequences,) whole numbers"),
    "split": ({"x": X, "y": Y, "split": np.full(30, "trian")}, {}, "'trian' is not train, validation or test"),
    "column": ({"x": X, "y": Y}, {"split": "part"}, "`split: part` names a column; of an .npz the array `split`"),
    "many": ({"x": X, "y": X[:, 0]}, {"answers": "classes"}, "y holds 2 numbers each: `answers: numbers`"),
    "not a file": (b"no zip", {}, "is no .npz, or a damaged one"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_with_an_npz_is_one_line_at_plan(tmp_path, case):
    content, extra, said = BROKEN[case]
    if isinstance(content, bytes):
        (tmp_path / "own.npz").write_bytes(content)
    else:
        np.savez(tmp_path / "own.npz", **content)
    with pytest.raises(UserError) as caught:
        plan(tmp_path, "own.npz", dict(extra))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)

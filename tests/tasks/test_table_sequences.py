"""Sequences of the user's: tables and `.npz`, a label a sequence or a step, classes or numbers."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnnbench
from rnnbench.errors import UserError
from rnnbench.tasks.stream import joined
from rnnbench.tasks.table_sequences import TableSequences

N, SPLITS = 60, ("train", "validation", "test")
QUIET = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))


def frame(seed: int = 0, least: int = 2) -> pd.DataFrame:
    """60 sequences of 2 to 5 steps; `kind` is told by the first feature, `state` and `sum` by each step."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(least, 6, N)
    kind = np.repeat(np.arange(N) % 3, lengths)
    rows = int(lengths.sum())
    a, b = rng.normal(size=(2, rows))
    a += kind
    step = np.concatenate([np.arange(one) for one in lengths])
    found = pd.DataFrame({"id": np.repeat(np.arange(N), lengths), "step": step, "a": a, "b": 10 * b + 3})
    return found.assign(kind=np.array(list("xyz"))[kind], state=np.where(a > 1, "up", "down"), sum=a + b)


def written(tmp_path: Path, table: pd.DataFrame, name: str = "own.csv") -> Path:
    table.to_csv(tmp_path / name, index=False)
    return tmp_path / name


def task(path: Path, **given: Any) -> TableSequences:
    found = TableSequences(
        **{"path": str(path), "lag": 2, "step": "step", "features": ("a", "b"), "label": "kind"} | given
    )
    found.fingerprint()  # it forgets what another test's file of this name held
    return found


def test_shapes_are_found_in_the_file(tmp_path):
    path = written(tmp_path, frame())
    of_kind, of_state, of_sum = (task(path, label=label) for label in ("kind", "state", "sum"))
    assert of_kind.facts["sizes"] == {"train": 42, "validation": 6, "test": 12}
    assert (of_kind.layout, of_kind.ports.features, of_kind.outputs) == ((5, 2, 1), 2 + 1 + 3, 3)
    assert (of_state.layout, of_state.outputs, of_state.facts["classes"]) == ((5, 2, 5), 2, ["down", "up"])
    assert (of_sum.layout, of_sum.outputs, of_sum.score.name) == ((5, 2, 5), 1, "mse")
    assert of_kind.score.name == of_state.score.name == "accuracy"
    assert task(path, missing="mask").ports.features == 4 + 1 + 3


def rebuilt(found: TableSequences, table: pd.DataFrame, label: str) -> list[tuple]:
    """Every sequence and its answers, as the streams show them, in units of the file."""
    train = np.concatenate([found.examples("train").evidence[:][found.examples("train").evidence[:][..., 2] > 0]])
    assert np.allclose(train[:, :2].mean(axis=0), 0, atol=1e-5)
    assert np.allclose(train[:, :2].std(axis=0), 1, atol=1e-5)
    streams = joined(stream for split in ("validation", "test") for stream in found.split(split))
    every = [
        (streams.features[:, : found.layout.evidence], streams.targets, streams.weights),
        (found.examples("train").evidence[:], found.examples("train").targets, found.step_weights("train")),
    ]
    shown = []
    for features, targets, weights in every:
        for at, sequence in enumerate(features):
            there = sequence[:, 2] == 1
            asked = np.ones(1, bool) if weights is None else weights[at] > 0
            assert weights is None or np.array_equal(asked, there)
            shown.append((sequence[there][:, :2], targets[at][asked]))
    return shown


@pytest.mark.parametrize("label", ["kind", "state"])
def test_every_sequence_comes_back_with_its_answers(tmp_path, label):
    table = frame()
    shuffled = table.sample(frac=1, random_state=1)
    found = task(written(tmp_path, shuffled), label=label)
    shown = rebuilt(found, table, label)
    assert len(shown) == N
    names = found.facts["classes"]
    wanted = {}
    for _, rows in table.groupby("id"):
        answers = rows[label].tolist() if label == "state" else rows[label].tolist()[:1]
        wanted[len(rows), tuple(np.argsort(rows["a"])), tuple(np.argsort(rows["b"])), tuple(answers)] = None
    for sequence, answers in shown:
        key = (len(sequence), tuple(np.argsort(sequence[:, 0])), tuple(np.argsort(sequence[:, 1])))
        assert (*key, tuple(names[one] for one in answers)) in wanted


def test_the_order_of_the_file_counts_without_a_step(tmp_path):
    table = frame()
    interleaved = table.sort_values("step", kind="stable")
    found = task(written(tmp_path, interleaved), step=None)
    again = task(written(tmp_path, interleaved, "other.csv"))
    assert np.array_equal(found.examples("train").evidence[:], again.examples("train").evidence[:])


def test_times_are_steps(tmp_path):
    table = frame()
    table["step"] = pd.Timestamp("2020-01-31") + pd.to_timedelta(table["step"], "D")
    found = task(written(tmp_path, table.sample(frac=1, random_state=0)))
    first = rebuilt(found, table, "kind")
    assert len(first) == N


def test_formats_and_an_npz_give_the_same_examples(tmp_path):
    table = frame(least=5)
    tasks = [task(written(tmp_path, table))]
    table.to_parquet(tmp_path / "own.parquet")
    table.to_json(tmp_path / "own.jsonl", orient="records", lines=True)
    x = table[["a", "b"]].to_numpy().reshape(N, 5, 2)
    np.savez(tmp_path / "own.npz", x=x, y=table["kind"].to_numpy(dtype=str)[::5])
    tasks += [task(tmp_path / name) for name in ("own.parquet", "own.jsonl", "own.npz")]
    for split in SPLITS:
        wanted = tasks[0].examples(split)
        for other in tasks[1:]:
            found = other.examples(split)
            assert np.allclose(found.evidence[:], wanted.evidence[:], atol=1e-6)
            assert np.array_equal(found.targets, wanted.targets)


def test_lengths_of_an_npz_are_padded_in_front(tmp_path):
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(40, 6)), rng.integers(1, 7, 40)
    x[np.arange(6) >= lengths[:, None]] = np.nan
    np.savez(tmp_path / "own.npz", x=x, y=np.where(np.nan_to_num(x) > 0, 1.0, 0.0), lengths=lengths)
    found = task(tmp_path / "own.npz")
    assert found.layout == (6, 2, 6)
    evidence, weights = found.examples("train").evidence[:], found.step_weights("train")
    assert (evidence[..., 1] == weights).all()
    assert not evidence[weights == 0].any()
    assert (np.diff(weights, axis=1) >= 0).all()


def test_several_numbers_an_answer(tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 4, 2))
    np.savez(tmp_path / "own.npz", x=x, y=x[:, 0])
    found = task(tmp_path / "own.npz")
    assert (found.outputs, found.layout.readout, found.score.name) == (2, 1, "mse")
    train = found.examples("train").targets
    assert train.shape == (35, 1, 2)
    assert np.allclose(train.mean(axis=0), 0, atol=1e-6)
    assert found.reference() == 0.01 < found.memoryless()


def test_examples_are_indexed_as_arrays_are(tmp_path):
    evidence = task(written(tmp_path, frame())).examples("train").evidence
    whole = np.asarray(evidence)
    assert whole.shape == evidence.shape == (len(evidence), 5, 3)
    for chosen in (3, slice(2, 9), np.array([5, 1]), (slice(3), 0), (..., 0), ...):
        assert np.array_equal(evidence[chosen], whole[chosen])


def test_length_keeps_the_last_steps(tmp_path):
    path = written(tmp_path, frame())
    whole, cut = task(path, label="state"), task(path, label="state", length=2)
    assert cut.layout == (2, 2, 2)
    assert cut.step_weights("test") is None
    assert np.array_equal(cut.examples("test").targets, whole.examples("test").targets[:, -2:])


def test_constant_features_are_0_and_indicators_mark_what_is_missing(tmp_path):
    table = frame().assign(c=7.0)
    table.loc[::7, "b"] = np.nan
    path = written(tmp_path, table)
    masked = task(path, features=("a", "b", "c"), missing="mask")
    evidence = masked.examples("train").evidence[:]
    assert not evidence[..., [2, 3, 5]].any()
    assert evidence[..., 4].any()
    assert not evidence[..., 1][evidence[..., 4] > 0].any()
    assert set(np.unique(evidence[..., 4])) == {0, 1}


def test_forward_fills_within_a_sequence_alone(tmp_path):
    table = pd.DataFrame(
        {"id": np.repeat(np.arange(30), 3), "a": np.arange(90.0), "kind": np.repeat(list("xyz") * 10, 3)}
    )
    table.loc[table.index % 3 != 1, "a"] = np.nan
    found = task(written(tmp_path, table), features=("a",), step=None, missing="forward")
    evidence = found.examples("train").evidence[..., 0]
    assert not evidence[:, 0].any()
    assert np.array_equal(evidence[:, 1], evidence[:, 2])
    assert len(np.unique(evidence[:, 1])) == len(evidence)


def test_levels(tmp_path):
    path = written(tmp_path, frame())
    found = task(path, filler="decoy").levels()
    assert found["memoryless"] == found["majority class"] == pytest.approx(1 / 3)
    assert found["reference"] == found["logistic regression"] > 0.5
    assert "position-blind" in found
    of_state = task(path, label="state", filler="decoy", lag=20)
    levels = of_state.levels()
    assert levels["reference"] > 0.8 > levels["position-blind"] > 0.4
    of_sum = task(path, label="sum", filler="decoy").levels()
    assert of_sum["reference"] == of_sum["ridge"] == 0.01 < of_sum["position-blind"]
    assert 0.5 < of_sum["training mean"] < 2


def test_memoryless_is_the_mean_over_examples_of_the_most_frequent_class(tmp_path):
    found = task(written(tmp_path, frame(3)), label="state")
    targets, weights = found.examples("test").targets, found.step_weights("test")
    of_each = [np.mean((row == 0)[weight > 0]) for row, weight in zip(targets, weights, strict=True)]
    assert found.memoryless() >= max(np.mean(of_each), 1 - np.mean(of_each)) - 1e-12


def test_what_the_place_tells_is_memoryless(tmp_path):
    """Each step has the label of its place: no memory is needed, and the level says so."""
    x = np.random.default_rng(0).normal(size=(60, 4))
    np.savez(tmp_path / "own.npz", x=x, y=np.broadcast_to(np.arange(4), (60, 4)))
    found = task(tmp_path / "own.npz")
    assert found.memoryless() == 1
    assert not found.asks_memory()


def test_markers_can_be_taken_away(tmp_path):
    path = written(tmp_path, frame())
    (stream,) = task(path, label="state", filler="blank").split("test")
    without = task(path, label="state", filler="blank").without_marker(stream)
    assert stream.features[:, -5:, -1].all()
    assert not without.features[..., -1].any()
    assert without.features[:, -5:, -2].all()
    assert task(path).without_marker(stream) is None


@QUIET
@given(st.integers(0, 5), st.sampled_from(["state", "sum"]))
def test_padding_changes_neither_loss_nor_scores(tmp_path, seed, label):
    found = task(written(tmp_path, frame(seed)), label=label)
    (stream,) = found.split("test")
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(*stream.targets.shape[:2], found.outputs)).astype(np.float32)
    padding = (stream.weights == 0)[..., None]
    assert padding.any()
    other = np.where(padding, rng.normal(size=outputs.shape).astype(np.float32) * 50, outputs)
    assert np.array_equal(np.asarray(found.loss(stream, outputs)), np.asarray(found.loss(stream, other)))
    for name, values in found.scores(stream, outputs).items():
        assert np.array_equal(values, found.scores(stream, other)[name])
    alone = [
        found.scores(stream.rows(slice(at, at + 1))._replace(
            weights=None, targets=stream.targets[at : at + 1, -int(stream.weights[at].sum()):]),
            outputs[at : at + 1, -int(stream.weights[at].sum()):])[found.score.name][0]
        for at in range(stream.examples)
    ]  # fmt: skip
    assert np.allclose(found.scores(stream, outputs)[found.score.name], alone)


@QUIET
@given(st.lists(st.integers(1, 6), min_size=9, max_size=40), st.booleans())
def test_splits_are_disjoint_and_complete_and_decoys_are_training_rows(tmp_path, lengths, per_step):
    n, rows = len(lengths), sum(lengths)
    table = pd.DataFrame({"id": np.repeat(np.arange(n), lengths), "a": np.arange(rows)})
    of_sequence = np.array(["x", "y", "z"])[np.repeat(np.arange(n) % 3, lengths)]
    label = np.where(np.arange(rows) % 2, "odd", "even") if per_step else of_sequence
    path = written(tmp_path, table.assign(kind=label))
    found = task(path, step=None, features=("a",), filler="decoy")
    try:
        evidence = {split: found.examples(split).evidence[:] for split in SPLITS}
    except UserError:
        return
    unequal = len(set(lengths)) > 1
    seen = {
        split: (part[part[..., -1] > 0] if unequal else part.reshape(-1, part.shape[2]))[:, 0]
        for split, part in evidence.items()
    }
    assert len(np.unique(np.concatenate(list(seen.values())))) == rows == sum(len(part) for part in seen.values())
    drawn = found.decoys(np.random.default_rng(0), 5, 7)
    assert set(drawn[..., 0].ravel().tolist()) <= set(seen["train"].tolist())


def spoilt(change) -> pd.DataFrame:
    table = frame().astype({"a": "object", "kind": "object", "id": "object", "step": "object"})
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
    "unknown id": (frame().drop(columns="id"), {}, "no column 'id'"),
    "unknown step": (frame().drop(columns="step"), {}, "no column 'step'"),
    "unknown label": (frame().drop(columns="kind"), {}, "no column 'kind'"),
    "unknown feature": (frame().drop(columns="b"), {}, "no column 'b'"),
    "unknown split": (frame(), {"split": "part"}, "no column 'part'"),
    "all numeric": (frame()[["id", "step", "kind"]], {"features": None}, "no column of numbers is left"),
    "two uses": (frame(), {"label": "id"}, "column 'id' has two uses"),
    "feature is label": (frame(), {"features": ["a", "kind"]}, "`features` name 'kind' twice, or for another use"),
    "feature twice": (frame(), {"features": ["a", "a"]}, "`features` name 'a' twice"),
    "not a number": (spoilt(setter(4, "a", "high")), {}, "line 6, column 'a': 'high' is not a number"),
    "infinite": (spoilt(setter(4, "a", "inf")), {}, "line 6, column 'a': inf is not a finite number"),
    "missing": (spoilt(setter(4, "a", None)), {}, "1 missing value, the first in line 6, 'a'"),
    "missing id": (spoilt(setter(4, "id", None)), {}, "line 6, column 'id': the id is missing"),
    "missing step": (spoilt(setter(4, "step", None)), {}, "line 6, column 'step': the step is missing"),
    "no step": (spoilt(setter(4, "step", "last")), {}, "line 6, column 'step': 'last' is not a number"),
    "step twice": (spoilt(setter(1, "step", 0)), {}, "line 3: sequence '0' has a step '0' already in line 2"),
    "missing label": (
        frame().assign(kind=lambda table: table["kind"].where(table["id"] != 1)),
        {},
        "column 'kind': the label is missing (1 in all)",
    ),
    "changing label": (frame(), {"label": "state", "label_per": "sequence"}, "of the same sequence; set `label_per"),
    "one class": (frame().assign(kind="x"), {}, "every sequence has the label 'x'"),
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
    "not numbers": (frame(), {"answers": "numbers"}, "column 'kind': 'x' is not a number"),
    "no classes": (frame(), {"label": "sum", "answers": "classes"}, "different labels in"),
    "constant answer": (frame().assign(kind=2.5), {}, "column 'kind' is constant in training"),
    "constant in a feature": (spoilt(lambda table: table.__setitem__("a", None)), {"missing": "mask"}, None),
    "dates": (frame(), {"split": ["2017-01-01", "2018-01-01"]}, "a split by dates is for series"),
    "too few": (frame(), {"batch_size": 64}, "64 is too many: there are 42 training examples"),
    "ragged": ("id,step,a,b,kind\n1,0,1,2,x\n1,1,2\n", {}, "line 3 has 3 cells, but the header names 5"),
    "no rows": ("id,step,a,b,kind\n", {}, "holds no rows"),
    "encoding": (b"id,step,a,b,kind\n1,0,1,2,caf\xe9\n", {}, "byte 0xE9 at position 28 (line 2)"),
}  # fmt: skip


def plan(tmp_path: Path, path: str, extra: dict) -> None:
    batch = extra.pop("batch_size", 8)
    given = {"path": path, "lag": 2, "step": "step", "features": ["a", "b"], "label": "kind", **extra}
    file = tmp_path / "own.yaml"
    file.write_text(
        textwrap.dedent(
            f"""
            name: own
            tasks:
              table_sequences: {json.dumps(given)}
            models: {{gru: {{units: 4}}}}
            training: {{steps: 10, batch_size: {batch}}}
            """
        )
    )
    rnnbench.load_experiment(file)


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

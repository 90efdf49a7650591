"""Sequences of the user's: tables and `.npz`, a label a sequence or a step, classes or numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench.errors import UserError
from rnnbench.tasks.stream import joined
from rnnbench.tasks.table_sequences import TableSequences
from tests.tasks.own_files import SEQUENCES, steps

N, SPLITS = SEQUENCES, ("train", "validation", "test")
QUIET = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))


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
    path = written(tmp_path, steps())
    of_kind, of_state, of_sum = (task(path, label=label) for label in ("kind", "state", "sum"))
    assert of_kind.facts["sizes"] == {"train": 42, "validation": 6, "test": 12}
    assert (of_kind.layout, of_kind.ports.features, of_kind.outputs) == ((5, 2, 1), 2 + 1 + 3, 3)
    assert (of_state.layout, of_state.outputs, of_state.facts["classes"]) == ((5, 2, 5), 2, ["down", "up"])
    assert (of_sum.layout, of_sum.outputs, of_sum.score.name) == ((5, 2, 5), 1, "mse")
    assert of_kind.score.name == of_state.score.name == "accuracy"
    masked = task(path, missing="mask")
    assert masked.ports.features == 4 + 1 + 3
    assert masked.display().channels == ["a", "b", "a missing", "b missing", "there"]
    assert of_kind.display().classes == ("x", "y", "z")


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
    table = steps()
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
    table = steps()
    interleaved = table.sort_values("step", kind="stable")
    found = task(written(tmp_path, interleaved), step=None)
    again = task(written(tmp_path, interleaved, "other.csv"))
    assert np.array_equal(found.examples("train").evidence[:], again.examples("train").evidence[:])


def test_times_are_steps(tmp_path):
    table = steps()
    table["step"] = pd.Timestamp("2020-01-31") + pd.to_timedelta(table["step"], "D")
    found = task(written(tmp_path, table.sample(frac=1, random_state=0)))
    first = rebuilt(found, table, "kind")
    assert len(first) == N


def test_formats_and_an_npz_give_the_same_examples(tmp_path):
    table = steps(least=5)
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
    evidence = task(written(tmp_path, steps())).examples("train").evidence
    whole = np.asarray(evidence)
    assert whole.shape == evidence.shape == (len(evidence), 5, 3)
    for chosen in (3, slice(2, 9), np.array([5, 1]), (slice(3), 0), (..., 0), ...):
        assert np.array_equal(evidence[chosen], whole[chosen])


def test_length_keeps_the_last_steps(tmp_path):
    path = written(tmp_path, steps())
    whole, cut = task(path, label="state"), task(path, label="state", length=2)
    assert cut.layout == (2, 2, 2)
    assert cut.step_weights("test") is None
    assert np.array_equal(cut.examples("test").targets, whole.examples("test").targets[:, -2:])


def test_constant_features_are_0_and_indicators_mark_what_is_missing(tmp_path):
    table = steps().assign(c=7.0)
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
    path = written(tmp_path, steps())
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
    found = task(written(tmp_path, steps(3)), label="state")
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
    path = written(tmp_path, steps())
    (stream,) = task(path, label="state", filler="blank").split("test")
    without = task(path, label="state", filler="blank").without_marker(stream)
    assert stream.features[:, -5:, -1].all()
    assert not without.features[..., -1].any()
    assert without.features[:, -5:, -2].all()
    assert task(path).without_marker(stream) is None


@QUIET
@given(st.integers(0, 5), st.sampled_from(["state", "sum"]))
def test_padding_changes_neither_loss_nor_scores(tmp_path, seed, label):
    found = task(written(tmp_path, steps(seed)), label=label)
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

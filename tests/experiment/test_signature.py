"""A signature covers everything that can change a result, and nothing else."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.settings import Training
from rnnbench.identity import class_code
from rnnbench.identity.signature import PART_VERSIONS, HashedAs, Joined, digest, signed_values
from rnnbench.models.gru import GRU
from rnnbench.tasks.base import Task
from rnnbench.tasks.copy_memory import CopyMemory


class Earlier(BaseModel):
    steps: int = 10
    layers: str = "fast"


class Inner(BaseModel):
    rate: float = 1.0
    warmup: Annotated[int, Joined(earlier=0)] = 0


class Later(BaseModel):
    steps: int = 10
    implementation: Annotated[str, HashedAs("layers")] = "fast"
    shards: Annotated[int, Joined(earlier=1)] = 4
    truncate: Annotated[int | None, Joined(earlier=None), Field(ge=1)] = None
    lags: Annotated[tuple[int, ...], Joined(earlier=(1,))] = (1,)


@given(steps=st.integers(1, 9), layers=st.sampled_from(["fast", "stock"]), shards=st.integers(1, 3))
def test_a_setting_that_joins_changes_no_signature_at_the_earlier_value_and_all_at_others(steps, layers, shards):
    before = digest(signed_values(Earlier(steps=steps, layers=layers)))
    after = digest(signed_values(Later(steps=steps, implementation=layers, shards=shards)))
    assert (before == after) == (shards == 1)
    assert digest(signed_values(Later(steps=steps, implementation=layers))) != before  # its default is another value
    assert digest(signed_values(Later(steps=steps, implementation=layers, shards=1, truncate=5))) != before
    assert digest(signed_values(Later(steps=steps, implementation=layers, shards=1, lags=(1, 2)))) != before


def test_marks_count_in_settings_within_settings():
    class Outer(BaseModel):
        inner: Inner = Inner()

    assert signed_values(Outer()) == {"inner": {"rate": 1.0}}
    assert signed_values(Outer(inner=Inner(warmup=3))) == {"inner": {"rate": 1.0, "warmup": 3}}


def test_an_earlier_value_is_told_from_its_equals():
    class Flags(BaseModel):
        flag: Annotated[int | bool, Joined(earlier=1)] = True

    class Scaled(BaseModel):
        factor: Annotated[float, Joined(earlier=1)] = 2.0

    assert signed_values(Scaled(factor=1)) == {}
    assert signed_values(Flags(flag=1)) == {}
    assert signed_values(Flags(flag=True)) == {"flag": True}


def grid(**changes):
    settings = {
        "name": "signed",
        "tasks": {"copy_memory": {"lag": [1, 3], "symbols": 1}, "adding": {"lag": 2}},
        "models": {"gru": {"units": 4}, "lstm": {"units": 4}},
        "training": {"steps": 4},
    }
    return Experiment(**(settings | changes))


def test_shards_are_signed_unless_there_is_one():
    assert "shards" not in signed_values(Training(shards=1))
    assert signed_values(Training(shards=2))["shards"] == 2


def signatures(**changes):
    return {(run.name): run.signature for run in grid(**changes).runs}


@pytest.mark.parametrize("part", sorted(PART_VERSIONS.keys() - {"recurrent_dropout"}))
def test_every_part_of_the_suite_has_a_version(part, monkeypatch):
    before = signatures()
    monkeypatch.setitem(PART_VERSIONS, part, PART_VERSIONS[part] + 1)
    after = signatures()
    assert all(after[name] != before[name] for name in before)


def test_fast_layers_are_no_part_of_a_run_with_stock_layers(monkeypatch):
    stock = {"steps": 4, "implementation": "stock"}
    before = signatures(training=stock)
    monkeypatch.setitem(PART_VERSIONS, "layers", 2)
    assert signatures(training=stock) == before


def test_how_masks_are_drawn_is_a_part_of_runs_that_draw_them_in_fast_layers(monkeypatch):
    models = {"gru": {"units": 4, "recurrent_dropout": [0.0, 0.2]}}
    fast, stock = ({"steps": 4, "implementation": implementation} for implementation in ("fast", "stock"))
    before = [signatures(models=models, training=training) for training in (fast, stock)]
    monkeypatch.setitem(PART_VERSIONS, "recurrent_dropout", 3)
    after = [signatures(models=models, training=training) for training in (fast, stock)]
    assert after[1] == before[1]
    changed = {name for name in before[0] if after[0][name] != before[0][name]}
    assert changed == {name for name in before[0] if "recurrent_dropout=0.2" in name}


@pytest.mark.parametrize(("raised", "touched"), [(CopyMemory, "copy_memory"), (GRU, "gru"), (Task, "")])
def test_a_version_changes_the_runs_of_the_class_and_of_those_below_it(raised, touched, monkeypatch):
    before = signatures()
    monkeypatch.setattr(raised, "version", 7, raising=False)
    after = signatures()
    assert {name for name in before if after[name] != before[name]} == {name for name in before if touched in name}


def test_each_class_counts_its_own_version_once():
    class Parent(CopyMemory):
        version = 3

    class Child(Parent):
        pass

    for made in (Parent, Child):
        made.__module__ = "rnnbench.tasks.mine"
    versions = class_code.identity(Child)["versions"]
    copy_memory = CopyMemory.version
    assert sorted(versions.values()) == sorted([1, 1, 1, copy_memory, 3])
    assert versions["tasks.copy_memory.CopyMemory"] == copy_memory


def test_a_gradient_that_is_not_cut_is_that_of_earlier_runs_and_one_that_is_has_a_network_of_its_own():
    before = {run.signature: run.compile_key for run in grid().runs}
    axis = grid(training={"steps": 4, "truncate": [2, None]}).runs
    found = {run.signature: run.compile_key for run in axis if run.training.truncate is None}
    cut = {run.signature: run.compile_key for run in axis if run.training.truncate == 2}
    assert found == before
    assert len(axis) == 2 * len(before) == 2 * len(cut)
    assert not set(cut.values()) & set(before.values())


def test_labels_and_order_are_no_part():
    renamed = grid(
        tasks={"mine": {"task": "copy_memory", "lag": [3, 1], "symbols": 1}}, models={"g": {"model": "gru", "units": 4}}
    )
    assert {run.signature for run in renamed.runs} <= set(signatures().values())

"""Runs that were made with --set are found again: what the store has is said, and --last takes it up."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnbench
from rnnbench.errors import UserError
from rnnbench.experiment.yaml_file import load
from rnnbench.grid.remembered import instead, others, with_last
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from tests.event_streams import fill, new_store

TEXT = """\
name: carry
tasks: {copy_memory: {lag: [5, 10], symbols: 1}}
models: {simple_rnn: {units: 8}}
training: {steps: 20, evaluate_every: 10}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "carry.yaml").write_text(TEXT)
    return tmp_path / "carry.yaml"


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return new_store(tmp_path / "store")


def said(file: Path, location: Location, *overrides: str) -> list[str]:
    return [str(other) for other in others(load(file, overrides), location)]


def test_what_a_store_has_under_other_overrides(file: Path, location: Location) -> None:
    assert said(file, location) == []
    fill(location, load(file, ["training.steps=150"]))
    assert said(file, location) == ["2 runs with training.steps=150 (add --set training.steps=150)"]
    assert said(file, location, "training.steps=150") == []
    fill(location, load(file))
    assert said(file, location, "training.steps=150") == ["2 runs of the file as it is (leave --set out)"]
    fill(location, load(file, ["training.steps=150", "seeds=1", "models.simple_rnn.units=[9, 10]"]))
    assert said(file, location) == [
        "4 runs with training.steps=150, models.simple_rnn.units=[9, 10] "
        "(add --set training.steps=150 --set 'models.simple_rnn.units=[9, 10]')",
        "2 runs with training.steps=150 (add --set training.steps=150)",
    ]


def test_overrides_that_change_nothing_any_more_are_not_mentioned(file: Path, location: Location) -> None:
    fill(location, load(file, ["training.steps=150"]))
    file.write_text(TEXT.replace("steps: 20", "steps: 150"))
    assert said(file, location) == []
    file.write_text(TEXT.replace("training: {", "training: {batch_size: 7, "))
    assert said(file, location) == ["2 runs with other settings than the file has now"]


def test_no_runs_yet_says_what_is_there(file: Path, location: Location) -> None:
    store = file.parent / "store"
    with pytest.raises(UserError, match="no runs of 'carry' yet"):
        rnnbench.load_results(load(file), store)
    assert instead(load(file), location) == ""
    fill(location, load(file, ["training.steps=150"]))
    there = (
        r"no runs of 'carry' with these settings, but 2 runs with training.steps=150 \(add --set training.steps=150\)"
    )
    with pytest.raises(UserError, match=there):
        rnnbench.load_results(load(file), store)
    assert len(rnnbench.load_results(load(file), store, last=True).runs) == 2
    fill(location, load(file))
    assert instead(load(file), location) == ""


def test_the_last_overrides_are_those_of_the_last_run(file: Path, location: Location) -> None:
    with pytest.raises(UserError, match="no `rnnbench run` of 'carry' is remembered"):
        with_last(file, [], location)
    for overrides in (["training.steps=150"], [], ["seeds=2", "training.steps=30"]):
        fill(location, load(file, overrides))
        assert with_last(file, [], location) == overrides
    # Nothing is left to run, and yet it is the last.
    Tracker(location, load(file, ["training.steps=150"])).remember()
    assert location.reader.asked("carry") == [[], ["seeds=2", "training.steps=30"], ["training.steps=150"]]
    assert with_last(file, ["seeds=[4]"], location) == ["training.steps=150", "seeds=[4]"]
    assert with_last(file, ["training.steps=9"], location) == ["training.steps=9"]


def test_an_experiment_made_in_python_has_no_last_overrides(location: Location, file: Path) -> None:
    made = rnnbench.Experiment(name="carry", tasks={"copy_memory": {"lag": 5}}, models={"gru": {}})
    with pytest.raises(UserError, match="made in Python"):
        rnnbench.load_results(made, file.parent / "store", last=True)


def test_the_memory_of_overrides_is_bounded(file: Path, location: Location) -> None:
    fill(location, load(file))
    for number in range(3):
        Tracker(location, load(file, [f"description={number}{'x' * 1900}"])).remember()
    known = location.reader.asked("carry")
    assert known is not None
    assert [overrides[0][12] for overrides in known] == ["1", "2"]

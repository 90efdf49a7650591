"""The answers that a run tells: of the test itself, few, and of no single example where that is forbidden."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from rnnbench.events import Answered, Finished, Scored, Warned
from rnnbench.experiment.definition import Experiment
from rnnbench.showing import answers as showing
from rnnbench.training import run as training

PRIVATE = str(Path(__file__).parents[1] / "plugins" / "private.py")


def spec_of(task, plugins=(), **settings):
    return Experiment(
        name="test",
        plugins=list(plugins),
        tasks={task: {"lag": 3} | settings},
        models={"gru": {"units": 6}},
        seeds=1,
        training={"steps": 4, "batch_size": 16, "evaluate_every": 2, "implementation": "stock"},
        gradients={"examples": 4},
    ).runs[0]


def said(spec):
    return list(training.run(spec))


def only(events, kind):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.fixture(scope="module")
def copied():
    return said(spec_of("copy_memory", symbols=2, examples=60))


def test_a_run_tells_a_few_answers_of_its_test(copied):
    told = only(copied, Answered).answers
    assert len(told["examples"]) == showing.MOST_EXAMPLES
    scores = only(copied, Scored).scores
    for one in told["examples"]:
        assert one["right"] == scores[one["example"]]
    counts = np.array(told["confusion"]["counts"])
    assert counts.sum() == 60 * 2
    assert np.trace(counts) / counts.sum() == pytest.approx(only(copied, Finished).metrics["score"])


def test_they_change_nothing_else(copied, monkeypatch):
    monkeypatch.setattr(showing.Answers, "update", lambda *_: None)
    without = said(spec_of("copy_memory", symbols=2, examples=60))
    assert [type(event) for event in without] == [type(event) for event in copied if not isinstance(event, Answered)]
    for left, right in zip(without, [event for event in copied if not isinstance(event, Answered)], strict=True):
        assert untimed(left) == untimed(right)


def untimed(event):
    values = dataclasses.asdict(event)
    values["metrics"] = {k: v for k, v in values.get("metrics", {}).items() if not k.startswith("seconds")}
    return str(values)  # in which NaN equals NaN


@pytest.mark.parametrize(("task", "summed"), [("private_diary", "confusion"), ("private_meter", "errors_ahead")])
def test_of_private_examples_only_sums_are_told(task, summed):
    told = only(said(spec_of(task, [PRIVATE])), Answered).answers
    assert told["examples"] == []
    assert told.keys() == {"score", "examples", summed}
    # Those who ask for examples get them.
    shown = only(said(spec_of(task, [PRIVATE], show_examples=True)), Answered).answers
    assert len(shown["examples"]) == showing.MOST_EXAMPLES
    assert ("secretword" in json.dumps(shown)) == (task == "private_diary")


def test_answers_that_fail_end_no_run(monkeypatch):
    def fail(*_):
        raise KeyError("of a plug-in")

    monkeypatch.setattr(showing, "_told", fail)
    events = said(spec_of("copy_memory", symbols=2, examples=20))
    assert only(events, Warned).message == "predictions are left out: KeyError: 'of a plug-in'"
    assert isinstance(events[-1], Finished)

"""A run that resumes from its checkpoint is bit-identical to an uninterrupted run."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from rnnbench.events import Diverged, Finished, Measured, Warned
from rnnbench.training import memory
from rnnbench.training import run as training
from rnnbench.training.network import build
from rnnbench.training.program import Program, program_for
from rnnbench.training.snapshot import Snapshot
from tests.training.test_run import specs, without_seconds


def interrupted(spec, cleared=False):
    """Stop a run after every interval: how often, the events of its last part, its final weights."""
    saved, snapshot = [], None
    attempts = 0
    while True:
        calls = itertools.count(1)
        events = list(training.run(spec, snapshot, saved.append, lambda calls=calls: next(calls) > 1))
        if isinstance(events[-1], Finished | Diverged):
            # Not the number of checkpoints: on a slow machine some are written because they are due.
            return attempts, events, program_for(spec.compile_key).network.get_weights()
        attempts += 1
        snapshot = Snapshot.from_bytes(saved[-1].to_bytes())
        if cleared:
            program_for.cache_clear()
        else:
            program_for(spec.compile_key).reset(build(spec.task, spec.model, 77), 0.5)


def until(spec, step, snapshot=None):
    """The snapshot of a run that is stopped at `step`."""
    saved, reached = [], []

    def stopped():
        return bool(reached)

    for event in training.run(spec, snapshot, saved.append, stopped):
        if isinstance(event, Measured) and event.step == step:
            reached.append(event)
    return saved[-1]


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        ("simple_rnn", "stock"),
        ("lstm", "stock"),
        ("gru", "fast"),
        pytest.param("simple_rnn", "fast", marks=pytest.mark.slow),
        pytest.param("lstm", "fast", marks=pytest.mark.slow),
        pytest.param("gru", "stock", marks=pytest.mark.slow),
    ],
)
def test_the_same_bits_after_every_boundary(model, layers):
    (spec,) = specs(model=model, task={"symbols": 2, "filler": "distractor"}, steps=35, implementation=layers)
    expected = without_seconds(training.run(spec))
    weights = program_for(spec.compile_key).network.get_weights()
    attempts, events, found = interrupted(spec, cleared=model == "lstm")
    assert attempts == 3  # at steps 10, 20 and 30
    assert without_seconds(events) == expected
    for a, b in zip(found, weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("solved", [False, True])
def test_a_run_that_is_killed_in_its_tests_repeats_them_alone(monkeypatch, solved):
    """Its training is saved before them; of a run that was solved, what it trained on to is, too."""
    monkeypatch.setattr(memory, "FIRST_SAVE", 0.0)
    monkeypatch.setattr(memory, "SAVING_SHARE", math.inf)
    easy = {"model": "simple_rnn", "task": {"lag": 1, "filler": "zeros"}, "learning_rate": 0.03, "evaluate_every": 50}
    (spec,) = specs(steps=400, **easy) if solved else specs(steps=20)
    saved = []
    expected = list(training.run(spec, save=saved.append))
    assert saved[-1].progress["step"] == (200 if solved else 20)
    assert (saved[-1].progress["settled_at"] is not None) == solved
    program_for(spec.compile_key).reset(build(spec.task, spec.model, 77), 0.5)
    fitted = []
    monkeypatch.setattr(Program, "fit", lambda *_: fitted.append(1))
    found = training.run(spec, Snapshot.from_bytes(saved[-1].to_bytes()))
    assert without_seconds(found) == without_seconds(expected)
    assert not fitted


@pytest.mark.parametrize("objective", ["recall", "all"])
def test_the_same_bits_where_lags_and_leads_are_drawn(objective):
    """What is drawn for a step depends on nothing but the seed and the step."""
    protocol = {"lag": 12, "training_lags": "log", "lead": "random", "objective": objective}
    (spec,) = specs(model="simple_rnn", task=protocol, steps=25)
    expected = without_seconds(training.run(spec))
    assert isinstance(expected[-1], Finished)
    attempts, events, _ = interrupted(spec)
    assert attempts == 2
    assert without_seconds(events) == expected


def test_the_trained_state_is_the_same_bits():
    """Weights, optimiser and random generators at step 30, before the best weights are put back for the test."""
    (spec,) = specs(steps=40)
    at_once, in_parts = until(spec, 30), until(spec, 30, until(spec, 20, until(spec, 10, until(spec, 0))))
    assert at_once.progress == in_parts.progress
    assert at_once.arrays.keys() == {"network", "optimizer", "best"}
    for name, group in at_once.arrays.items():
        for a, b in zip(group, in_parts.arrays[name], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_run_that_diverges():
    (spec,) = specs(learning_rate=30.0, global_clipnorm=None, steps=200)
    expected = without_seconds(training.run(spec))
    attempts, events, _ = interrupted(spec)
    assert attempts > 0
    assert without_seconds(events) == expected


def test_a_run_that_is_solved_early():
    """The count of consecutive solved evaluations is resumed too."""
    (spec,) = specs(model="simple_rnn", task={"lag": 1}, steps=2000, evaluate_every=25)
    expected = without_seconds(training.run(spec))
    assert expected[-1].step < 2000
    _, events, _ = interrupted(spec)
    assert without_seconds(events) == expected


def test_the_best_weights_may_lie_before_the_interruption():
    """Too large a step size: an earlier network is the best one, and it is the one that is tested."""
    for rate in (3.0, 10.0, 30.0, 100.0):  # Which of them ends worse than it was is a matter of last digits.
        (spec,) = specs(learning_rate=rate, global_clipnorm=None, steps=40)
        expected = without_seconds(training.run(spec))
        best = expected[-1].metrics["best_step"]
        if best < 30:
            break
    assert best < 30
    snapshot = until(spec, 30)
    assert snapshot.progress["best_step"] == best
    assert without_seconds(training.run(spec, snapshot)) == expected


def test_seconds_go_on():
    (spec,) = specs()
    snapshot = dataclasses.replace(until(spec, 10), seconds={"seconds": 1000.0, "seconds/training": 900.0})
    metrics = list(training.run(spec, snapshot))[-1].metrics
    assert 1000 < metrics["seconds"] < 1300
    assert 900 < metrics["seconds/training"] < 1200
    parts = [value for name, value in metrics.items() if name.startswith("seconds/")]
    assert 900 < sum(parts) < metrics["seconds"] - 90


def test_a_checkpoint_that_cannot_be_written_is_told_once_and_costs_nothing_else():
    def full(snapshot):
        raise OSError(28, "No space left on device")

    (spec,) = specs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "FIRST_SAVE", 1e9)
        events = list(training.run(spec, None, full, lambda: False))
    assert not any(isinstance(event, Warned) for event in events)  # None was due yet.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "FIRST_SAVE", 0.0)
        patch.setattr(memory, "SAVING_SHARE", 1e9)
        events = list(training.run(spec, None, full, lambda: False))
    warnings = [event for event in events if isinstance(event, Warned)]
    assert ["No space left" in warning.message for warning in warnings] == [True]
    assert without_seconds(event for event in events if event not in warnings) == without_seconds(training.run(spec))

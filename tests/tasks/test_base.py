"""What is trained on and evaluated: the batch at the drawn lag, behind the drawn lead, of every kind of task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rnnbench import registry
from rnnbench.checks.contracts.made_files import settings_with_a_file
from rnnbench.tasks import protocol
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.base import Task
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.stream import Stream, joined
from tests.tasks.lookup import Lookup

SETTINGS: dict[str, dict[str, Any]] = {
    "adding": {"evidence": 4, "examples": 23},
    "associative_recall": {"pairs": 3, "keys": 4, "values": 3, "queries": 2, "examples": 23},
    "copy_memory": {"symbols": 3, "alphabet": 4, "examples": 23},
    "reversal": {"symbols": 3, "alphabet": 4, "examples": 23},
    "forecasting": {"source": "synthetic", "look_back": 24, "horizon": 2, "variables": "multivariate"},
    "parity": {"evidence": 5, "marked": 3, "examples": 23},
    "selective_copy": {"symbols": 3, "alphabet": 4, "evidence": 6, "gaps": "distractor", "examples": 23},
    "sentiment": {"source": "synthetic", "vocabulary": 100, "evidence": 5, "test_examples": 23},
    "captioning": {"source": "synthetic", "image": "rows", "test_examples": 23},
    "translation": {"source": "synthetic", "longest": 8, "answer": 8},
    "language_model": {"source": "synthetic", "context": 5, "readout": 3, "test_examples": 23},
    "music": {"source": "synthetic", "context": 4, "readout": 2, "test_examples": 23},
    "sequential_mnist": {"source": "synthetic", "test_examples": 23},
    "speech_commands": {"source": "synthetic", "bands": 4, "stride_ms": 100},
    "video": {
        "source": "synthetic",
        "side": 4,
        "digit": 3,
        "digits": 3,
        "frames": 3,
        "readout": 2,
        "test_examples": 23,
    },
    "transcription": {"source": "synthetic", "most_words": 2, "stride_ms": 200, "bands": 4, "test_examples": 23},
    **{name: settings_with_a_file(registry.tasks[name]) for name in ("csv_forecasting", "table_sequences", "texts")},
}
KINDS = {
    **{name: (registry.tasks[name], options) for name, options in SETTINGS.items()},
    "copy_memory, every step": (CopyMemory, SETTINGS["copy_memory"] | {"objective": "all"}),
    "lookup, given steps": (Lookup, {}),
}
BATCH = 3


def made(kind: str, **options: Any) -> Task:
    task_class, own = KINDS[kind]
    return task_class(**own, **options)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_all_tasks_of_the_suite_are_here() -> None:
    ours = {name for name in registry.tasks if registry.tasks[name].__module__.startswith("rnnbench.")}
    assert SETTINGS.keys() == ours


def assert_same(found: Stream, expected: Stream) -> None:
    assert list(found.parts) == list(expected.parts)
    for name, part in expected.parts.items():
        assert found.parts[name].dtype == part.dtype
        np.testing.assert_array_equal(found.parts[name], part)


def without_lead(task: Task, stream: Stream, lead: int) -> Stream:
    """The stream from where its evidence begins, without the weights that a lead adds where every step is read."""
    parts = {name: stream.parts[name][:, lead:] for name in ("features", "tokens") if name in stream.parts}
    if stream.readout is not None:
        parts["readout"] = stream.readout - np.int32(lead)
    if task.reads == "every step":
        assert not stream.weights[:, :lead].any()
        assert (stream.weights[:, lead:] == 1).all()
        assert not stream.scored[:, :lead].any()
        parts |= {"targets": stream.targets[:, lead:], "scored": stream.scored[:, lead:], "weights": None}
    return stream._replace(**parts)


@settings(max_examples=40)
@given(
    kind=st.sampled_from(list(KINDS)),
    lag=st.integers(1, 50),
    protocols=st.sampled_from([("fixed", "none"), *((lags, "random") for lags in ("fixed", "uniform", "far", "log"))]),
    filler=st.integers(0, 2),
    seed=st.integers(0, 5),
    step=st.integers(0, 1000),
)
def test_what_is_trained_on_is_the_batch_at_the_drawn_lag_behind_the_drawn_lead(
    kind, lag, protocols, filler, seed, step
):
    lags, lead = protocols
    fillers = KINDS[kind][0].fillers
    filler = fillers[filler % len(fillers)]
    task = made(kind, lag=lag, training_lags=lags, lead=lead, filler=filler)
    drawn = task.training_lag(seed, step)
    assert drawn == protocol.drawn_lag(lags, task.least_lag, lag, seed, step)
    plain = made(kind, lag=drawn, filler=filler).train_batch(seed, step, BATCH)
    stream = task.training_stream(seed, step, BATCH)
    assert_same(stream, task.training_stream(seed, step, BATCH))
    if lead == "none":
        assert_same(stream, plain)
        return
    steps = protocol.drawn_lead(lag, seed, step)
    assert stream.steps == steps + plain.steps
    assert_same(without_lead(task, stream, steps), plain)
    # The lead is the task's filler, of a generator of its own.
    filling = task.fill(protocol.filler_rng(0, seed, step), BATCH, steps)
    inputs = [part for part in (stream.features, stream.tokens) if part is not None]
    for part, expected in zip(inputs, filling if isinstance(filling, tuple) else (filling,), strict=True):
        np.testing.assert_array_equal(part[:, :steps], expected)


def test_the_stream_of_a_task_without_protocols_is_its_batch_and_its_split(kind):
    task = made(kind, lag=3, training_lags="fixed")
    assert_same(task.training_stream(1, 2, BATCH), task.train_batch(1, 2, BATCH))
    for found, expected in zip(task.streams("validation"), task.split("validation"), strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("lookup")])
@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor", "decoy"])
def test_what_fills_the_lead_fills_the_lag(kind, filler):
    """Zeros and blanks are the same step everywhere. Others have the channels, and the range, of those in the lag."""
    if filler not in KINDS[kind][0].fillers:
        pytest.skip("the task has no such filler")
    task = made(kind, lag=300, filler=filler, training_lags="fixed", lead="random")
    step = next(step for step in range(100) if protocol.drawn_lead(300, 0, step) > 100)
    stream, lead, layout = task.training_stream(0, step, 16), protocol.drawn_lead(300, 0, step), task.layout
    # Without the last, which is the marker of copy-memory.
    inputs = stream.features if stream.tokens is None else stream.tokens
    lag = inputs[:, lead + layout.evidence : lead + layout.first_readout - 1]
    before = inputs[:, :lead]
    if filler in ("zeros", "blank"):
        assert before.any() == (filler == "blank")
        assert (before == lag[0, 0]).all()
        return
    if task.ports.vocabulary:
        assert {before.min() > 0, before.max() < task.ports.vocabulary - 2} == {True}
    else:
        # A pixel of a film is seldom lit, and may be dark throughout a lead.
        assert np.mean(before.any(axis=(0, 1)) == lag.any(axis=(0, 1))) > 0.9
        low, high = lag.min(axis=(0, 1)), lag.max(axis=(0, 1))
        assert np.mean((before >= low) & (before <= high)) > 0.98
    # Not the same for all examples, and not that of the lag.
    assert not np.array_equal(before[0], before[1])
    assert not np.array_equal(before[:, :90], lag[:, :90])


@pytest.mark.parametrize("name", ["validation", "test"])
def test_a_split_is_evaluated_behind_leads_that_are_spread_evenly(kind, name):
    """Every example once, as it is without a lead; the leads have equal shares of each stream."""
    task = plain = made(kind, lag=50)
    leads = [0, 6, 12, 19, 25]
    streams = iter(task.streams(name))
    for whole in plain.split(name):
        for first, lead in enumerate(leads):
            found = next(streams)
            assert found.steps == whole.steps + lead
            assert_same(without_lead(task, found, lead), whole.rows(np.arange(first, whole.examples, 5)))
    assert next(streams, None) is None
    for found, again in zip(task.streams(name), task.streams(name), strict=True):
        assert_same(found, again)


def test_a_split_is_tested_at_another_lag_behind_the_leads_of_the_own_one(kind):
    task = made(kind, lag=50)
    for lag in (7, 80):
        streams = task.tested("test", lag)
        for whole in made(kind, lag=lag).split("test"):
            for first, lead in enumerate([0, 6, 12, 19, 25]):
                found = next(streams)
                assert_same(without_lead(task, found, lead), whole.rows(np.arange(first, whole.examples, 5)))
        assert next(streams, None) is None


def test_a_split_is_tested_behind_leads_that_are_asked_for(kind):
    """Of a task trained without a lead, too."""
    for task in (made(kind, lag=9), made(kind, lag=9, training_lags="fixed")):
        for lag in (None, 4):
            (found,), (whole,) = ([joined(task.tested("test", lag, [lead]))] for lead in (11, 0))
            assert found.steps == whole.steps + 11
            if task.reads == "every step":
                assert not found.weights[:, :11].any()
            for name in ("features", "tokens"):
                if name in whole.parts:
                    np.testing.assert_array_equal(found.parts[name][:, 11:], whole.parts[name])


def test_the_parts_of_a_stream_do_not_depend_on_its_lead(kind):
    """So that all streams of a run are read alike."""
    task = made(kind, lag=4, lead="random")
    steps = {protocol.drawn_lead(4, 0, step): step for step in range(300)}
    parts = [list(task.training_stream(0, steps[lead], BATCH).parts) for lead in (0, 1, 20)]
    parts += [list(stream.parts) for stream in task.streams("test")]
    assert all(one == parts[0] for one in parts)


def test_two_splits_and_two_seeds_have_other_filler_in_their_leads():
    task = Adding(lag=4, filler="decoy", examples=10)
    streams = [list(task.streams(name))[4].features[:, :20] for name in ("validation", "test")]
    assert not np.array_equal(*streams)
    step = next(step for step in range(1000) if min(protocol.drawn_lead(4, seed, step) for seed in (0, 1)) > 5)
    trained = [task.training_stream(seed, step, 2).features[:, :5] for seed in (0, 1)]
    assert not np.array_equal(*trained)


def test_nothing_is_asked_of_a_lead_where_every_step_is_read():
    """Neither loss nor scores see what is answered there."""
    task = CopyMemory(lag=6, symbols=2, objective="all", lead="random", examples=10)
    plain = CopyMemory(lag=6, symbols=2, objective="all", examples=10)
    rng = np.random.default_rng(0)
    whole = joined(plain.split("test"))
    outputs = rng.normal(size=(*whole.targets.shape, task.outputs)).astype(np.float32)
    loss, scores = np.array(plain.loss(whole, outputs)), plain.scores(whole, outputs)
    for first, stream in enumerate(task.streams("test")):
        lead = stream.steps - whole.steps
        rows = np.arange(first, 10, 5)
        for before in (rng.normal(size=(2, lead, task.outputs)), np.full((2, lead, task.outputs), np.nan)):
            answers = np.concatenate([before.astype(np.float32), outputs[rows]], axis=1)
            np.testing.assert_allclose(task.loss(stream, answers), loss[rows], rtol=1e-5)
            np.testing.assert_allclose(task.loss(stream.scored_only, answers), scores["recall_loss"][rows], rtol=1e-5)
            found = task.scores(stream, answers)
            for name, values in scores.items():
                np.testing.assert_allclose(found[name], values[rows], rtol=1e-6)


def test_a_task_without_filler_of_its_own_has_no_lead():
    class Unfilled(Lookup):
        fill = Task.fill

    with pytest.raises(NotImplementedError, match="Unfilled has no filler of its own"):
        Unfilled(lag=1).fill(np.random.default_rng(0), 1, 1)


def test_a_task_at_another_lag_keeps_its_settings_and_its_limits():
    task = CopyMemory(lag=9, symbols=3, training_lags="log", lead="random", filler="distractor")
    other = task.at_lag(4)
    assert (other.lag, other.at_lag(9)) == (4, task)
    assert task.at_lag(9) is task
    with pytest.raises(ValidationError):
        task.at_lag(0)


@pytest.mark.parametrize("wrong", [{"training_lags": "longer"}, {"lead": "fixed"}, {"lead": 3}])
def test_unknown_protocols_are_refused(wrong):
    with pytest.raises(ValidationError):
        Adding(lag=1, **wrong)


def test_lags_are_drawn_from_the_tasks_shortest_one():
    copy = CopyMemory(lag=4, training_lags="uniform")
    assert {copy.training_lag(0, step) for step in range(300)} == {1, 2, 3, 4}
    adding = Adding(lag=4, training_lags="uniform")
    assert {adding.training_lag(0, step) for step in range(300)} == {0, 1, 2, 3, 4}

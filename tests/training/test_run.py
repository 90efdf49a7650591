"""One run: its events, its numbers against stock Keras, determinism, divergence."""

import dataclasses

import keras
import numpy as np
import pytest

from rnnbench.events import Diverged, Finished, Measured, Profiled, Scored, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.models.gru import GRU
from rnnbench.tasks.stream import Stream
from rnnbench.training import run as training
from rnnbench.training.network import build, network_inputs
from rnnbench.training.program import Program, program_for

FIXED = {"training_lags": "fixed", "lead": "none"}


def specs(task=None, model="gru", seeds=1, gradients=None, initialization="default", tasks=None, **settings):
    # What XLA compiles takes it seconds: the fast layers are asked for where they matter.
    defaults = {"steps": 25, "batch_size": 16, "evaluate_every": 10, "learning_rate": 0.01, "implementation": "stock"}
    settings = defaults | settings
    plugins = settings.pop("plugins", [])
    return Experiment(
        name="test",
        plugins=plugins,
        tasks=tasks or {"copy_memory": FIXED | {"lag": 3, "symbols": 1, "examples": 40} | (task or {})},
        models={model: {"units": 8, "initialization": initialization}},
        seeds=seeds,
        training=settings,
        gradients={"examples": 5} | (gradients or {}),
    ).runs


def without_seconds(events):
    return [
        dataclasses.replace(event, metrics={k: v for k, v in event.metrics.items() if not k.startswith("seconds")})
        if hasattr(event, "metrics")
        else event
        for event in events
    ]


def test_the_stream_of_a_run():
    (spec,) = specs()
    events = list(training.run(spec))
    assert isinstance(events[0], Started)
    assert events[0].parameters == build(spec.task, spec.model, 0).count_params()
    assert {name: events[0].levels[name] for name in ("memoryless", "reference")} == {
        "memoryless": 0.125,
        "reference": 1,
    }
    assert 0 <= events[0].levels["frozen"] <= 1
    evaluations = [event.step for event in events if isinstance(event, Measured) and "validation/loss" in event.metrics]
    assert evaluations == [0, 10, 20, 25]
    profiles = [(event.step, event.phase) for event in events if isinstance(event, Profiled)]
    assert profiles == [(0, "initial"), (10, "during"), (20, "during"), (25, "final")]
    assert [event for event in events if isinstance(event, Finished | Diverged)] == events[-1:]
    final = events[-1].metrics
    assert final["score"] == final["test/accuracy"]
    assert final["skill"] == pytest.approx((final["score"] - 0.125) / 0.875)
    assert final["steps"] == 25
    assert final["solved"] == 0
    assert not {"clock", "generalises_to"} & set(final)
    # The standard error of a share of right answers, over the eight distinct ones of forty examples.
    variance = final["score"] * (1 - final["score"]) * 40 / 39
    assert final["score_standard_error"] == pytest.approx((variance / 8) ** 0.5)
    curve = {event.step: event.metrics for event in events if "lag_curve/accuracy" in getattr(event, "metrics", {})}
    assert list(curve) == spec.tested_lags == [1, 2, 3, 4, 6]
    assert curve[3]["lag_curve/accuracy"] == final["score"]
    assert curve[3]["lag_curve/skill"] == final["skill"]
    assert curve[3]["lag_curve/standard_error"] == final["score_standard_error"]
    shift = {event.step: event.metrics["start_shift/accuracy"] for event in events
             if "start_shift/accuracy" in getattr(event, "metrics", {})}  # fmt: skip
    assert list(shift) == [0, 1, 5, 20, 40]
    assert shift[0] == final["score"]
    assert final["start_shift"] == min(shift[lead] for lead in (0, 1, 5, 20))
    (tested,) = [event.scores for event in events if isinstance(event, Scored)]
    assert len(tested) == 40
    assert np.mean(tested) == pytest.approx(final["score"])


TOKENS = {"sentiment": FIXED | {"source": "synthetic", "lag": 6, "evidence": 4, "vocabulary": 100}}


@pytest.mark.parametrize(
    ("tasks", "clip", "layers"),
    [
        (None, 0.05, "stock"),
        (None, 0.05, "fast"),
        (None, None, "fast"),
        (TOKENS, 0.05, "stock"),
        (TOKENS, 0.05, "fast"),
    ],
)
def test_steps_are_those_of_stock_keras(tasks, clip, layers):
    """Losses, pre-clip norms and weights after three steps equal a hand-written loop with stock layers and Adam.

    Blank tokens are read again and again: the gradient with respect to their embedding is one sum.
    """
    import tensorflow as tf

    (spec,) = specs(tasks=tasks, steps=3, evaluate_every=3, global_clipnorm=clip, implementation=layers)
    program = program_for(spec.compile_key)
    network = build(spec.task, spec.model, spec.seed)
    program.reset(network, 0.01)
    losses, norms = program.fit(spec.task, spec.seed, spec.training, 0, 3)
    adam = keras.optimizers.Adam(0.01)
    for step in range(3):
        stream = spec.task.train_batch(spec.seed, step, 16)
        with tf.GradientTape() as tape:
            answers = network(network_inputs(stream))
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(stream.targets, answers, from_logits=True)
            )
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, network.trainable_variables)]
        norm = np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))
        assert losses[step] == pytest.approx(float(loss), rel=1e-5)
        assert norms[step] == pytest.approx(norm, rel=1e-4)
        scale = min(1, clip / norm) if clip else 1
        adam.apply_gradients(
            (gradient * scale, v) for gradient, v in zip(gradients, network.trainable_variables, strict=True)
        )
    for found, expected in zip(program.network.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("objective", ["recall", "all"])
def test_steps_at_drawn_lags_behind_drawn_leads_are_those_of_stock_keras(objective):
    """Each step has a length of its own. With weights, where the lead is not asked; scores are those of the leads."""
    protocol = {"lag": 20, "training_lags": "uniform", "lead": "random", "objective": objective, "examples": 23}
    (spec,) = specs(model="simple_rnn", task=protocol, steps=4, evaluate_every=4, global_clipnorm=None)
    task, program = spec.task, program_for(spec.compile_key)
    network = build(task, spec.model, spec.seed)
    program.reset(network, 0.01)
    losses, _ = program.fit(task, spec.seed, spec.training, 0, 4)
    # As in Keras, a mean over all steps that have a weight, as many in each example.
    network.compile(keras.optimizers.Adam(0.01), jit_compile=False, loss=keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"))  # fmt: skip
    streams = [task.training_stream(spec.seed, step, 16) for step in range(4)]
    assert len({stream.steps for stream in streams}) == 4
    for loss, stream in zip(losses, streams, strict=True):
        expected = network.train_on_batch(stream.features, stream.targets, sample_weight=stream.weights)
        assert loss == pytest.approx(float(expected), rel=1e-5)
    for found, expected in zip(program.network.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    right = []
    for stream in task.streams("test"):
        answers = network.predict_on_batch(stream.features)[:, -1]
        right += (answers.argmax(axis=-1) == stream.targets[:, -1]).tolist()
    assert len(right) == 23
    assert program.scores(task, task.streams("test"))["accuracy"].value == pytest.approx(np.mean(right))


def loss_of(task):
    """The loss of a task whose streams have neither weights nor scored steps, as Keras takes one."""
    return lambda targets, outputs: task.loss(Stream(targets), outputs)


class Regularised(GRU):
    """Its layer has losses of its own."""

    def layer(self, name):
        return keras.layers.GRU(
            self.units, return_sequences=True, name=name, kernel_regularizer="l2", activity_regularizer="l1"
        )


@pytest.mark.parametrize("layers", ["fast", "stock"])
def test_losses_of_layers_are_minimised_too(layers):
    """Losses and weights after three steps equal those of `keras.Model.fit`."""
    (spec,) = specs(steps=3, evaluate_every=3, global_clipnorm=None, implementation=layers)
    task, model = spec.task, Regularised(units=8)
    program = program_for(dataclasses.replace(spec.compile_key, model=model))
    network = build(task, model, spec.seed)
    program.reset(network, 0.01)
    losses, _ = program.fit(task, spec.seed, spec.training, 0, 3)
    network.compile(keras.optimizers.Adam(0.01), loss_of(task), jit_compile=False)
    without = []
    for step in range(3):
        stream = task.train_batch(spec.seed, step, 16)
        without.append(float(np.mean(task.loss(stream, network(stream.inputs)))))
        assert losses[step] == pytest.approx(network.train_on_batch(stream.inputs, stream.targets), rel=1e-5)
        assert losses[step] > 1.01 * without[step]
    for found, expected in zip(program.network.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layers", ["fast", "stock"])
def test_the_same_run_gives_the_same_bits_whatever_ran_before(layers):
    first, second = specs(seeds=2, implementation=layers)
    alone = without_seconds(training.run(first))
    list(training.run(second))
    assert without_seconds(training.run(first)) == alone
    program_for.cache_clear()
    assert without_seconds(training.run(first)) == alone
    assert without_seconds(training.run(second)) != alone


def test_a_program_serves_all_lags_fillers_seeds_and_initialisations():
    program_for.cache_clear()
    task = {"lag": [3, 5], "filler": ["zeros", "distractor"]}
    for spec in specs(task=task, initialization=["default", "chrono"], seeds=2, steps=2, implementation="fast"):
        list(training.run(spec))
    assert program_for.cache_info().misses == 1
    network = program_for(spec.compile_key).network
    assert network._compiled_steps.experimental_get_tracing_count() == 1


def test_fast_and_stock_layers_train_alike():
    """From the same initial weights, on the same batches: the same metrics up to rounding."""
    fast, stock = (
        [event for event in training.run(spec) if isinstance(event, Measured)]
        for (spec,) in (specs(model="lstm", steps=10, implementation=layers) for layers in ("fast", "stock"))
    )
    for found, expected in zip(fast, stock, strict=True):
        assert found.metrics == pytest.approx(expected.metrics, rel=1e-3, abs=1e-5)


def test_a_solved_run_stops_after_two_evaluations():
    (spec,) = specs(model="simple_rnn", task={"lag": 1}, steps=2000, evaluate_every=25)
    final = list(training.run(spec))[-1]
    assert final.metrics["solved"] == 1
    assert final.step < 2000
    assert final.metrics["steps_to_solve"] == final.step - 25
    (spec,) = specs(
        model="simple_rnn", task={"lag": 1}, steps=final.step + 50, evaluate_every=25, stop_when_solved=False
    )
    assert list(training.run(spec))[-1].step == final.step + 50


def test_a_run_that_is_solved_trains_on_to_the_last_probe_and_its_outcome_stays():
    """Gradients are compared at equal steps; what the run comes to is what it was when it was solved."""
    tasks = {"lag": 1, "symbols": 1, "alphabet": 8, "filler": "zeros"}
    settings = {"model": "simple_rnn", "task": tasks, "evaluate_every": 50, "learning_rate": 0.03}
    (spec,) = specs(steps=400, **settings)
    events = list(training.run(spec))
    final = events[-1]
    assert isinstance(final, Finished)
    assert (final.step, final.metrics["steps"], final.metrics["steps_to_solve"]) == (100, 100, 50)
    profiles = [(event.step, event.phase) for event in events if isinstance(event, Profiled)]
    assert profiles == [(0, "initial"), (50, "during"), (100, "during"), (200, "during"), (201, "final")]
    evaluated = [event.step for event in events if "validation/loss" in getattr(event, "metrics", {})]
    assert evaluated == [0, 50, 100]
    trained = [event.step for event in events if "train/loss" in getattr(event, "metrics", {})]
    assert trained == [50, 100, 150, 200]
    # The same as that of a run that could go no further.
    (short,) = specs(steps=100, **settings)
    expected = list(training.run(short))[-1]
    assert without_seconds([dataclasses.replace(expected, signature="")]) == without_seconds(
        [dataclasses.replace(final, signature="")]
    )


def test_a_run_that_diverges_after_it_was_solved_has_solved(monkeypatch):
    fit = Program.fit

    def diverge(self, task, seed, settings, at, stop):
        losses, norms = fit(self, task, seed, settings, at, stop)
        return (np.full_like(losses, np.nan) if at >= 150 else losses), norms

    monkeypatch.setattr(Program, "fit", diverge)
    tasks = {"lag": 1, "symbols": 1, "alphabet": 8, "filler": "zeros"}
    (spec,) = specs(model="simple_rnn", task=tasks, evaluate_every=50, learning_rate=0.03, steps=400)
    events = list(training.run(spec))
    assert isinstance(events[-1], Finished)
    assert events[-1].metrics["solved"] == 1
    assert [event.step for event in events if isinstance(event, Profiled)] == [0, 50, 100, 150]


def test_a_run_that_diverges_is_a_result():
    (spec,) = specs(learning_rate=1e38, global_clipnorm=None)
    final = list(training.run(spec))[-1]
    assert isinstance(final, Diverged)
    assert final.step < 25
    assert final.metrics["solved"] == 0
    assert np.isfinite(final.metrics["score"])  # of the best weights before


def test_shares_of_clipped_steps():
    (spec,) = specs(steps=10, global_clipnorm=1e-6)
    events = list(training.run(spec))
    assert events[-1].metrics["steps"] == 10
    clipped = [
        e.metrics["gradient_norm/clipped"] for e in events if isinstance(e, Measured) and "train/loss" in e.metrics
    ]
    assert clipped == [1.0]


@pytest.mark.parametrize(("start", "last"), [(0, 1), (20, 21)], ids=["initial", "during"])
def test_a_run_that_diverges_right_after_a_probe_keeps_its_last_diagnostics(monkeypatch, start, last):
    """They stand at a step of their own: a store has one value of a metric at a step, and drops what comes twice."""
    fit = Program.fit

    def diverge(self, task, seed, settings, at, stop):
        losses, norms = fit(self, task, seed, settings, at, stop)
        return (np.full_like(losses, np.nan) if at == start else losses), norms

    monkeypatch.setattr(Program, "fit", diverge)
    (spec,) = specs()
    events = list(training.run(spec))
    assert isinstance(events[-1], Diverged)
    assert (events[-1].step, events[-1].metrics["steps"]) == (start, start)
    measured = [(name, event.step) for event in events if isinstance(event, Measured) for name in event.metrics]
    assert len(measured) == len(set(measured))
    steps = [step for name, step in measured if name == "gradient_profile/survival"]
    assert steps == sorted({0, *range(10, start + 1, 10), last})
    (final,) = (event for event in events if "gradient_profile/survival" in getattr(event, "metrics", {})
                and event.step == last)  # fmt: skip
    assert final.metrics["gradient_profile/survival"] == events[-1].metrics["survival"]
    assert any(name.startswith("saturation/") for name in final.metrics)
    assert [event.step for event in events if isinstance(event, Profiled)][-1] == last

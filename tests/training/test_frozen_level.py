"""The frozen level: what a network passes that has learnt nothing but its readout."""

import dataclasses

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.events import Finished, Saved, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.training import readout
from rnnbench.training import run as training
from rnnbench.training.network import build
from rnnbench.training.program import program_for
from tests.training.test_run import specs, without_seconds


def ended(spec):
    started, *_, final = training.run(spec)
    assert isinstance(started, Started)
    assert isinstance(final, Finished)
    return started, final.metrics


@pytest.mark.parametrize("layers", ["fast", "stock"])
@pytest.mark.parametrize("objective", ["recall", "all"])
def test_every_run_logs_what_its_frozen_network_scores(layers, objective):
    (whole,) = specs(task={"objective": objective}, steps=2, evaluate_every=2, implementation=layers)
    frozen = dataclasses.replace(whole, model=whole.model.model_copy(update={"trainable": "readout"}))
    started, metrics = ended(frozen)
    assert metrics["score"] == started.levels["frozen"] == ended(whole)[0].levels["frozen"]
    assert started.parameters == 8 * 9 + 9
    assert metrics["steps"] == 0


def test_only_its_head_has_changed(tmp_path):
    """The saved network has the initial weights of the seed and the readout."""
    import keras

    (spec,) = specs(seeds=[4])
    spec = dataclasses.replace(spec, model=spec.model.model_copy(update={"trainable": "readout"}), log_model=True)
    (file,) = [event.file for event in training.run(spec) if isinstance(event, Saved)]
    (tmp_path / "model.keras").write_bytes(file)
    found = keras.saving.load_model(tmp_path / "model.keras").get_weights()
    *recurrent, kernel, bias = build(spec.task, spec.model, 4).get_weights()
    for weight, initial in zip(found, recurrent, strict=False):
        np.testing.assert_array_equal(weight, initial)
    assert not np.allclose(found[-2], kernel)
    assert not np.allclose(found[-1], bias)


def test_measuring_it_leaves_the_run_as_it_was(monkeypatch):
    (spec,) = specs()
    expected = without_seconds(training.run(spec))[1:]
    monkeypatch.setattr(readout, "readout", lambda *_: None)
    started, *found = without_seconds(training.run(spec))
    assert "frozen" not in started.levels
    assert found == expected


def test_a_frozen_run_whose_targets_no_line_can_give_is_refused(monkeypatch):
    (spec,) = specs()
    spec = dataclasses.replace(spec, model=spec.model.model_copy(update={"trainable": "readout"}))
    monkeypatch.setattr(readout, "readout", lambda *_: None)
    with pytest.raises(UserError, match=r"^trainable: readout is not possible: the targets of CopyMemory"):
        list(training.run(spec))


def frozen_score(filler, lag):
    (spec,) = Experiment(
        name="frozen",
        tasks={"copy_memory": {"lag": lag, "symbols": 1, "filler": filler, "training_lags": "fixed", "lead": "none"}},
        models={"simple_rnn": {"trainable": "readout", "units": 64}},
        test_lags=(lag,),
    ).runs
    program_for.cache_clear()
    return ended(spec)[1]["score"]


@pytest.mark.parametrize("lag", [20, pytest.param(50, marks=pytest.mark.slow)])
def test_a_simple_rnn_passes_silence_without_learning(lag):
    assert frozen_score("blank", lag) >= 0.95


@pytest.mark.slow
def test_a_simple_rnn_does_not_pass_noise_without_learning():
    assert frozen_score("distractor", 50) < 0.3

"""A sound model passes every check, and each fault is found by the check that is for it and by no other."""

from __future__ import annotations

import pytest

from rnnbench.checks.contracts.check import NotCheckedError, verdicts
from rnnbench.checks.contracts.models import MODEL_CHECKS
from rnnbench.checks.contracts.sized import Sized, sizes_of_class
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from tests.checks.contracts.own_models import BROKEN, SOUND, Convolution, NeedsRank, OneLayerOfAll, OnlyFromFour, SaysSo


def faults(sizes):
    return {verdict.check: verdict.found for verdict in verdicts(MODEL_CHECKS, sizes) if verdict.kept is False}


@pytest.mark.parametrize("model_class", SOUND)
def test_sound_models_pass(model_class):
    assert faults((Sized(model_class(units=3)),)) == {}


@pytest.mark.parametrize("model_class", [Convolution, OneLayerOfAll])
def test_a_stack_is_sound_whether_it_is_one_layer_or_many(model_class):
    assert faults((Sized(model_class(units=2, layers=2)),)) == {}


def test_a_model_that_refuses_a_width_is_judged_in_another():
    assert [sized.model.units for sized in sizes_of_class(OnlyFromFour)] == [4, 4]


def test_a_model_that_reads_later_steps_and_says_so_is_not_judged_by_that():
    found = {verdict.check: verdict for verdict in verdicts(MODEL_CHECKS, (Sized(SaysSo(units=3)),))}
    unjudged = {name for name, verdict in found.items() if verdict.kept is None}
    assert unjudged == {"causal", "states", "gradient probe"}
    assert {found[name].found for name in unjudged} == {"not checked: reads later steps by its own word"}
    assert {verdict.kept for name, verdict in found.items() if name not in unjudged} == {True}


@pytest.mark.parametrize(
    "model",
    [
        LSTM(units=3, initialization="chrono"),
        GRU(units=4, initialization="orthogonal"),
        SimpleRNN(units=4, initialization="identity", activation="relu"),
    ],
)
def test_models_of_the_suite_pass_with_their_initialisations(model):
    wanted = [check for check in MODEL_CHECKS if check.name in ("layer", "causal", "seed", "initialize", "states")]
    assert [verdict.found for verdict in verdicts(wanted, (Sized(model),))] == ["kept"] * 5


@pytest.mark.parametrize("model_class", BROKEN)
def test_a_fault_is_found_by_the_right_check_alone(model_class):
    check, words = BROKEN[model_class]
    found = faults((Sized(model_class(units=3)),))
    assert set(found) == {check}
    assert words in found[check]


def test_a_model_with_settings_that_must_be_given_is_judged_by_an_experiment():
    with pytest.raises(NotCheckedError, match=r"needs settings \(rank\); name it in an experiment file"):
        sizes_of_class(NeedsRank)
    assert faults((Sized(NeedsRank(units=3, rank=2)),)) == {}

"""Networks set by hand get their verdicts: what holds is no clock, what counts steps is one, and a latch on the first
step fails behind a lead."""

from pathlib import Path

import pytest

from rnnbench.events import Finished, Measured, Profiled, Scored, Started
from rnnbench.experiment.definition import Experiment
from rnnbench.training import run as training

LAG = 12
TASK = {"lag": LAG, "symbols": 1, "examples": 40, "training_lags": "fixed", "lead": "none"}
PLUGIN = str(Path(__file__).parents[1] / "plugins" / "by_hand.py")


def events(model, settings=None, **task):
    (spec,) = Experiment(
        name="hand",
        plugins=[PLUGIN],
        tasks={"copy_memory": TASK | task},
        models={model: {"trainable": "readout"} | (settings or {})},
        training={"batch_size": 64, "implementation": "stock"},
        gradients={"examples": 5},
    ).runs  # fmt: skip
    return list(training.run(spec))


def curve(said, metric):
    return {
        event.step: event.metrics[metric] for event in said if isinstance(event, Measured) and metric in event.metrics
    }


LEADS = [0, 1, 5, 20, 40]
LAGS = [1, 3, 6, 9, 11, 12, 13, 18, 24]


@pytest.mark.parametrize("filler", ["blank", "distractor"])
@pytest.mark.parametrize("protocol", [{}, {"training_lags": "uniform", "lead": "random"}])
def test_a_latch_holds(filler, protocol):
    said = events("latch", filler=filler, **protocol)
    final = said[-1]
    assert isinstance(final, Finished)
    assert curve(said, "lag_curve/accuracy") == dict.fromkeys(LAGS, 1.0)
    assert curve(said, "lag_curve/skill") == dict.fromkeys(LAGS, 1.0)
    assert curve(said, "lag_curve/solved") == dict.fromkeys(LAGS, 1.0)
    assert curve(said, "lag_curve/standard_error") == dict.fromkeys(LAGS, 0.0)
    assert curve(said, "start_shift/accuracy") == dict.fromkeys(LEADS, 1.0)
    found = {name: final.metrics[name] for name in ("score", "solved", "clock", "generalises_to", "start_shift")}
    assert found == {"score": 1, "solved": 1, "clock": 0, "generalises_to": 24, "start_shift": 1}
    assert final.metrics["no_marker/accuracy"] == 1  # nothing asks for a marker where only one step is asked
    assert final.metrics["seconds/lag_curve"] > 0


def test_a_delay_line_keeps_time():
    said = events("delay_line", {"delay": LAG + 1})
    assert curve(said, "lag_curve/accuracy")[LAG] == 1
    beside = [score for lag, score in curve(said, "lag_curve/accuracy").items() if lag != LAG]
    assert max(beside) < 0.35
    # Behind a lead it still counts from the evidence.
    assert curve(said, "start_shift/accuracy") == dict.fromkeys(LEADS, 1.0)
    final = said[-1].metrics
    assert final["solved"] == 1
    assert final["clock"] > 0.75  # by chance some answers are right
    assert final["generalises_to"] == LAG


def test_a_latch_on_the_first_step_fails_behind_a_lead():
    said = events("first_latch")
    assert curve(said, "lag_curve/accuracy") == dict.fromkeys(LAGS, 1.0)
    shift = curve(said, "start_shift/accuracy")
    assert shift[0] == 1
    assert max(shift[lead] for lead in LEADS[1:]) < 0.35
    final = said[-1].metrics
    assert final["clock"] == 0
    assert final["generalises_to"] == 24
    assert final["start_shift"] == min(shift[lead] for lead in LEADS[:-1])


def test_a_latch_on_the_first_step_does_not_solve_where_leads_are_drawn():
    final = events("first_latch", training_lags="uniform", lead="random")[-1].metrics
    assert final["solved"] == 0
    assert {"clock", "generalises_to", "steps_to_solve"}.isdisjoint(final)


def test_nothing_is_trained_by_gradient_and_what_is_read_is_the_frozen_level():
    said = events("latch")
    started, final = said[0], said[-1]
    assert isinstance(started, Started)
    assert started.parameters == 9 * 9 + 9
    assert started.levels["frozen"] == final.metrics["score"] == 1
    assert (final.step, final.metrics["steps"], final.metrics["best_step"]) == (0, 0, 0)
    assert final.metrics["steps_to_solve"] == 0
    assert [event.phase for event in said if isinstance(event, Profiled)] == ["initial", "final"]
    names = [(name, event.step) for event in said if isinstance(event, Measured) for name in event.metrics]
    assert len(names) == len(set(names))
    assert not [name for name, _ in names if name.startswith("train/")]


def test_what_can_be_read_and_what_flows_back_are_those_of_the_network():
    said = events("latch")
    for phase in ("initial", "final"):
        read = curve(said, f"readable_{phase}/accuracy")
        assert sorted(read) == [0, 3, 5, 8, 10, 13]
        assert set(read.values()) == {1.0}
    # A latch passes its gradient on unchanged; the symbol itself was taken up, so nothing is lost on the way.
    assert curve(said, "gradient_profile/survival") == {0: pytest.approx(1.0)}
    timed = curve(events("delay_line", {"delay": LAG + 1}), "readable_final/accuracy")
    assert set(timed.values()) == {1.0}  # the whole line is its state


def test_each_test_example_has_its_score():
    said = events("latch", examples=30)
    (tested,) = [event for event in said if isinstance(event, Scored)]
    assert tested.scores == [1.0] * 30
    said = events("first_latch", training_lags="uniform", lead="random", examples=30)
    (tested,) = [event for event in said if isinstance(event, Scored)]
    assert sum(tested.scores) / 30 == pytest.approx(said[-1].metrics["score"])

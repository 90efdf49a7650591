"""A score that is NaN is never the best, solves nothing and stops nothing; data that cannot be judged are refused."""

import math
from pathlib import Path

import numpy as np
import pytest

from rnnbench import registry
from rnnbench.checks.contracts import stand_in
from rnnbench.errors import SettingError, UserError
from rnnbench.events import Finished, Measured, Warned
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.settings import Training
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.base import Score
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.metric import Estimate, OfWholeSplit
from rnnbench.tasks.stream import joined
from rnnbench.training import run as training
from rnnbench.training.progress import Progress

NAN, INF = math.nan, math.inf
PLUGIN = str(Path(__file__).parents[1] / "plugins" / "undefined.py")


def progress(task, *evaluations):
    """What a run has reached after evaluations of (score, loss), whose weights are their positions."""
    reached = Progress()
    for step, (score, loss) in enumerate(evaluations):
        scores = {task.score.name: Estimate(score, 0.0), "loss": Estimate(loss)}
        reached.evaluated(task, Training(), step, scores, lambda step=step: [step])
    return reached


def metrics(task, stream, outputs):
    """The metrics of a split, by name."""
    metric = task.metric()
    metric.update(stream, outputs)
    return {name: estimate.value for name, estimate in metric.result().items()}


def specs(task=None, **changes):
    registry.load_plugins([PLUGIN])
    registry.tasks["undefined"].calls = 0
    return Experiment(
        name="test",
        plugins=(PLUGIN,),
        tasks={"undefined": {"lag": 1} | (task or {})},
        models={"simple_rnn": {"units": 8}},
        training={"steps": 8, "batch_size": 16, "evaluate_every": 2, "learning_rate": 0.01, "implementation": "stock"}
        | changes,
        gradients={"examples": 2},
    ).runs


@pytest.mark.parametrize("name", sorted(registry.tasks))
def test_what_is_not_finite_is_worse_than_every_score_of_every_task(name):
    task = stand_in(registry.tasks[name], lag=3)
    for bad in (NAN, INF, -INF):
        assert not task.better(bad, task.score.perfect)
        assert not task.better(bad, bad)
        assert task.better(1e9, bad)
        assert task.better(-1e9, bad)
        assert not task.solves(bad, 0.0)


def test_the_direction_of_a_score_is_what_its_task_declares():
    class LogLikelihood(Adding):
        score = Score("log_likelihood", higher_is_better=True, perfect=0.0)

        def memoryless(self, split="test"):
            return -4.0

    task = LogLikelihood(lag=1)
    assert task.better(-1.0, -2.0)
    assert task.skill(-1.0) == 0.75
    assert Adding(lag=1).better(1.0, 2.0)
    assert CopyMemory(lag=1).better(0.2, 0.1)


@pytest.mark.parametrize(
    ("evaluations", "best"),
    [
        ([(NAN, 1.0), (0.1, 2.0)], 1),
        ([(0.1, 2.0), (NAN, 1.0), (INF, 0.5)], 0),
        ([(NAN, NAN), (NAN, 3.0), (NAN, 2.0), (NAN, NAN)], 2),
        ([(0.5, NAN), (0.5, 3.0), (0.5, NAN), (0.5, 2.0)], 3),
        ([(0.5, 1.0), (0.5, -INF)], 0),
        ([(0.5, 1.0), (0.5, 1.0)], 0),
    ],
)
def test_nan_is_never_best(evaluations, best):
    reached = progress(CopyMemory(lag=1), *evaluations)
    assert (reached.best_step, reached.best_weights) == (best, [best])


def test_nan_is_never_solved_and_stops_nothing():
    for task in (Adding(lag=1), CopyMemory(lag=1)):
        reached = progress(task, (NAN, NAN), (NAN, NAN), (NAN, NAN))
        assert reached.solved_at is None
        assert not reached.settled
        assert not reached.complete(Training())


def test_a_run_is_settled_after_two_solved_evaluations_in_a_row_and_solved_at_the_first_of_all():
    solved, not_yet = (1.0, 0.0), (0.5, 1.0)
    task = CopyMemory(lag=1)
    reached = progress(task, not_yet, solved, not_yet, solved)
    assert (reached.solved_at, reached.settled) == (1, False)
    reached = progress(task, not_yet, solved, not_yet, solved, solved)
    assert (reached.solved_at, reached.settled_at, reached.outcome_step) == (1, 4, 4)
    # It trains on to the last probe: four intervals of two steps.
    training = Training(evaluate_every=2)
    assert not reached.complete(training)
    reached.step = 8
    assert reached.complete(training)
    assert reached.outcome_step == 4


def test_an_answer_that_is_no_number_has_no_accuracy():
    task = CopyMemory(lag=1, symbols=1, examples=8)
    stream = joined(task.split("test"))
    outputs = np.zeros((*stream.targets.shape, task.outputs))
    assert metrics(task, stream, outputs)["accuracy"] == 0
    outputs[3, -1, 0] = NAN
    assert math.isnan(metrics(task, stream, outputs)["accuracy"])


def test_a_score_that_is_undefined_at_first_is_passed_by_the_others():
    # Until then nine were asked for: seven penalties and the test of the frozen level, and the first evaluation.
    (spec,) = specs({"times": 9})
    events = list(training.run(spec))
    assert math.isnan(events[0].levels["frozen"])
    scores = [event.metrics.get("validation/correlation") for event in events if isinstance(event, Measured)]
    found = [score for score in scores if score is not None]
    final = events[-1].metrics
    assert math.isnan(found[0])
    assert np.isfinite(found[1:]).all()
    assert final["best_step"] == 2 * max(range(1, len(found)), key=found.__getitem__)
    assert np.isfinite(final["score"])
    assert not any(isinstance(event, Warned) for event in events)


def test_a_run_without_any_score_says_so_and_claims_nothing():
    (spec,) = specs({"times": 9999})
    events = list(training.run(spec))
    final = events[-1]
    assert isinstance(final, Finished)
    assert math.isnan(final.metrics["score"])
    assert math.isnan(final.metrics["skill"])
    assert final.metrics["solved"] == 0
    assert "steps_to_solve" not in final.metrics
    losses = {e.step: e.metrics["validation/loss"] for e in events if "validation/loss" in getattr(e, "metrics", {})}
    assert final.metrics["best_step"] == min(losses, key=losses.get)
    said = [event.message for event in events if isinstance(event, Warned)]
    assert len(said) == 2
    assert "correlation was undefined at every evaluation" in said[0]
    assert "correlation is undefined on the test split" in said[1]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"broken": "validation"}, r"the validation split holds 1 features .*first of them nan at index \[1, 0, 0\]"),
        ({"broken": "test"}, r"the test split holds 1 features that are not finite"),
        ({"broken": "train"}, r"^the training batch of step 3 holds 1 features that are not finite"),
    ],
)
def test_data_on_which_nothing_can_be_judged_are_refused(task, message):
    """Splits when the experiment is made, which reads them anyway; a batch of one's own in the run."""
    with pytest.raises(UserError, match=message):
        list(training.run(specs(task)[0]))


def test_splits_on_which_nothing_can_be_judged_are_refused_at_plan():
    with pytest.raises(SettingError, match=r"^tasks\.undefined: the test split holds 1 features"):
        specs({"broken": "test"})


@pytest.mark.parametrize("level", [1.0, 1.5])
def test_where_nothing_asks_for_memory_there_is_no_skill_and_nothing_is_solved(monkeypatch, level):
    (spec,) = specs({})
    monkeypatch.setattr(type(spec.task), "memoryless", lambda self, split="test": level)
    events = list(training.run(spec))
    final = events[-1].metrics
    assert isinstance(events[-1], Finished)
    assert np.isfinite(final["score"])
    assert math.isnan(final["skill"])
    assert final["solved"] == 0
    assert "clock" not in final
    curve = [event.metrics for event in events if "lag_curve/correlation" in getattr(event, "metrics", {})]
    assert len(curve) == len(spec.tested_lags)
    assert all(one["lag_curve/solved"] == 0 and "lag_curve/skill" not in one for one in curve)


def test_a_task_that_leaves_its_score_out_is_told_in_one_line(monkeypatch):
    (spec,) = specs({})
    monkeypatch.setattr(type(spec.task), "metric", lambda self: OfWholeSplit(lambda stream, outputs: {"mae": 0.0}))
    with pytest.raises(UserError, match=r"^the task's metrics are mae: correlation and loss must be among them$"):
        list(training.run(spec))

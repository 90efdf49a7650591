"""A sound task passes every check, and each fault is found by the check that is for it and by no other."""

from __future__ import annotations

import pytest

from rnnbench import registry
from rnnbench.checks.contracts.check import NotCheckedError, verdicts
from rnnbench.checks.contracts.points import points_of_class, points_of_tasks
from rnnbench.checks.contracts.tasks import TASK_CHECKS
from tests.checks.contracts import broken_data, broken_rules
from tests.checks.contracts.sound_tasks import SOUND, Moments, OwnData, Sign, Weighed

BROKEN = broken_data.BROKEN | broken_rules.BROKEN


def judged(points):
    return list(verdicts(TASK_CHECKS, points))


def faults(points):
    """What failed, by check."""
    return {verdict.check: verdict.found for verdict in judged(points) if verdict.kept is False}


@pytest.mark.parametrize("task_class", SOUND)
def test_sound_tasks_of_unusual_shapes_pass(task_class):
    assert faults(points_of_class(task_class)) == {}


def test_a_task_with_settings_that_must_be_given_is_judged_by_an_experiment():
    with pytest.raises(NotCheckedError, match=r"needs settings \(classes\); name it in an experiment file"):
        points_of_class(OwnData)
    tasks = [OwnData(lag=lag, classes=3, filler=filler) for lag in (0, 7) for filler in OwnData.fillers]
    assert faults(points_of_tasks(tasks, 16)) == {}
    assert all(verdict.kept for verdict in judged(points_of_tasks(tasks, 16)))


def test_one_lag_is_compared_with_a_longer_one():
    class Growing(Sign):
        def train_batch(self, seed, step, batch_size):
            return super().train_batch(seed + self.lag, step, batch_size)

    assert set(faults(points_of_tasks([Growing(lag=5)], 8))) == {"lag"}


@pytest.mark.parametrize("task_class", BROKEN)
def test_a_fault_is_found_by_the_right_check_alone(task_class):
    check, words = BROKEN[task_class]
    found = faults(points_of_class(task_class))
    # A readout that a filler changes breaks that promise too.
    assert {*found, "filler"} == {check, "filler"}
    assert words in found[check]


def test_what_rests_on_a_broken_check_is_not_checked():
    found = {verdict.check: verdict for verdict in judged(points_of_class(broken_data.HalfPrecision))}
    assert found["targets"].found == "not checked: fix 'inputs' first"
    assert [verdict.kept for verdict in found.values()] == [False] + [None] * (len(TASK_CHECKS) - 1)


def test_few_sequences_may_stand_in_every_split():
    from rnnbench.tasks.copy_memory import CopyMemory

    for symbols in (1, 2, 4, 6):
        points = points_of_tasks([CopyMemory(lag=2, symbols=symbols)], 50)
        assert "examples apart" not in faults(points)


def test_a_naive_forecast_may_be_better_than_a_constant():
    class Naive(Moments):
        def memoryless(self, split="test"):
            return 0.25 * super().memoryless(split)

        def levels(self):
            return super().levels() | {"last value": self.memoryless()}

    assert faults(points_of_class(Naive)) == {}


def test_a_task_that_asks_no_memory_of_its_data_is_no_fault():
    """Its reference is a poor model; skill is then NaN at both ends."""

    class Hard(Sign):
        def reference(self, split="test"):
            return self.memoryless(split)

    assert faults(points_of_class(Hard)) == {}


def test_evidence_that_has_no_end_is_not_judged_by_what_follows_it():
    from rnnbench.tasks.adding import Adding

    for form in ("urnn", "bai"):
        found = judged(points_of_tasks([Adding(form=form, lag=20), Adding(form=form, lag=60)], 50))
        not_kept = {verdict.check: verdict.kept for verdict in found if not verdict.kept}
        assert not_kept == {"lead": None, "answer": None}


@pytest.mark.parametrize("name", ["adding", "copy_memory", "forecasting", "sentiment"])
def test_tasks_of_the_suite_keep_the_answer_at_other_lags_and_behind_leads(name):
    wanted = [check for check in TASK_CHECKS if check.name in ("training lags", "lead", "tested")]
    assert [verdict.found for verdict in verdicts(wanted, points_of_class(registry.tasks[name]))] == ["kept"] * 3


def test_a_task_that_reads_every_step_keeps_its_answers_behind_a_lead():
    from rnnbench.tasks.copy_memory import CopyMemory

    names = ("training lags", "lead", "tested", "marker", "loss", "scores", "metric")
    wanted = [check for check in TASK_CHECKS if check.name in names]
    points = points_of_tasks([CopyMemory(lag=6, symbols=3, objective="all", examples=50)], 8)
    assert [verdict.found for verdict in verdicts(wanted, points)] == ["kept"] * 7


def test_a_task_without_filler_of_its_own_has_no_lead_to_check():
    found = {verdict.check: verdict for verdict in judged(points_of_class(Moments))}
    assert found["lead"].kept is None
    assert found["lead"].found == "not checked: the task has no `fill`, and so no lead"


def test_filler_of_features_and_tokens_is_a_pair():
    class Swapped(Weighed):
        def fill(self, rng, n, steps):
            return super().fill(rng, n, steps)[::-1]

        def draw(self, rng, n):
            return Weighed(lag=self.lag, filler=self.filler).draw(rng, n)

    assert set(faults(points_of_class(Swapped))) == {"lead"}

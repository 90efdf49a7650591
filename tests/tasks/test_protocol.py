"""Lags and leads that are drawn: ranges, distributions against closed forms, and on what they depend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import registry
from rnnbench.identity.signature import signed_values
from rnnbench.tasks import protocol
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.base import Task
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.protocol import drawn_lag, drawn_lead, longest_lead, shortest

DRAWN = ("uniform", "far", "log")
DRAWS = 10_000


def lags(kind, least, lag, seed=0, draws=DRAWS):
    return np.array([drawn_lag(kind, least, lag, seed, step) for step in range(draws)])


@given(
    kind=st.sampled_from(["fixed", *DRAWN]),
    least=st.integers(0, 30),
    above=st.integers(0, 1000),
    seed=st.integers(0, 2**32),
    step=st.integers(0, 10**7),
)
def test_a_lag_is_a_function_of_seed_and_step_within_its_range(kind, least, above, seed, step):
    lag = least + above
    found = drawn_lag(kind, least, lag, seed, step)
    assert isinstance(found, int)
    assert found == drawn_lag(kind, least, lag, seed, step)
    low = {"fixed": lag, "uniform": least, "far": max(least, (lag + 1) // 2), "log": least}[kind]
    assert low == shortest(kind, least, lag)
    assert low <= found <= lag


@pytest.mark.parametrize(("kind", "least", "low"), [("uniform", 0, 0), ("uniform", 3, 3), ("far", 0, 6), ("far", 9, 9),
                                                    ("log", 0, 0), ("log", 3, 3)])  # fmt: skip
def test_every_lag_of_the_range_is_drawn(kind, least, low):
    assert sorted(set(lags(kind, least, 12, draws=2000))) == list(range(low, 13))


def test_seeds_and_steps_draw_differently():
    one, other = (lags("uniform", 0, 400, seed, draws=2000) for seed in (0, 1))
    assert np.mean(one == other) < 0.01
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.06
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.06


@pytest.mark.parametrize(("kind", "low"), [("uniform", 1), ("far", 200)])
def test_uniform_and_far_are_uniform(kind, low):
    """Shares of eight equal parts of the range, to four standard errors; the mean, too."""
    found = lags(kind, 1, 400)
    edges = np.linspace(low, 401, 9)
    share = np.diff(np.ceil(edges)) / (401 - low)
    counts, _ = np.histogram(found, np.ceil(edges))
    assert (np.abs(counts / DRAWS - share) < 4 * np.sqrt(share * (1 - share) / DRAWS)).all()
    assert found.mean() == pytest.approx((low + 400) / 2, abs=4 * (400 - low) / np.sqrt(12 * DRAWS))


@pytest.mark.parametrize("least", [0, 1, 5])
def test_log_is_uniform_in_the_logarithm(least):
    """P(lag <= m) = log((2 + m) / (1 + least)) / log((2 + L) / (1 + least)): 41% are at most 10 at L = 400."""
    found = lags("log", least, 400)
    for most in (least, 10, 50, 150, 399):
        share = np.log((2 + most) / (1 + least)) / np.log(402 / (1 + least))
        assert np.mean(found <= most) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / DRAWS))
    if least == 0:
        assert np.mean(found <= 10) == pytest.approx(0.414, abs=0.02)


@pytest.mark.parametrize(("lag", "longest"), [(0, 20), (7, 20), (40, 20), (41, 20), (42, 21), (400, 200), (401, 200)])
def test_the_longest_lead_is_half_of_the_lag_and_not_short(lag, longest):
    assert longest_lead(lag) == longest
    leads = np.array([drawn_lead(lag, 0, step) for step in range(5000)])
    assert (leads.min(), leads.max()) == (0, longest)
    spread = longest * (longest + 2) / 12
    assert leads.mean() == pytest.approx(longest / 2, abs=4 * np.sqrt(spread / 5000))
    assert leads.var() == pytest.approx(spread, rel=0.05)


def test_tested_leads_are_spread_evenly():
    assert protocol.tested_leads(0) == protocol.tested_leads(40) == [0, 5, 10, 15, 20]
    assert protocol.tested_leads(400) == [0, 50, 100, 150, 200]
    for lag in (43, 50, 99, 1001):
        leads = protocol.tested_leads(lag)
        assert (leads[0], leads[-1], len(leads)) == (0, longest_lead(lag), protocol.TESTED_LEADS)
        assert np.ptp(np.diff(leads)) <= 1


def test_a_lead_is_a_function_of_seed_and_step_and_independent_of_the_lag():
    steps = range(4000)
    leads = np.array([drawn_lead(400, 3, step) for step in steps])
    assert leads.tolist() == [drawn_lead(400, 3, step) for step in steps]
    of_lags = np.array([drawn_lag("uniform", 0, 400, 3, step) for step in steps])
    assert abs(np.corrcoef(leads, of_lags)[0, 1]) < 4 / np.sqrt(4000)
    # Neither is one determined by the other: each half of the lags has all leads.
    for half in (of_lags < 200, of_lags >= 200):
        assert leads[half].mean() == pytest.approx(100, abs=4 * 58 / np.sqrt(half.sum()))


def test_lags_and_leads_are_independent_of_the_data():
    """In both the data are drawn from generators that are seeded by seed and step alone, too."""
    task = Adding(lag=300, evidence=4)
    shortest_one = task.at_lag(0)
    drawn = [(task.training_lag(0, step), drawn_lead(300, 0, step)) for step in range(1500)]
    values = [shortest_one.train_batch(0, step, 1).features[0, :4, 0] for step in range(1500)]
    correlations = np.corrcoef(np.concatenate([drawn, values], axis=1).T)[:2, 2:]
    assert np.abs(correlations).max() < 4 / np.sqrt(1500)


def test_the_filler_of_a_lead_is_not_the_data():
    numbers = {tuple(protocol.filler_rng(*seed).random(3)) for seed in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1,), (2,)]}
    assert len(numbers) == 5
    assert not numbers & {tuple(np.random.default_rng(list(seed)).random(3)) for seed in [(0, 0, 0), (0,), (1,), (2,)]}


LED = {"training_lags": "fixed", "lead": "random"}


@pytest.mark.parametrize("kind", DRAWN)
def test_at_the_shortest_lag_there_is_one_protocol(kind):
    for task, lag in ((Adding, 0), (CopyMemory, 1)):
        assert task(lag=lag, training_lags=kind).canonical() == task(lag=lag, **LED)
        longer = task(lag=lag + 2, training_lags=kind)
        assert longer.canonical() == longer
        assert longer.canonical() != task(lag=lag + 2, **LED)


def test_half_of_one_step_is_that_step():
    assert Adding(lag=1, training_lags="far").canonical() == Adding(lag=1, **LED)
    assert Adding(lag=1, training_lags="uniform").canonical() != Adding(lag=1, **LED)


def test_leads_and_fillers_are_other_computations_at_every_lag():
    for lag in (0, 5):
        task = Adding(lag=lag, filler="decoy", **LED)
        assert task.canonical() == task
    assert Adding(lag=0, training_lags="log").canonical() == Adding(lag=0, **LED)
    task = Adding(lag=0, training_lags="fixed", filler="decoy")
    assert task.canonical() == task


def test_by_default_lags_are_drawn_behind_a_random_lead():
    task = CopyMemory(lag=9)
    assert (task.training_lags, task.lead, task.filler) == ("uniform", "random", "blank")
    assert CopyMemory(lag=9, training_lags="far").lead == "random"
    fixed = CopyMemory(lag=9, training_lags="fixed")
    assert fixed.lead == "none"
    assert CopyMemory(**LED, lag=9).lead == "random"
    for one in (task, fixed):
        assert type(one)(**dict(one)) == one == type(one).model_validate_json(one.model_dump_json())


@pytest.mark.parametrize("kind", DRAWN)
def test_drawn_lags_without_a_lead_are_refused(kind):
    with pytest.raises(ValueError, match=f"'lead: none' goes with 'training_lags: fixed' alone, not with '{kind}'"):
        CopyMemory(lag=9, training_lags=kind, lead="none")
    with pytest.raises(ValueError, match="'lead: none' goes with 'training_lags: fixed' alone"):
        CopyMemory(lag=9, lead="none")


def test_a_task_without_filler_of_its_own_knows_one_lag_alone():
    class Bare(Adding):
        fill = Task.fill

    task = Bare(lag=3)
    assert (task.training_lags, task.lead, task.has_lead) == ("fixed", "none", False)
    assert Adding(lag=3).has_lead
    assert not Adding(lag=4, form="urnn").has_lead


def test_the_first_filler_is_the_default_of_a_task_without_blanks():
    class Noisy(Adding):
        fillers = ("decoy",)

    assert Noisy(lag=3).filler == "decoy"
    with pytest.raises(ValueError, match="'blank' is not a filler of the task; the task has decoy"):
        Noisy(lag=3, filler="blank")


OLD = ("adding", "forecasting", "sentiment", "sequential_mnist")


@pytest.mark.parametrize("name", OLD)
def test_what_was_called_a_distractor_is_refused_with_its_new_name(name):
    """Words, rows, pixels and values of the evidence's own kind; of speech and copy-memory it is one still."""
    with pytest.raises(ValueError, match="'distractor' is called 'decoy' here, as it is drawn as the evidence is"):
        registry.tasks[name](lag=3, filler="distractor")
    assert all("distractor" in registry.tasks[other].fillers for other in ("copy_memory", "speech_commands"))


@pytest.mark.parametrize("name", ["adding", "copy_memory", "forecasting", "sentiment", "sequential_mnist",
                                  "speech_commands"])  # fmt: skip
def test_the_width_of_the_input_does_not_depend_on_the_filler(name):
    task = registry.tasks[name]
    assert len({task(lag=3, filler=filler).ports for filler in task.fillers}) == 1


def test_earlier_results_of_a_fixed_lag_keep_their_signature():
    """Settings that joined later are left out of it where they say what was computed before."""
    fixed, drawn = (signed_values(CopyMemory(lag=9, training_lags=lags)) for lags in ("fixed", "uniform"))
    assert not {"training_lags", "lead"} & fixed.keys()
    assert (drawn["training_lags"], drawn["lead"]) == ("uniform", "random")

"""The values of a line are chosen on validation, by a rule that can be followed by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from rnnbench.analysis.selection import EVALUATED, NOT_PICKED, TUNING, candidates, with_roles
from rnnbench.experiment.choice import ALL_LAGS, Choice


def run(rate: float, validation: float, *, score: float = 0.5, seed: int = 0, lag: int = 5, **changes: object) -> dict:
    """One run of an accuracy task unless `changes` say otherwise; its test score is nothing to go by."""
    usual = {"task": "copy", "task_setting": "", "source": "generated", "training_lags": "uniform",
             "filler": "blank", "model": "lstm",
             "model_setting": "", "status": "finished", "steps": 100, "score_name": "accuracy"}  # fmt: skip
    rises = changes.get("score_name") != "mse"
    skill = score if changes.get("score_name", "accuracy") == "accuracy" else -score
    point = {"learning_rate": rate, "validation_score": validation, "score": score, "skill": skill,
             "higher_is_better": rises, "choice": Choice((("learning_rate", rate),)),
             "chosen_for": ALL_LAGS}  # fmt: skip
    return usual | point | {"seed": seed, "lag": lag} | changes


def picked(*runs: dict, seeds: tuple[int, ...] = ()) -> list[float]:
    table = candidates(pd.DataFrame(runs), seeds)
    return [choice.values[0][1] for choice in table.loc[table["picked"], "choice"]]


def test_the_best_mean_over_lags_and_seeds_wins_whatever_the_test_says():
    runs = [
        run(1e-3, 0.9, lag=5), run(1e-3, 0.8, lag=5, seed=1), run(1e-3, 0.1, lag=9), run(1e-3, 0.2, lag=9, seed=1),
        run(1e-2, 0.6, lag=5), run(1e-2, 0.6, lag=5, seed=1), run(1e-2, 0.5, lag=9), run(1e-2, 0.5, lag=9, seed=1),
    ]  # fmt: skip
    runs[0]["score"] = runs[0]["skill"] = 1.0
    table = candidates(pd.DataFrame(runs))
    assert table["validation_score"].tolist() == [pytest.approx(0.5), pytest.approx(0.55)]
    assert table["n"].tolist() == [4, 4]
    assert picked(*runs) == [1e-2]


def test_an_error_is_better_when_smaller():
    runs = [run(rate, mse, score=mse, score_name="mse", task="adding") for rate, mse in ((1e-3, 0.2), (1e-2, 0.01))]
    assert picked(*runs) == [1e-2]


def test_ties_go_to_fewer_steps_then_to_the_smaller_rate():
    assert picked(run(1e-3, 1.0, steps=300), run(1e-2, 1.0, steps=200)) == [1e-2]
    assert picked(run(1e-2, 1.0), run(1e-3, 1.0)) == [1e-3]


def test_each_task_filler_and_model_has_its_own():
    runs = [
        run(1e-3, 0.9), run(1e-2, 0.1),
        run(1e-3, 0.1, filler="distractor"), run(1e-2, 0.9, filler="distractor"),
        run(1e-3, 0.1, model="gru"), run(1e-2, 0.9, model="gru"),
        run(3e-4, 0.3, model="simple_rnn"),
    ]  # fmt: skip
    assert picked(*runs) == [1e-3, 1e-2, 1e-2, 3e-4]


def test_a_rate_that_is_not_complete_is_no_candidate_while_another_is():
    assert picked(run(1e-3, 1.0), run(1e-2, 0.5), run(1e-2, 0.5, seed=1)) == [1e-2]
    lonely = [run(1e-3, float("nan"), status="failed")]
    assert picked(*lonely) == [1e-3]


def test_roles_where_all_seeds_choose():
    table = with_roles(pd.DataFrame([run(1e-3, 0.9), run(1e-2, 0.5), run(1e-3, 0.8, seed=1), run(1e-2, 0.5, seed=1)]))
    assert table["role"].tolist() == [EVALUATED, NOT_PICKED, EVALUATED, NOT_PICKED]


def test_seeds_that_only_choose_are_not_evaluated_and_those_evaluated_do_not_choose():
    runs = [run(1e-3, 0.9), run(1e-2, 0.5), run(1e-3, 0.1, seed=1), run(1e-2, 0.9, seed=1)]
    table = with_roles(pd.DataFrame(runs), seeds=[0])
    assert table["role"].tolist() == [TUNING, TUNING, EVALUATED, NOT_PICKED]


def test_nothing_is_evaluated_before_it_is_chosen():
    table = with_roles(pd.DataFrame([run(1e-3, 0.9, seed=1), run(1e-2, 0.5, seed=1)]), seeds=[0])
    assert table["role"].tolist() == [NOT_PICKED, NOT_PICKED]


def test_the_direction_is_what_the_task_declares_not_what_test_scores_show():
    tied = {"score_name": "f1", "score": 0.5}
    assert picked(run(1e-3, 0.9, **tied), run(1e-2, 0.2, **tied)) == [1e-3]
    backwards = [run(1e-3, 0.9, score=0.1, higher_is_better=False), run(1e-2, 0.2, score=0.9, higher_is_better=False)]
    assert picked(*backwards) == [1e-2]
    losses = {"score_name": "log_likelihood", "higher_is_better": True}
    assert picked(run(1e-3, -0.1, **losses), run(1e-2, -0.9, **losses)) == [1e-3]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("score_name", ["accuracy", "mse"])
def test_a_rate_without_scores_never_wins(bad, score_name):
    def runs(rate, *scores):
        return [run(rate, score, seed=seed, score_name=score_name) for seed, score in enumerate(scores)]

    best, worse = (0.9, 0.5) if score_name == "accuracy" else (0.1, 0.5)
    assert picked(*runs(1e-3, best, bad, bad), *runs(1e-2, worse, worse, worse)) == [1e-2]
    failed = run(1e-2, NAN, seed=2, status="failed", score_name=score_name)
    assert picked(*runs(1e-3, best, best, bad), *runs(1e-2, worse, worse), failed) == [1e-2]
    assert picked(*runs(1e-3, bad, bad), *runs(1e-2, bad, worse)) == [1e-2]
    table = candidates(pd.DataFrame([*runs(1e-3, best, best, bad), *runs(1e-2, bad, worse, worse)]))
    assert table[["validation_score", "n", "undefined"]].values.tolist() == [[best, 2, 1], [worse, 2, 1]]
    assert table["picked"].tolist() == [True, False]


def test_without_any_score_the_cheapest_rate_is_kept():
    assert picked(run(1e-2, NAN, steps=10), run(1e-3, NAN, steps=20)) == [1e-2]


def test_a_skipped_run_is_no_candidate():
    nan = float("nan")
    runs = [run(1e-3, 0.5), run(1e-2, nan, status="skipped", steps=nan), run(1e-4, nan, status="skipped", model="gru")]
    assert candidates(pd.DataFrame(runs))["choice"].tolist() == [Choice((("learning_rate", 1e-3),))]
    assert picked(*runs) == [1e-3]


def of(*values: object, steps: int = 100, **changes: object) -> dict:
    """A run at values of the axes a, b, ...; all runs tie unless `changes` say otherwise."""
    choice = Choice(tuple(zip("abc", values, strict=False)))
    return run(1e-3, 1.0, steps=steps, choice=choice, **changes)


def chosen(*runs: dict) -> list[tuple]:
    table = candidates(pd.DataFrame(runs))
    return [tuple(value for _, value in choice.values) for choice in table.loc[table["picked"], "choice"]]


def test_a_combination_is_chosen_jointly():
    runs = [
        run(1e-3, score, choice=Choice((("a", a), ("b", b))))
        for a, b, score in (("x", 1, 0.9), ("x", 2, 0.1), ("y", 1, 0.2), ("y", 2, 1.0))
    ]
    assert chosen(*runs) == [("y", 2)]  # by itself, x has the better mean, and so has 1


def test_ties_go_to_fewer_steps_then_to_smaller_numbers_then_to_what_stands_first():
    assert chosen(of("sgd", 2), of("adam", 1, steps=90)) == [("adam", 1)]
    assert chosen(of("sgd", 2), of("sgd", 1), of("adam", 2), of("adam", 1)) == [("sgd", 1)]
    assert chosen(of(2, 0.1), of(1, 0.2)) == [(1, 0.2)]
    assert chosen(of(None), of(5.0), of(1.0)) == [(1.0,)]
    assert chosen(of(True), of(False)) == [(True,)]


def test_null_is_a_value_as_any_other():
    better = of(None, seed=0) | {"validation_score": 1.1}
    assert chosen(of(1.0), better) == [(None,)]
    assert with_roles(pd.DataFrame([of(1.0), better]))["role"].tolist() == [NOT_PICKED, EVALUATED]


def test_each_lag_may_have_its_own():
    runs = [
        run(rate, score, lag=lag, seed=seed, chosen_for=f"lag {lag}")
        for seed in (0, 1)
        for rate, lag, score in ((1e-3, 5, 0.9), (1e-2, 5, 0.1), (1e-3, 9, 0.1), (1e-2, 9, 0.2))
    ]
    assert picked(*runs) == [1e-3, 1e-2]
    roles = with_roles(pd.DataFrame(runs), seeds=[0])["role"].tolist()
    assert roles == [TUNING] * 4 + [EVALUATED, NOT_PICKED, NOT_PICKED, EVALUATED]

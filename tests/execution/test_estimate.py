"""The times that `plan` shows: exact arithmetic on runs that were never executed."""

from __future__ import annotations

import sqlite3

import pytest

from rnnbench import environment
from rnnbench.cli import values
from rnnbench.cli.views.plan import plan
from rnnbench.execution import estimate
from rnnbench.execution.estimate import Estimate, PastRun, compilation, guess, worthwhile_shards
from rnnbench.experiment.definition import Experiment
from rnnbench.grid import stages
from rnnbench.tracking import past
from rnnbench.tracking.location import Location
from rnnbench.tracking.notes import parameters
from tests.cli.views.shown import shown


def grid(**changes):
    settings = {
        "name": "g",
        "tasks": {"copy_memory": {"lag": [5, 20], "symbols": 1}},
        "models": {"gru": {"units": 8}, "lstm": {"units": 8}},
        "seeds": 2,
        "training": {"steps": 100, "batch_size": 8, "evaluate_every": 50},
    }
    return Experiment.model_validate(settings | changes)


def took(spec, factor, steps=None, **others):
    """An earlier run that took `factor` times what is guessed."""
    steps = spec.training.steps if steps is None else steps
    parts = guess(spec, steps) | {"compilation": compilation(spec)}
    return PastRun(spec, steps, {part: factor * value for part, value in parts.items()} | others)


def whole(spec):
    return sum(guess(spec).values())


def test_without_a_past_each_network_and_length_is_compiled_once_and_the_start_counts():
    runs = grid().runs
    plain = Estimate(runs)
    assert plain.past == 0
    assert not plain.knows(runs[0])
    assert plain.seconds(runs[0]) == pytest.approx(whole(runs[0]) + compilation(runs[0]) / 2)
    work = sum(map(whole, runs)) + sum(compilation(spec) for spec in runs if spec.seed == 0)
    weights = stages.expected(grid())
    assert plain.total(dict.fromkeys(runs, 1.0), 1) == pytest.approx(estimate.START_SECONDS + work)
    assert plain.total(dict.fromkeys(runs, 1.0), 2) == pytest.approx(estimate.START_SECONDS + work / 2)
    assert list(weights.values()) == [1.0] * 8


def test_stock_layers_are_compiled_once_for_all_lengths():
    runs = grid(training={"steps": 100, "implementation": "stock"}).runs
    assert Estimate(runs).seconds(runs[0]) == pytest.approx(whole(runs[0]) + compilation(runs[0]) / 4)


def test_drawn_lags_and_leads_change_the_length_that_is_trained_on():
    def training(**task):
        settings = {"lag": 99, "symbols": 1, "training_lags": "fixed", **task}
        return guess(grid(tasks={"copy_memory": settings}).runs[0], 1)["training"]

    one_step = training(lag=100) - training()
    led = training(lead="random")
    assert led - training() == pytest.approx(24.5 * one_step)
    assert led - training(training_lags="uniform") == pytest.approx(49 * one_step)
    assert led - training(training_lags="far") == pytest.approx(24.5 * one_step)


def test_no_number_of_workers_makes_it_shorter_than_the_longest_run():
    runs = grid().runs
    plain = Estimate(runs)
    longest = max(map(plain.seconds, runs))
    assert plain.total(dict.fromkeys(runs, 1.0), 1000) == pytest.approx(estimate.START_SECONDS + longest)


def test_the_parts_of_a_guess():
    (spec, *_) = grid(gradients={"examples": 8}).runs
    step = guess(spec, 1)["training"]
    assert guess(spec, 70)["training"] == pytest.approx(70 * step)
    # At the start, after 50 steps, after 100, and the test split twice, for the frozen level too; all of one size.
    assert guess(spec)["evaluation"] == pytest.approx(5 / 3 * guess(spec, 0)["evaluation"])
    # A run that is solved early trains on until the last probe.
    assert guess(spec)["probes"] == guess(spec, 0)["probes"]
    two = grid(models={"gru": {"units": 8, "layers": 2}}).runs[0]
    assert compilation(two) == pytest.approx(1.5 * compilation(spec))


def test_the_lag_curve_takes_longer_the_longer_and_the_more_its_lags_are():
    def of(**changes):
        return guess(grid(tasks={"copy_memory": {"lag": 50}}, **changes).runs[0])["lag_curve"]

    one, two, far = of(test_lags=[40]), of(test_lags=[30, 50]), of(test_lags=[80])
    # Its own lag is tested anyway.
    assert one - two == pytest.approx(far - one - 3 * (one - two))
    assert of() > far > one > two


def test_a_frozen_run_trains_for_no_time():
    spec = grid(models={"gru": {"trainable": "readout"}}).runs[0]
    assert guess(spec)["training"] == 0
    assert guess(spec)["evaluation"] == guess(grid(models={"gru": {}}).runs[0], 0)["evaluation"]


def test_a_kind_that_was_run_is_judged_by_the_median_of_its_runs_and_others_by_the_machine():
    short, _, long, *_ = grid().runs
    known = Estimate([short, long], [took(short, factor) for factor in (2, 3, 10)])
    assert known.knows(short)
    assert not known.knows(long)
    assert known.seconds(short) == pytest.approx(3 * (whole(short) + compilation(short)))
    both = Estimate([short, long], [*(took(short, factor) for factor in (2, 2, 2)), took(long, 5)])
    assert both.seconds(long) == pytest.approx(5 * (whole(long) + compilation(long)))
    other = grid(models={"simple_rnn": {}}).runs[0]
    more = Estimate([other], both_past := [*(took(short, 2) for _ in range(3)), took(long, 5)])
    assert more.past == len(both_past)
    assert more.seconds(other) == pytest.approx(2 * (whole(other) + compilation(other)))
    assert more.total({other: 1.0}, 1) == pytest.approx(
        2 * (estimate.START_SECONDS + whole(other) + compilation(other))
    )


def test_real_data_are_read_once_and_then_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    both = grid(tasks={"forecasting": {"lag": [0, 1]}, "sentiment": {"lag": 0}}, models={"gru": {}}, seeds=1).runs
    weights = dict.fromkeys(both, 1.0)
    new, known = Estimate(both), Estimate(both, [took(both[0], 1)])
    assert new.total(weights, 1) - known.total(weights, 1) == pytest.approx(estimate.READING_SECONDS)
    work = sum(map(new.seconds, both))
    assert new.total(weights, 1) == pytest.approx(estimate.START_SECONDS + 2 * estimate.READING_SECONDS + work)


def test_each_part_has_its_own_factor():
    spec = grid().runs[0]
    parts = guess(spec)
    slow = Estimate([spec], [took(spec, 1, training=4 * parts["training"])])
    assert slow.seconds(spec) == pytest.approx(whole(spec) + compilation(spec) + 3 * parts["training"])


def test_runs_that_found_their_network_compiled_say_nothing_of_compilation():
    spec = grid().runs[0]
    past = [took(spec, 3), *(took(spec, 3, compilation=0.001) for _ in range(9))]
    assert Estimate([spec], past).seconds(spec) == pytest.approx(3 * (whole(spec) + compilation(spec)))


def test_runs_that_stop_early_are_short_as_the_other_seeds_were():
    first, second, other, *_ = grid().runs
    known = Estimate([first, second, other], [took(first, 1, steps=50), took(first, 1, steps=100)])
    assert known.seconds(second, whole_budget=True) == pytest.approx(whole(second) + compilation(second) / 2)
    assert known.seconds(second) == pytest.approx(sum(guess(second, 75).values()) + compilation(second) / 2)
    assert known.seconds(other) == pytest.approx(whole(other) + compilation(other))


def test_of_several_rates_one_is_chosen():
    chosen = grid(
        training={"steps": 100, "learning_rate": [1e-3, 1e-2, 1e-1]},
        seeds=3,
        select={"axis": "learning_rate", "seeds": [0]},
    )
    weights = stages.expected(chosen)
    assert sum(weights.values()) == pytest.approx(stages.planned(chosen))
    assert {spec.seed: weight for spec, weight in weights.items()} == pytest.approx({0: 1, 1: 1 / 3, 2: 1 / 3})


TABLES = """
CREATE TABLE experiments (experiment_id, name, lifecycle_stage);
CREATE TABLE runs (run_uuid, experiment_id, start_time, lifecycle_stage);
CREATE TABLE tags (run_uuid, key, value);
CREATE TABLE params (run_uuid, key, value);
CREATE TABLE latest_metrics (run_uuid, key, value);
"""


def store(folder, runs, machine=None, status="finished", stage="active"):
    """An MLflow database as far as it is read."""
    with sqlite3.connect(folder / "mlflow.db") as connection:
        connection.executescript(TABLES)
        for number, run in enumerate(runs):
            name = str(number)
            metrics = {f"seconds/{part}": value for part, value in run.seconds.items() if part != "rest"}
            metrics |= {"steps": run.steps, "seconds": sum(run.seconds.values()), "score": 1.0}
            tags = {"environment.machine": machine or environment.machine(), "rnnbench.status": status}
            connection.execute("INSERT INTO runs VALUES (?, 1, ?, ?)", (name, number, stage))
            for table, rows in (("tags", tags), ("params", parameters(run.spec)), ("latest_metrics", metrics)):
                connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", [(name, *row) for row in rows.items()])
    return Location.resolve(folder)


WIDE = {
    "tasks": {
        "copy": {"task": "copy_memory", "lag": [5, 20], "filler": "distractor"},
        "speech": {"task": "speech_commands", "source": "synthetic", "lag": 3, "words": ["a", "b"]},
        "film": {"task": "sentiment", "source": "synthetic", "lag": 3, "test_examples": 9},
    },
    "models": {"chrono": {"model": "lstm", "initialization": "chrono", "layers": 2}, "simple_rnn": {}},
    "gradients": {"examples": 5},
    "training": {"steps": 100, "global_clipnorm": None, "implementation": "stock"},
}


def test_what_a_store_has_comes_back_as_it_was_run(tmp_path):
    specs = grid(**WIDE).runs
    found = past.past_runs(store(tmp_path, [took(spec, 2, steps=70) for spec in specs]))
    assert sorted(run.spec.signature for run in found) == sorted(spec.signature for spec in specs)
    expected = {spec.signature: took(spec, 2, steps=70) for spec in specs}
    for run in found:
        assert run.steps == 70
        assert dict(run.seconds) == pytest.approx(dict(expected[run.spec.signature].seconds))
    assert Estimate(specs, found).seconds(specs[0], whole_budget=True) == pytest.approx(
        2 * (whole(specs[0]) + compilation(specs[0]) / 4)
    )


@pytest.mark.parametrize(
    "other", [{"machine": "another"}, {"status": "failed"}, {"status": "interrupted"}, {"stage": "deleted"}]
)
def test_runs_that_say_nothing_are_left_out(tmp_path, other):
    assert past.past_runs(store(tmp_path, [took(spec, 2) for spec in grid().runs], **other)) == []


def test_a_run_of_a_plug_in_that_is_not_loaded_is_left_out(tmp_path):
    location = store(tmp_path, [took(spec, 2) for spec in grid().runs[:3]])
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE params SET value = 'strange' WHERE run_uuid = '0' AND key = 'task_name'")
        connection.execute("UPDATE params SET value = 'many' WHERE run_uuid = '1' AND key = 'units'")
    assert len(past.past_runs(location)) == 1


def test_no_store_a_damaged_one_and_a_server_are_no_error(tmp_path):
    assert past.past_runs(Location.resolve(tmp_path / "none")) == []
    (tmp_path / "mlflow.db").write_text("no database")
    assert past.past_runs(Location.resolve(tmp_path)) == []
    assert past.past_runs(Location.resolve(None, "http://127.0.0.1:1")) == []


def test_plan_as_plain_values():
    experiment = grid()
    known = [took(spec, 3) for spec in experiment.runs]
    said = values.plan(experiment, 2, known)
    assert said["judged_by_runs"] == 8
    assert said["seconds"] == pytest.approx(3 * values.plan(experiment, 2)["seconds"])
    assert sum(run["seconds"] for run in said["runs"]) == pytest.approx(
        2 * (said["seconds"] - 3 * estimate.START_SECONDS)
    )


def long_steps(**training):
    """Two runs whose steps take long enough to be cut."""
    models = {"lstm": {"units": 128}}
    return Experiment(
        name="n", tasks={"copy_memory": {"lag": 480}}, models=models, seeds=2, training={"batch_size": 48} | training
    )


def test_shards_make_a_run_shorter_and_are_a_kind_of_their_own():
    one, two = (long_steps(shards=shards).runs[0] for shards in (1, 2))
    assert 1.2 < guess(one)["training"] / guess(two)["training"] < 1.4
    assert guess(one)["probes"] == guess(two)["probes"]
    assert not Estimate([two], [took(one, 3)]).knows(two)


def test_shards_are_advised_where_cores_would_be_idle():
    runs = long_steps().runs
    advised = {cores: worthwhile_shards(runs, 2, cores) for cores in (1, 2, 3, 4, 7, 10)}
    assert advised == {1: 1, 2: 1, 3: 1, 4: 2, 7: 3, 10: 4}  # 5 does not divide 48.
    assert worthwhile_shards(long_steps(shards=2).runs, 2, 8) == 1
    assert worthwhile_shards(grid().runs, 1, 8) == 1  # Its steps are short.
    assert worthwhile_shards([], 0, 8) == 1


def test_plan_advises_shards_in_one_line():
    assert "Fewer runs than cores: training.shards=2 has each run use 2 cores" in shown(
        plan(long_steps(), 4, cores=4), 120
    )
    for cores in (1, 2):
        assert "shards" not in shown(plan(long_steps(), cores, cores=cores), 120)

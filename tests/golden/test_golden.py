"""No change of the code changes a result unnoticed: a version is raised, and with it every signature."""

import pytest

from rnnbench import registry
from tests.golden.golden_runs import MODELS, TASKS, load, measure, moved, specs, suspect, versions

RECORD = "python tests/golden/golden_runs.py"
PROBE = "20/gradient_profile/survival"
LOSS = "20/train/loss"


GOLDEN = dict(specs())


def is_slow(name):
    """The stock loop of a model of which a fast one is run, and the less usual settings."""
    return (name.replace(" stock", " fast") in GOLDEN and name.endswith(" stock")) or name in LESS_USUAL


LESS_USUAL = {f"copy_memory gru {setting} fast" for setting in ("momentum", "rmsprop", "truncate")}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if is_slow(name) else name for name in GOLDEN]
)
def test_results_are_those_of_the_recorded_versions(name):
    changes = moved({name: measure(GOLDEN[name])}, {name: load()["runs"][name]})
    if changes:
        pytest.fail(
            f"results changed ({', '.join(changes[name][:5])}): raise the version of {suspect(changes)}, or of what "
            f"other golden runs that fail share with it, then record what it gives: {RECORD}"
        )


def test_what_is_recorded_is_of_these_versions_and_runs():
    recorded = load()
    raised = [part for part, version in versions().items() if recorded["versions"].get(part) != version]
    assert not raised, f"the version of {', '.join(raised)} is not the recorded one: record what it gives: {RECORD}"
    assert set(recorded["runs"]) == set(GOLDEN)


def test_every_task_and_model_of_ours_has_a_golden_run():
    ours = [
        {name for name in known if known[name].__module__.startswith("rnnbench.")}
        for known in (registry.tasks, registry.models)
    ]
    assert ours == [set(TASKS), set(MODELS)]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        (lambda name: True, "training"),
        (lambda name: name.endswith(" fast"), "layers"),
        (lambda name: " gru" in name and name.endswith(" fast"), "model gru"),
        (lambda name: " gru chrono" in name, "model gru"),
        (lambda name: name.startswith("adding "), "task adding"),
        (lambda name: name.startswith("copy_memory "), "task copy_memory"),
        (lambda name: " lstm" in name, "model lstm"),
    ],
)
def test_the_part_is_told_from_the_runs_that_changed(changed, part):
    assert suspect({name: [LOSS, PROBE] for name, _ in specs() if changed(name)}) == part


def test_a_change_of_what_the_probes_say_is_told_from_its_metrics():
    assert suspect({name: [PROBE] for name, _ in specs()}) == "probes"


@pytest.mark.parametrize(
    ("metric", "same", "other"),
    [
        (LOSS, 1.00005, 1.0003),
        ("20/validation/accuracy right", 3.0, 4.0),
        ("20/saturation/closed/forget", 1.01, 1.03),
    ],
)
def test_rounding_is_no_change(metric, same, other):
    assert not moved({"run": {metric: same}}, {"run": {metric: 1.0}})
    assert moved({"run": {metric: other}}, {"run": {metric: 1.0}}) == {"run": [metric]}


def test_a_metric_that_is_gone_or_no_number_any_more_is_a_change():
    nan = float("nan")
    assert moved({"run": {}}, {"run": {LOSS: 1.0}}) == {"run": [LOSS]}
    assert moved({"run": {LOSS: nan}}, {"run": {LOSS: 1.0}}) == {"run": [LOSS]}
    assert not moved({"run": {LOSS: nan}}, {"run": {LOSS: nan}})

"""What a fixed lag can hide (docs/science.md, section 2): a network that keeps time passes for one that remembers."""

import pytest

from rnnbench.experiment.definition import Experiment
from rnnbench.training.program import program_for
from rnnbench.training.run import run


def accuracies(model, settings, learning_rate, lags):
    """Trained at lag 50, tested at `lags`."""
    task = {"lag": 50, "symbols": 1, "training_lags": "fixed"}
    (spec,) = Experiment.model_validate(
        {"name": "clock", "tasks": {"copy_memory": task}, "models": {model: settings},
         "training": {"steps": 1000, "learning_rate": learning_rate}, "seeds": [0]}
    ).runs  # fmt: skip
    list(run(spec))
    tasks = [spec.task.model_copy(update={"lag": lag}) for lag in lags]
    return [program_for(spec.compile_key).scores(task, task.split("test"))["accuracy"].value for task in tasks]


@pytest.mark.slow
def test_a_simple_rnn_keeps_time():
    before, at, after = accuracies("simple_rnn", {"units": 64}, 1e-3, [49, 50, 51])
    assert at == 1
    assert before < 0.3
    assert after < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lstm", "gru"])
def test_a_gated_cell_with_chrono_initialisation_remembers(model):
    settings = {"units": 64, "initialization": "chrono"}
    *near, far = accuracies(model, settings, 3e-3, [49, 50, 51, 100])
    assert near == [1, 1, 1]
    # How much more depends on the seed, and on the last bits of the losses: chance is an eighth.
    assert far > 0.5

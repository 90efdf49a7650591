"""What small networks come to on a task: at initialisation, and trained for some seconds."""

from typing import Any

import numpy as np

from rnnbench import registry
from rnnbench.events import Finished
from rnnbench.experiment.definition import Experiment
from rnnbench.models.gru import GRU
from rnnbench.tasks.stream import joined
from rnnbench.training import run as training
from rnnbench.training.network import build, network_inputs

SHORT = {"training_lags": "fixed", "examples": 300}


def trained(task: str, steps: int, **settings: Any) -> dict[str, float]:
    """Metrics of a GRU of 32 units that was trained at a fixed lag, without a lead, until it solves or is out of steps.

    In stock layers: to compile others takes longer than these few steps.
    """
    (spec,) = Experiment(
        name="test",
        tasks={task: SHORT | settings},
        models={"gru": {"units": 32}},
        training={"steps": steps, "learning_rate": 1e-2, "evaluate_every": 100, "implementation": "stock"},
        gradients={"examples": 5},
    ).runs
    final = list(training.run(spec))[-1]
    assert isinstance(final, Finished)
    return final.metrics


def untrained_solves(task_name: str, **settings: Any) -> bool:
    """Whether the initial network of such a run solves its test split."""
    task = registry.tasks[task_name](**SHORT | settings)
    stream = joined(task.split("test"))
    outputs = np.asarray(build(task, GRU(units=32), seed=0)(network_inputs(stream)))
    score = task.scores(stream, outputs)[task.score.name].mean()
    return task.solves(float(score), 0.0)

"""Models without a state in the network that all models share."""

import numpy as np
import pytest

from rnnbench.models.base import Model
from rnnbench.models.tcn import TCN
from rnnbench.models.transformer import Transformer
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.training.network import build, network_inputs


@pytest.mark.parametrize("model", [TCN(units=5, layers=2), Transformer(units=8)], ids=["tcn", "transformer"])
def test_a_network_answers_where_the_task_reads(model: Model) -> None:
    task = CopyMemory(lag=4, symbols=2)
    stream = task.train_batch(0, 0, 3)
    answers = np.asarray(build(task, model, 0)(network_inputs(stream)))
    assert answers.shape == (3, task.layout.readout, task.outputs)
    assert np.isfinite(answers).all()

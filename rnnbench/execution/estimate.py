"""How long a run may take, before anything was run: for `plan`, and to weigh runs in a progress bar."""

from __future__ import annotations

from rnnbench.experiment import RunSpec

# Fitted on one core of a 2-core server; other machines differ, the proportions little.
_SECONDS_A_RUN = 3.0
_SECONDS_A_TIME_STEP = {"stock": 3e-5, "fast": 1.5e-6}
_SECONDS_A_GATE = {"stock": 2.5e-5, "fast": 2.2e-6}
_FLOPS_PER_SECOND = {"stock": 6e10, "fast": 7e10}
# Workers were seen to take between 0.75 and 1.2 GB.
_BYTES_A_WORKER = 1e9
_COPIES = 4


def seconds(spec: RunSpec) -> float:
    """Seconds on one core if the run uses its whole budget; good to about a factor of two."""
    inputs, units, batch = spec.task.inputs.width, spec.model.units, spec.training.batch_size
    # Two operations a weight, in the forward pass and twice in the backward one.
    flops = 6 * batch * (inputs + units) * units * spec.model.gates
    layers = spec.training.layers
    overhead = _SECONDS_A_TIME_STEP[layers] + _SECONDS_A_GATE[layers] * spec.model.gates
    time_step = overhead + flops / _FLOPS_PER_SECOND[layers]
    return _SECONDS_A_RUN + spec.training.steps * spec.task.layout.length * spec.model.layers * time_step


def worker_bytes(spec: RunSpec) -> int:
    """Memory of a worker that does this run, bytes; good to about a factor of two."""
    task, model, length = spec.task, spec.model, spec.task.layout.length
    state = model.units * (model.gates + 2) * model.layers
    training_step = spec.training.batch_size * length * (task.inputs.width + state) * 4 * _COPIES
    probe = spec.gradients.examples * length * (task.inputs.width + state) * 8 * _COPIES
    return int(_BYTES_A_WORKER + training_step + probe)

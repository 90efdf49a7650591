"""Checks 7 to 10: what must be learned, and what cannot be. They train for minutes, on the literature's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rnnbench.checks.finding import Finding, at_least, at_most, between
from rnnbench.events import Diverged, Finished, Measured
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec

CELLS = ("simple_rnn", "lstm", "gru")
_MEASURED = "measured with numpy cells"


def simple_rnn_stays_memoryless() -> Iterator[Finding]:
    """Check 7: SimpleRNN does not learn to add over 200 steps."""
    # Of 1,000 examples the memoryless error itself varies by .006.
    task = {"adding": _adding(200)["adding"] | {"examples": 10_000}}
    (spec,) = _specs(task, "simple_rnn", steps=2000, learning_rate=1e-3, evaluate_every=1000)
    found = _test(spec, "mse")
    yield between("7 adding, T=200, simple_rnn-64, 2000 steps: MSE", 0.155, 0.18, found, _MEASURED)


def gated_cells_learn_to_add(model: str, within: int) -> Iterator[Finding]:
    """Check 8: GRU and LSTM learn to add over 50 steps."""
    specs = _specs(_adding(50), model, steps=within, learning_rate=1e-3, seeds=3, evaluate_every=50)
    steps = [_solved_at(spec, "validation/mse", 0.01) for spec in specs]
    check = f"8 adding, T=50, {model}-64: seeds of 3 with MSE < .01 within {within} steps"
    finding = at_least(check, 2, sum(step is not None for step in steps), _MEASURED)
    reached = ", ".join("never" if step is None else str(step) for step in steps)
    yield replace(finding, found=f"{finding.found} (at {reached})")


def nothing_leaks(model: str) -> Iterator[Finding]:
    """Check 9: in 600 steps no cell recalls ten symbols over a lag of 100: if one does, the answer leaks."""
    for objective in ("all", "recall"):
        task = {"copy_memory": {"lag": 100, "symbols": 10, "objective": objective, "training_lags": "fixed"}}
        (spec,) = _specs(task, model, steps=600, learning_rate=3e-3)
        check = f"9 copy-memory, T=100, K=10, {model}, loss at {objective} steps: recall cross entropy"
        yield at_least(check, 2.0, _test(spec, "recall_loss"), f"chance: ln 8 = 2.079; {_MEASURED}")


def every_cell_can_learn(model: str) -> Iterator[Finding]:
    """Check 10: every cell recalls three symbols over a lag of 20 better than by chance."""
    task = {"copy_memory": {"lag": 20, "symbols": 3, "training_lags": "fixed"}}
    (spec,) = _specs(task, model, steps=2500, learning_rate=3e-3)
    check = f"10 copy-memory, T=20, K=3, {model}, 2500 steps: recall cross entropy"
    yield at_most(check, 1.0, _test(spec, "recall_loss"), _MEASURED)


def _adding(length: int) -> dict[str, Any]:
    return {"adding": {"form": "urnn", "lag": length}}


def _specs(tasks: dict[str, Any], model: str, *, seeds: int = 1, **training: Any) -> tuple[RunSpec, ...]:
    return Experiment(
        name="check",
        tasks=tasks,
        models={model: {"units": 64}},
        seeds=seeds,  # type: ignore[arg-type]  # a count
        training={"batch_size": 50, "global_clipnorm": 1.0, **training},
        gradients={"examples": 1},  # type: ignore[arg-type]
    ).runs


def _test(spec: RunSpec, metric: str) -> float:
    """A test metric of a whole run."""
    from rnnbench.training.run import run

    return next(event for event in run(spec) if isinstance(event, Finished | Diverged)).metrics[f"test/{metric}"]


def _solved_at(spec: RunSpec, metric: str, below: float) -> int | None:
    """The first step at which a run's metric is below a level; the run stops there."""
    from rnnbench.training.run import run

    for event in run(spec):
        if isinstance(event, Measured) and event.metrics.get(metric, below) < below:
            return event.step
    return None

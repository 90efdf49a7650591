"""A run that comes in a longer buffer than its own, because that is compiled already, has the same bits."""

from __future__ import annotations

from typing import Any

import pytest

from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.training.buffers import buffer_length
from rnnbench.training.program import program_for
from rnnbench.training.run import run

TASKS: dict[str, dict[str, Any]] = {
    "copy_memory": {"symbols": 1, "training_lags": "uniform", "lead": "random"},
    "adding": {},
    "sentiment": {"source": "synthetic", "evidence": 10, "vocabulary": 100},
    "speech_commands": {"source": "synthetic"},
    "forecasting": {"source": "synthetic", "look_back": 24},
    "sequential_mnist": {"source": "synthetic", "order": "rows"},
    "video": {"source": "synthetic"},
    "transcription": {"source": "synthetic", "most_words": 2, "stride_ms": 100},
}
DEFAULT = [("copy_memory", "lstm"), ("sentiment", "gru")]
SLOW = [
    *((task, "simple_rnn") for task in TASKS),
    *(("copy_memory", model) for model in ("gru", "layer_norm_lstm", "min_gru", "lru", "cornn")),
]


def spec_of(task: str, model: str, lag: int, steps: int = 4) -> RunSpec:
    (spec,) = Experiment(
        name="test",
        tasks={task: {"lag": lag, **TASKS[task]}},
        models={model: {"units": 6}},
        training={"steps": steps, "batch_size": 8, "evaluate_every": 2},
        gradients={"examples": 4},
    ).runs
    return spec


def metrics(spec: RunSpec) -> dict[str, str]:
    """The exact metrics of a run."""
    found = list(run(spec))[-1].metrics  # type: ignore[attr-defined]
    return {name: float(value).hex() for name, value in found.items() if not name.startswith("seconds")}


@pytest.mark.parametrize(("task", "model"), [*DEFAULT, *(pytest.param(*one, marks=pytest.mark.slow) for one in SLOW)])
def test_a_longer_buffer_changes_no_bit(task: str, model: str) -> None:
    short, long = spec_of(task, model, lag=3), spec_of(task, model, lag=31)
    program_for.cache_clear()
    alone = metrics(short)
    program_for.cache_clear()
    metrics(long)
    assert metrics(short) == alone
    assert program_for(short.compile_key)._compiled == {buffer_length(long.task.longest_stream)}
    program_for.cache_clear()


def test_the_tests_at_longer_lags_compile_the_forward_pass_once_for_all_seeds() -> None:
    """In one buffer: that of the longest; at shorter lags they come in the run's own."""
    program_for.cache_clear()
    spec = spec_of("copy_memory", "simple_rnn", lag=20)
    program = program_for(spec.compile_key)
    lengths: list[int] = []
    outputs_for = program.network.outputs_for

    def noted(inputs: Any) -> Any:
        lengths.append(inputs[0].shape[1])
        return outputs_for(inputs)

    program.network.outputs_for = noted
    metrics(spec)
    own, longer = buffer_length(spec.task.longest_stream), buffer_length(22 + 2 * 20)
    assert (program._compiled, program._answering) == ({own}, {longer})
    assert set(lengths) == {own, longer}
    metrics(spec)
    assert (program._compiled, program._answering) == ({own}, {longer})
    # A run at a lag of that length finds no training step compiled, and its own tests take its own buffer.
    metrics(spec_of("copy_memory", "simple_rnn", lag=40))
    assert len(program._compiled) == 2
    program_for.cache_clear()

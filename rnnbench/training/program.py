"""A compiled program for training, evaluation and probes, which many runs of a process share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

import keras
import numpy as np

from rnnbench.experiment.run_spec import CompileKey
from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Task
from rnnbench.tasks.metric import Estimate, MeanOverExamples
from rnnbench.tasks.stream import Stream, chunks
from rnnbench.training.buffers import STEPS, buffer_length, buffered, usable_buffer, usable_for_tests
from rnnbench.training.decoding import Decoder
from rnnbench.training.feeding import batches, steps_together
from rnnbench.training.making import Making
from rnnbench.training.metrics import free_running, results
from rnnbench.training.network import build, network_inputs, takes_steps
from rnnbench.training.optimizers import optimizer_for, set_learning_rate
from rnnbench.training.probes.diagnostics import Diagnostics
from rnnbench.training.probes.evidence_share import EvidenceShare
from rnnbench.training.probes.gradient_probe import GradientProbe
from rnnbench.training.probes.states import StateReader
from rnnbench.training.steps import ShardedNetwork, SteppedNetwork

EVALUATION_BATCH = 200
"""Examples that are evaluated at once: many enough for speed, few enough for their memory to be used again."""


class Program:
    """A compiled network and its probes: serves all runs that differ only in lag, seed, learning rate, initialisation.

    It holds the state of one run at a time: `reset` or `restore` takes up another.
    """

    making: Making

    def __init__(self, key: CompileKey) -> None:
        self._key = key
        task, model = key.task, key.model
        self._in_buffers = key.implementation == "fast" and takes_steps(model)
        network_class = partial(SteppedNetwork if key.shards == 1 else ShardedNetwork, key=key)
        self.network = build(task, model, 0, network_class, key.implementation, key.truncate, self._in_buffers)
        self.network.compile(optimizer=optimizer_for(key), jit_compile=False)
        self.network.optimizer.build(self.network.trainable_variables)
        self.probe = GradientProbe(task, model, key.implementation, key.truncate)
        self.diagnostics = Diagnostics(model, self.network)
        self._compiled: set[int] = set()
        """Lengths of streams, or of their buffers."""
        self._buffer: int | None = None
        """The length of the buffers that the streams of the run come in; None: in none, or no run is taken up."""
        self._answering: set[int] = set()
        """Lengths of buffers for which only the forward pass is compiled."""
        self._longer: int | None = None
        """The length of the buffers for tests whose streams are longer than those of the run."""
        self.states = StateReader(self.network)
        self._decoder = Decoder(self.network)
        self.evidence_share = EvidenceShare(task, self.network)

    def take_up(self, task: Task, training: Training) -> bool:
        """Have what follows be of this run; whether all is compiled for it, so that `compile_for` has nothing to do."""
        self._buffer = usable_buffer(task, training, self._compiled) if self._in_buffers else None
        return (self._buffer or task.longest_stream) in self._compiled

    def compile_for(self, task: Task, training: Training, evaluated: Stream, probed: Stream) -> None:
        """Have everything compiled for the length of the buffer, which XLA does not leave open; once.

        It takes some steps, evaluates a batch and probes another, so `reset` or `restore` must follow.
        """
        if self.take_up(task, training):
            return
        self.fit(task, 0, training, 0, steps_together(task, training, self._buffer))
        self.outputs_for(evaluated, evaluated.examples)
        if not self._compiled:  # XLA has no part in the probes, which are traced for all lengths.
            self.probe.profile(task.layout, probed)
            self.diagnostics.measure(probed)
            self.evidence_share.measure(probed, task.layout)
        self._compiled.add(self._buffer or task.longest_stream)

    def compiled_for_tests(self, longest: int, task: Task) -> bool:
        """Have the tests that follow, whose streams have at most `longest` steps, come in one buffer, the run's if that
        is long enough; whether it is compiled, so that `compile_for_tests` has nothing to do."""
        if self._buffer is None or longest <= self._buffer:
            return True
        self._longer = usable_for_tests(task, longest, self._compiled | self._answering)
        return self._longer in self._compiled | self._answering

    def compile_for_tests(self, stream: Stream, size: int) -> None:
        """Have the forward pass compiled for the longer buffer, in batches of `size`."""
        assert self._longer is not None
        batch = next(chunks([stream], size))
        self.outputs_for(batch, size, self._longer)
        self._answering.add(self._longer)

    def reset(self, network: keras.Model, learning_rate: float) -> None:
        """Start over from the weights of `network` with a fresh optimiser."""
        _assign(self.network.variables, _values(network.variables))
        # Not zeros: accumulators of some optimisers start elsewhere, and one starts from the weights.
        fresh = optimizer_for(self._key)
        fresh.build(self.network.trainable_variables)
        _assign(self.network.optimizer.variables, _values(fresh.variables))
        set_learning_rate(self.network.optimizer, learning_rate)

    def state(self) -> dict[str, list[np.ndarray]]:
        """Everything that training changes, the state of random generators included."""
        return {
            "network": _values(self.network.variables),
            "optimizer": _values(self.network.optimizer.variables),
        }

    def restore(self, state: dict[str, list[np.ndarray]], learning_rate: float) -> None:
        """Continue from what `state` returned, in a run of this learning rate."""
        set_learning_rate(self.network.optimizer, learning_rate)
        _assign(self.network.variables, state["network"])
        _assign(self.network.optimizer.variables, state["optimizer"])

    def fit(self, task: Task, seed: int, training: Training, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Train from step `start` to `stop`: loss and pre-clip global gradient norm of each step, (stop - start,)."""
        self.take_up(task, training)
        data = batches(task, seed, training, start, stop, self._buffer)
        epoch = start // training.evaluate_every
        self.network.fit(data, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        values = self.network.step_values.numpy()[: stop - start]
        return values[:, 0], values[:, 1]

    def weight_norms(self, count: int) -> dict[str, float]:
        """Medians of the gradient's norms, weight by weight, over the last `count` steps: see `GradientNorms`."""
        medians = np.median(self.network.step_values.numpy()[:count, 2:], axis=0)
        return dict(zip(self.network.gradient_norms.names, medians.tolist(), strict=True))

    def scores(
        self,
        task: Task,
        streams: Iterable[Stream],
        at_once: int = EVALUATION_BATCH,
        each: list[np.ndarray] | None = None,
        told: Callable[[Stream, np.ndarray], None] | None = None,
    ) -> dict[str, Estimate]:
        """The task's metrics on a whole split, its last incomplete batch included.

        Of a task that `feeds_back` those of its free-running answers: see `metrics.free_running`. `at_once`: examples
        of a batch; another number of them is compiled for itself. `each`: the score of each example, in their order,
        is added to this list, where examples have one. `told`: is called with every batch and the raw answers to it.

        Raises `UserError` if the task leaves out its score or its loss.
        """
        metric, forced, size = task.metric(), task.metric(), 0
        for batch in chunks(streams, at_once):
            size = size or batch.examples
            outputs = self.outputs_for(batch, size)
            if task.feeds_back:
                forced.update(batch, outputs)
                outputs = self._decoder.answers(task, batch, partial(self.outputs_for, size=size))
            metric.update(batch, outputs)
            if told is not None:
                told(batch, outputs)
            if each is not None and isinstance(metric, MeanOverExamples):
                each.append(np.asarray(task.scores(batch, outputs)[task.score.name], np.float64))
        found = results(task, metric)
        return free_running(task, found, results(task, forced)) if task.feeds_back else found

    def outputs_for(self, batch: Stream, size: int, buffer: int | None = None) -> np.ndarray:
        """What the network answers to a batch, computed for at least `size` examples, in a buffer of this length.

        Default: that of the run, or of its tests.
        """
        # Filled up with its first examples: another shape would be compiled for itself, and shards are equal.
        whole_size = -(-max(size, batch.examples) // self._key.shards) * self._key.shards
        whole = batch.rows(np.resize(np.arange(batch.examples), whole_size))
        if not self._in_buffers:
            inputs = network_inputs(whole)
        else:
            parts = buffered(whole, buffer or self._buffer_for(whole.steps), every_step=False)
            steps = parts.pop(STEPS)
            inputs = network_inputs(Stream(**parts), steps)
        outputs = self.network.outputs_for(inputs).numpy()[: batch.examples]
        return outputs[:, : batch.targets.shape[1]]

    def _buffer_for(self, steps: int) -> int:
        fitting = (length for length in (self._buffer, self._longer) if length is not None and length >= steps)
        return buffer_length(steps) if self._buffer is None else next(fitting, buffer_length(steps))


def _values(variables: Iterable[Any]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Iterable[Any], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@lru_cache(maxsize=8)
def program_for(key: CompileKey) -> Program:
    """The program of all runs of the process that have the key in common."""
    making = Making(key)
    with making.names.given():
        program = Program(key)
    program.making = making
    return program

"""One run: a RunSpec goes in, a stream of events comes out. Knows neither MLflow nor where it is executed."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import rnnbench
from rnnbench.diagnostics import Diagnostics, WeightNorms
from rnnbench.events import Diverged, Event, Finished, Measured, Profiled, Started, Warned
from rnnbench.execution.machine import processor
from rnnbench.experiment import Layers, RunSpec, Training
from rnnbench.feeding import batches
from rnnbench.gradients import GradientProbe
from rnnbench.layers import has_fast_loop
from rnnbench.models.base import Model
from rnnbench.models.network import build
from rnnbench.saving import saved
from rnnbench.snapshot import Snapshot
from rnnbench.stopwatch import Stopwatch
from rnnbench.tasks.base import Batch, Task

EVALUATION_BATCH = 200
SAVING_SHARE = 0.02
"""Share of a run's time that its checkpoints may take."""
FIRST_SAVE = 1.0
"""Seconds until a run's first checkpoint."""


def configure(threads: int) -> None:
    """Set the process up, before any TensorFlow op: `threads` intra-op threads, one inter-op, deterministic kernels."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


class RecurrentNetwork(keras.Model):
    """`keras.Model` that minimises the task's loss, several steps a call; keeps each one's loss and pre-clip norm."""

    def watch(self, task: Task, model: Model, window: int, jit_compile: bool) -> None:
        """Train on `task.loss`; remember the last `window` steps."""
        # Keras' own `jit_compile` is not to be had where operations are deterministic.
        self._compiled_steps = tf.function(self._steps, jit_compile=jit_compile, reduce_retracing=True)
        self._compiled_outputs = tf.function(self.call, jit_compile=jit_compile, reduce_retracing=True)
        self.task = task
        self.window = window
        self.weight_norms = WeightNorms(self, model)
        self.step_losses = tf.Variable(tf.zeros(window), trainable=False)
        self.step_norms = tf.Variable(tf.zeros(window), trainable=False)
        self.step_weight_norms = tf.Variable(tf.zeros((window, len(self.weight_norms.names))), trainable=False)

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step on each of the batches that `data` stacks."""
        return {"loss": self._compiled_steps(*data)}

    def outputs_for(self, inputs: np.ndarray) -> np.ndarray:
        """What the network answers."""
        return self._compiled_outputs(tf.constant(inputs)).numpy()

    def _steps(self, inputs: Any, targets: Any) -> Any:
        def step(index: Any, _: Any) -> tuple[Any, Any]:
            return index + 1, self._step(inputs[index], targets[index])

        count = tf.shape(inputs)[0]
        return tf.while_loop(lambda index, _: index < count, step, (0, 0.0), parallel_iterations=1)[1]

    def _step(self, inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = ops.mean(self.task.loss(targets, self(inputs, training=True)))
        gradients = tape.gradient(loss, self.trainable_variables)
        index = [[tf.cast(self.optimizer.iterations, tf.int32) % self.window]]
        self.step_losses.scatter_nd_update(index, [loss])
        self.step_norms.scatter_nd_update(index, [tf.linalg.global_norm(gradients)])
        self.step_weight_norms.scatter_nd_update(index, [self.weight_norms(gradients)])
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return loss


class CompiledNetwork:
    """A compiled network and its gradient probe, used by all runs that differ only in lag, seed and learning rate."""

    def __init__(self, task: Task, model: Model, global_clipnorm: float | None, window: int, layers: Layers) -> None:
        self.network = build(task, model, 0, RecurrentNetwork, layers)
        # XLA's cost of the stock recurrent loops on a CPU grows with the square of the length; cuDNN does not use it.
        covered = any(has_fast_loop(layer) for layer in self.network.layers)
        self.network.watch(task, model, window, jit_compile=covered)
        self.network.compile(optimizer=keras.optimizers.Adam(global_clipnorm=global_clipnorm), jit_compile=False)
        self.network.optimizer.build(self.network.trainable_variables)
        self.probe = GradientProbe(task, model, layers)
        self.diagnostics = Diagnostics(task, model, self.network)

    def reset(self, network: keras.Model, learning_rate: float) -> None:
        """Start over from the state of `network` with a fresh optimiser."""
        _assign(self.network.variables, _values(network.variables))
        for variable in self.network.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self.network.optimizer.learning_rate = learning_rate

    def state(self) -> dict[str, list[np.ndarray]]:
        """Everything that training changes, the state of random generators included."""
        return {
            "network": _values(self.network.variables),
            "optimizer": _values(self.network.optimizer.variables),
        }

    def restore(self, state: dict[str, list[np.ndarray]]) -> None:
        """Go on from what `state` returned."""
        _assign(self.network.variables, state["network"])
        _assign(self.network.optimizer.variables, state["optimizer"])

    def fit(self, task: Task, seed: int, training: Training, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Train from step `start` to `stop`: loss and pre-clip global gradient norm of each step."""
        data = batches(task, seed, training, start, stop)
        epoch = start // training.evaluate_every
        self.network.fit(data, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        count = stop - start
        return self.network.step_losses.numpy()[:count], self.network.step_norms.numpy()[:count]

    def weight_norms(self, count: int) -> dict[str, float]:
        """Median over the last `count` trained steps of the gradient's norm by each weight: see `WeightNorms`."""
        medians = np.median(self.network.step_weight_norms.numpy()[:count], axis=0)
        return dict(zip(self.network.weight_norms.names, medians.tolist(), strict=True))

    def scores(self, task: Task, split: Batch) -> dict[str, float]:
        """The task's metrics on a whole split, its last incomplete batch included."""
        inputs, targets = split
        size = min(EVALUATION_BATCH, len(inputs))
        # The last batch is filled up with the first examples: another shape would be compiled for itself.
        filled = np.concatenate([inputs, inputs[: -len(inputs) % size]])
        chunks = [filled[at : at + size] for at in range(0, len(filled), size)]
        outputs = np.concatenate([self.network.outputs_for(chunk) for chunk in chunks])
        return task.scores(targets, outputs[: len(inputs)])


def _values(variables: Iterable[Any]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Iterable[Any], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@lru_cache(maxsize=8)
def _compiled(
    task: Task, model: Model, batch_size: int, global_clipnorm: float | None, window: int, layers: Layers
) -> CompiledNetwork:
    del batch_size  # part of the key: the compiled step has it built in
    return CompiledNetwork(task, model, global_clipnorm, window, layers)


@dataclass
class _Progress:
    """What a run has reached: the validation's best weights, by score and then by loss, and whether it is solved."""

    step: int = 0
    diverged: bool = False
    solved_at: int | None = None
    solved_twice: bool = False
    """Whether the last two evaluations were solved."""
    best_step: int = -1
    best_score: float = math.nan
    best_loss: float = math.inf
    best_weights: list[np.ndarray] = field(default_factory=list)

    def evaluated(self, task: Task, step: int, scores: dict[str, float], network: keras.Model) -> None:
        """Note an evaluation."""
        self.step = step
        score, loss = scores[task.score_name], scores["loss"]
        first = self.best_step < 0
        if first or task.better(score, self.best_score) or (score == self.best_score and loss < self.best_loss):
            self.best_step, self.best_score, self.best_loss = step, score, loss
            self.best_weights = network.get_weights()
        solved = bool(task.solves(score))
        self.solved_twice = solved and self.solved_at is not None
        if not solved:
            self.solved_at = None
        elif self.solved_at is None:
            self.solved_at = step

    def stops_early(self, training: Training) -> bool:
        return self.diverged or (self.solved_twice and training.stop_when_solved)

    def figures(self) -> dict[str, Any]:
        """All but the weights."""
        return {name: value for name, value in vars(self).items() if name != "best_weights"}


class _Memory:
    """What a run has said, and when it was last saved."""

    def __init__(self, snapshot: Snapshot | None, save: Callable[[Snapshot], None] | None) -> None:
        self.said: list[Event] = []
        self.watch = Stopwatch(snapshot.seconds if snapshot else None)
        self._save = save
        self._due = time.perf_counter() + FIRST_SAVE
        self._warned = False

    def keep(self, events: Iterable[Event]) -> Iterator[Event]:
        """Remember events as they pass."""
        for event in events:
            self.said.append(event)
            yield event

    def save(self, signature: str, compiled: CompiledNetwork, progress: _Progress, now: bool) -> Iterator[Event]:
        """Write a checkpoint if one is due, or `now`; a disk that is full costs the run nothing but that."""
        began = time.perf_counter()
        if self._save is None or not (now or began >= self._due):
            return
        arrays = compiled.state() | {"best": progress.best_weights}
        seconds = self.watch.readings()
        try:
            with self.watch.part("checkpoints"):
                self._save(Snapshot(seconds, progress.figures(), versions(), tuple(self.said), arrays))
        except OSError as error:
            if not self._warned:
                yield Warned(signature, f"no checkpoint can be written, the run goes on without: {error}")
            self._warned = True
        ended = time.perf_counter()
        self._due = ended + (ended - began) / SAVING_SHARE


def run(
    spec: RunSpec,
    snapshot: Snapshot | None = None,
    save: Callable[[Snapshot], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train, evaluate and probe one network.

    Yields `Started`; `Measured` at step 0 and after every `evaluate_every` steps; `Profiled` at step 0, `during` times
    along the way and at the weights that are tested; at last `Finished`, or `Diverged` from the first step whose loss
    or gradient is not finite. Both carry the test scores of the best validation weights, read once.

    `save` is given a snapshot after an evaluation, as often as `SAVING_SHARE` allows; when `stopped()` is true it is
    given one more, and the run breaks off. From a `snapshot` the run says again what it said, goes on, and ends with
    the bits of a run that nobody interrupted.
    """
    memory = _Memory(snapshot, save)
    task, watch = spec.task, memory.watch
    with watch.part("preparation"):
        validation, test = task.split("validation"), task.split("test")
        compiled = _compiled(*spec.network)
    if snapshot is None:
        progress = _Progress()
        with watch.part("preparation"):
            compiled.reset(build(task, spec.model, spec.seed), spec.training.learning_rate)
        parameters = compiled.network.count_params()
        started = Started(spec.signature, parameters, task.levels(), _data(task, test), _environment())
        yield from memory.keep([started])
        yield from memory.keep(_begin(spec, compiled, validation, progress, watch))
    else:
        progress = _Progress(**snapshot.progress, best_weights=snapshot.arrays["best"])
        compiled.restore(snapshot.arrays)
        yield from memory.keep(snapshot.events)

    while progress.step < spec.training.steps and not progress.stops_early(spec.training):
        stop = stopped()
        yield from memory.save(spec.signature, compiled, progress, now=stop)
        if stop:
            return
        yield from memory.keep(_train(spec, compiled, validation, progress, watch))
    compiled.network.set_weights(progress.best_weights)
    summary = yield from _profile(spec, compiled, validation, progress.step, "final", watch)
    with watch.part("evaluation"):
        scores = compiled.scores(task, test)
    if spec.log_model:
        with watch.part("saving"):
            kept = saved(spec, progress.best_weights, versions())
        yield kept
    ending = Diverged if progress.diverged else Finished
    metrics = summary | _outcome(task, progress, scores) | watch.readings()
    yield ending(spec.signature, progress.step, metrics)


def _begin(
    spec: RunSpec, compiled: CompiledNetwork, validation: Batch, progress: _Progress, watch: Stopwatch
) -> Iterator[Event]:
    """Evaluate and probe the untrained network."""
    with watch.part("evaluation"):
        scores = compiled.scores(spec.task, validation)
    progress.evaluated(spec.task, 0, scores, compiled.network)
    yield Measured(spec.signature, 0, _section("validation", scores))
    yield from _profile(spec, compiled, validation, 0, "initial", watch)


def _train(
    spec: RunSpec, compiled: CompiledNetwork, validation: Batch, progress: _Progress, watch: Stopwatch
) -> Iterator[Event]:
    """Train until the next evaluation, and evaluate."""
    task, training, start = spec.task, spec.training, progress.step
    step = min(start + training.evaluate_every, training.steps)
    with watch.part("training"):
        losses, norms = compiled.fit(task, spec.seed, training, start, step)
    finite = np.isfinite(losses) & np.isfinite(norms)
    if not finite.all():
        progress.step, progress.diverged = start + int(np.argmin(finite)), True
        return
    with watch.part("evaluation"):
        scores = compiled.scores(task, validation)
    progress.evaluated(task, step, scores, compiled.network)
    gradients = _section("gradient_norm", compiled.weight_norms(step - start))
    figures = _interval(losses, norms, training) | gradients | _section("validation", scores)
    yield Measured(spec.signature, step, figures)
    if not progress.stops_early(training) and step in _probe_steps(spec):
        yield from _profile(spec, compiled, validation, step, "during", watch)


def _profile(
    spec: RunSpec, compiled: CompiledNetwork, validation: Batch, step: int, phase: str, watch: Stopwatch
) -> Generator[Event, None, dict[str, float]]:
    """Yield the profile at the network's weights, what is read off it, and the other diagnostics.

    Returns the figures of h.
    """
    inputs, targets = validation
    batch = inputs[: spec.gradients.examples], targets[: spec.gradients.examples]
    with watch.part("probes"):
        compiled.probe.load(compiled.network.get_weights())
        profile = compiled.probe.profile(spec.task.layout, batch)
        others = compiled.diagnostics.measure(batch[0])
    yield Profiled(spec.signature, step, phase, profile.columns())
    figures: dict[str, float] = {}
    for state in profile.norms:
        section = "gradient_profile" if state == "h" else f"gradient_profile_{state}"
        figures |= _section(section, profile.summary(state))
    yield Measured(spec.signature, step, figures | others)
    return profile.summary("h")


def _outcome(task: Task, progress: _Progress, scores: dict[str, float]) -> dict[str, float]:
    """What a run comes to, from its test scores: metrics of `Finished` and `Diverged`."""
    score = scores[task.score_name]
    outcome = {"score": score, "skill": task.skill(score), "steps": progress.step, "best_step": progress.best_step}
    solved = task.solves(score)
    if solved is not None:
        solved = solved and not progress.diverged
        outcome["solved"] = float(solved)
    if solved and progress.solved_at is not None:
        outcome["steps_to_solve"] = progress.solved_at
    return outcome | _section("test", scores)


def _probe_steps(spec: RunSpec) -> set[int]:
    evaluations = math.ceil(spec.training.steps / spec.training.evaluate_every)
    parts = spec.gradients.during + 1
    return {round(part * evaluations / parts) * spec.training.evaluate_every for part in range(1, parts)}


def _interval(losses: np.ndarray, norms: np.ndarray, training: Training) -> dict[str, float]:
    """Training figures of one interval; norms are those before clipping (Pascanu et al. 2013, section 3.2)."""
    clip = training.global_clipnorm
    return {
        "train/loss": float(losses.mean()),
        "gradient_norm/median": float(np.median(norms)),
        "gradient_norm/p95": float(np.quantile(norms, 0.95)),
        "gradient_norm/max": float(norms.max()),
        "gradient_norm/clipped": float(np.mean(norms > clip)) if clip is not None else 0.0,
    }


def _section(name: str, metrics: dict[str, float]) -> dict[str, float]:
    return {f"{name}/{key}": value for key, value in metrics.items()}


def _data(task: Task, test: Batch) -> dict[str, str]:
    digest = hashlib.sha256(test[0].tobytes() + test[1].tobytes()).hexdigest()[:16]
    return {"name": type(task).__name__, "source": task.data_source, "digest": digest}


@lru_cache
def versions() -> dict[str, str]:
    """What the last bits of a run depend on, beside the machine."""
    return {
        "rnnbench": rnnbench.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


@lru_cache
def _environment() -> dict[str, str]:
    gpus = tf.config.list_physical_devices("GPU")
    return {
        "python": sys.version.split()[0],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "device": f"{len(gpus)} GPU" if gpus else "CPU",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {processor()}",
    }

"""One run: a RunSpec goes in, a stream of events comes out. Knows neither MLflow nor where it is executed."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnbench import environment
from rnnbench.events import Diverged, Event, Finished, Measured, Profiled, Started, Warned
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.settings import Training
from rnnbench.tasks.base import Batch, Task
from rnnbench.training.network import build
from rnnbench.training.probes.tapped_states import hold_the_past
from rnnbench.training.program import CompiledNetwork, compiled_network
from rnnbench.training.saving import saved
from rnnbench.training.session import set_keras
from rnnbench.training.snapshot import Snapshot
from rnnbench.training.stopwatch import Stopwatch

SAVING_SHARE = 0.01
"""Share of a run's time that its checkpoints may take."""
FIRST_SAVE = 1.0
"""Seconds until a run's first checkpoint."""
_UNSOUND = (
    "its gradient profile is unsound: the states that the probe taps do not hold all that the network knows of the "
    "past (see `rnnbench validate`)"
)


def configure(threads: int) -> bool:
    """Set the process up: `threads` intra-op threads, one inter-op, deterministic kernels, Keras in float32.

    False where the threads could not be set, because TensorFlow was in use before and has others.
    """
    tf.config.experimental.enable_op_determinism()
    set_keras()
    setting = tf.config.threading
    try:
        setting.set_intra_op_parallelism_threads(threads)
        setting.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        return False
    return True


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
        if self.best_step < 0 or self._surpassed(task, score, loss):
            self.best_step, self.best_score, self.best_loss = step, score, loss
            self.best_weights = network.get_weights()
        solved = math.isfinite(score) and bool(task.solves(score))
        self.solved_twice = solved and self.solved_at is not None
        if not solved:
            self.solved_at = None
        elif self.solved_at is None:
            self.solved_at = step

    def _surpassed(self, task: Task, score: float, loss: float) -> bool:
        """Whether these figures are better than the best: what is not finite is worse than every number."""
        known, best_known = math.isfinite(score), math.isfinite(self.best_score)
        if known and best_known:
            tied = score == self.best_score
            better = task.better(score, self.best_score)
        else:
            tied = known == best_known
            better = known
        return better or (tied and math.isfinite(loss) and not self.best_loss <= loss)

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
                self._save(Snapshot(seconds, progress.figures(), environment.versions(), tuple(self.said), arrays))
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
        levels = {} if snapshot else _levels(task, validation, test)
        compiled = compiled_network(spec.compile_key)
    with watch.part("compilation"):
        compiled.compile_for(task, spec.training, validation, spec.gradients.examples)
    if snapshot is None:
        progress = _Progress()
        with watch.part("preparation"):
            compiled.reset(build(task, spec.model, spec.seed), spec.training.learning_rate)
        parameters = compiled.network.count_params()
        started = Started(spec.signature, parameters, levels, _data(task, test), _environment())
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
    summary = yield from _profile(spec, compiled, validation, _final_step(spec, progress), "final", watch)
    with watch.part("evaluation"):
        scores = compiled.scores(task, test)
    if spec.log_model:
        with watch.part("saving"):
            kept = saved(spec, progress.best_weights, environment.versions())
        yield kept
    yield from _undefined(spec, progress, scores[task.score_name])
    ending = Diverged if progress.diverged else Finished
    metrics = summary | _outcome(task, progress, scores) | watch.readings()
    yield ending(spec.signature, progress.step, metrics)


def _levels(task: Task, validation: Batch, test: Batch) -> dict[str, float]:
    """The task's levels. Raises `UserError` for data on which no run could be trained or judged."""
    task.check_batch(validation, "the validation split")
    task.check_batch(test, "the test split")
    task.skill(task.perfect)
    return task.levels()


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
    if start == 0:
        task.check_batch(task.train_batch(spec.seed, 0, training.batch_size), "the training batch of step 0")
    step = min(start + training.evaluate_every, training.steps)
    with watch.part("training"):
        losses, norms = compiled.fit(task, spec.seed, training, start, step)
    finite = np.isfinite(losses) & np.isfinite(norms)
    if not finite.all():
        progress.step, progress.diverged = start + int(np.argmin(finite)), True
        batch = task.train_batch(spec.seed, progress.step, training.batch_size)
        task.check_batch(batch, f"the training batch of step {progress.step}")
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

    Returns the figures of h. At the two ends of a run a profile that does not hold all that flows back is marked so,
    by `gradient_profile/sound` 0; one that does carries no mark.
    """
    inputs, targets = validation
    batch = inputs[: spec.gradients.examples], targets[: spec.gradients.examples]
    with watch.part("probes"):
        compiled.probe.load(compiled.network.get_weights())
        profile = compiled.probe.profile(spec.task.layout, batch)
        others = compiled.diagnostics.measure(batch[0])
        sound = phase == "during" or hold_the_past(compiled.network, batch[0])
    yield Profiled(spec.signature, step, phase, profile.columns())
    figures: dict[str, float] = {} if sound else {"gradient_profile/sound": 0.0}
    for state in profile.norms:
        section = "gradient_profile" if state == "h" else f"gradient_profile_{state}"
        figures |= _section(section, profile.summary(state))
    yield Measured(spec.signature, step, figures | others)
    if not sound and phase == "initial":
        yield Warned(spec.signature, _UNSOUND)
    return profile.summary("h")


def _outcome(task: Task, progress: _Progress, scores: dict[str, float]) -> dict[str, float]:
    """What a run comes to, from its test scores: metrics of `Finished` and `Diverged`."""
    score = scores[task.score_name]
    outcome = {"score": score, "skill": task.skill(score), "steps": progress.step, "best_step": progress.best_step}
    solved = task.solves(score)
    if solved is not None:
        solved = solved and math.isfinite(score) and not progress.diverged
        outcome["solved"] = float(solved)
    if solved and progress.solved_at is not None:
        outcome["steps_to_solve"] = progress.solved_at
    return outcome | _section("test", scores)


def _final_step(spec: RunSpec, progress: _Progress) -> int:
    """Where the last diagnostics stand: at the step that was reached.

    A run that diverged in the very step after a probe has reached no further than that. A metric has one value a step,
    so they stand at the step that failed.
    """
    probed = progress.step == 0 or progress.step in _probe_steps(spec)
    return progress.step + 1 if progress.diverged and probed else progress.step


def _undefined(spec: RunSpec, progress: _Progress, score: float) -> Iterator[Event]:
    """Say which scores were no finite numbers, and what that means for the run."""
    name = spec.task.score_name
    if not math.isfinite(progress.best_score):
        how = f"the least validation loss (step {progress.best_step})"
        yield Warned(spec.signature, f"{name} was undefined at every evaluation: tested are the weights of {how}")
    if not math.isfinite(score):
        yield Warned(spec.signature, f"{name} is undefined on the test split: the run has no score and solves nothing")


def _probe_steps(spec: RunSpec) -> set[int]:
    evaluations = math.ceil(spec.training.steps / spec.training.evaluate_every)
    # From twice the evaluations on it is every one of them.
    parts = min(spec.gradients.during, 2 * evaluations) + 1
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


@cache
def _environment() -> dict[str, str]:
    gpus = tf.config.list_physical_devices("GPU")
    packages = {name: version for name, version in environment.versions().items() if name != "rnnbench"}
    device = f"{len(gpus)} GPU" if gpus else "CPU"
    return {"python": environment.python(), **packages, "device": device, "machine": environment.machine()}

"""The stages of a run, in their order: prepare, begin or resume, train until the next evaluation, conclude."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterable, Iterator
from functools import cache, cached_property, partial

import numpy as np
import tensorflow as tf

from rnnbench import environment
from rnnbench.errors import UserError
from rnnbench.events import Answered, Diverged, Event, Finished, Measured, Profiled, Scored, Started, Warned
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.settings import probe_steps
from rnnbench.showing.answers import Answers, shows_examples
from rnnbench.tasks.base import Split, Task
from rnnbench.tasks.metric import Estimate
from rnnbench.tasks.stream import Stream, chunks, joined
from rnnbench.training import lag_curve, metrics, readout
from rnnbench.training.generation import NetworkReader
from rnnbench.training.network import build
from rnnbench.training.probes.profile import GradientProfile
from rnnbench.training.probes.tapped_states import hold_the_past
from rnnbench.training.program import EVALUATION_BATCH, Program, program_for
from rnnbench.training.progress import Progress
from rnnbench.training.readout import Reading
from rnnbench.training.saving import saved
from rnnbench.training.snapshot import Snapshot
from rnnbench.training.stopwatch import Stopwatch

_SPLITS: tuple[Split, ...] = ("validation", "test")
_KEPT_BYTES = 2**28
"""Most bytes of a split that stay in memory between two evaluations."""
_UNSOUND = (
    "its gradient profile is unsound: the states that the probe taps do not hold all that the network knows of the "
    "past (see `rnnbench validate`)"
)


class RunInProgress:
    """A run in progress: its data, its program and what it has reached."""

    program: Program
    probed: Stream
    """The probe batch: the first validation examples."""
    levels: dict[str, float]

    def __init__(self, spec: RunSpec, stopwatch: Stopwatch) -> None:
        self.spec, self.task, self.stopwatch = spec, spec.task, stopwatch
        self.progress = Progress()

    def prepare(self, resumed: bool) -> None:
        """Read the data and have the program compiled.

        Raises `UserError` for data on which no run could be trained or judged; a resumed run's were judged before.
        """
        spec, task = self.spec, self.task
        with self.stopwatch.part("preparation"):
            self._splits = {name: _Kept(task, name) for name in _SPLITS}
            self.levels = {} if resumed else _levels(task, self._splits)
            evaluated = next(chunks(self._splits["validation"].streams(), EVALUATION_BATCH))
            self.probed = _first(self._splits["validation"], spec.gradients.examples)
            self.program = program_for(spec.compile_key)
        with self.stopwatch.part("compilation"):
            if not self.program.take_up(task, spec.training):
                compiled = partial(self.program.compile_for, task, spec.training, evaluated, self.probed)
                self.program.making.compiled(compiled)

    def begin(self) -> Iterator[Event]:
        """Measure the frozen level, then evaluate and probe the untrained network.

        With `trainable: readout` that network has the frozen level's head. Raises `UserError` where there is none.
        """
        spec, network = self.spec, self.program.network
        with self.stopwatch.part("preparation"):
            self.program.reset(build(self.task, spec.model, spec.seed), spec.training.learning_rate)
        with self.stopwatch.part("probes"):
            if self._frozen:
                self._check_training_batch(0)
            readings = self._read_states()
            self.levels |= self._frozen_level(*readings)
        parameters = network.get_layer("head").count_params() if self._frozen else network.count_params()
        yield Started(spec.signature, parameters, self.levels, _data(self.task, self._splits["test"]), _environment())
        yield Measured(spec.signature, 0, self._evaluate(0))
        yield from self._probe(0, "initial", readings)

    def resume(self, snapshot: Snapshot) -> None:
        """Take up the state of a run that was interrupted."""
        self.progress = Progress(**snapshot.progress, best_weights=snapshot.arrays["best"])
        self.program.restore(snapshot.arrays, self.spec.training.learning_rate)

    @property
    def trained(self) -> bool:
        """Whether no training is left to do."""
        return self._frozen or self.progress.complete(self.spec.training)

    def train_until_evaluation(self) -> Iterator[Event]:
        """Train until the next evaluation, evaluate, and probe if it is time for that.

        Where the outcome is settled, what is measured is the training alone.
        """
        spec, training, start = self.spec, self.spec.training, self.progress.step
        if start == 0:
            self._check_training_batch(0)
        step = min(start + training.evaluate_every, training.steps)
        with self.stopwatch.part("training"):
            losses, norms = self.program.fit(self.task, spec.seed, training, start, step)
        finite = np.isfinite(losses) & np.isfinite(norms)
        if not finite.all() and self.progress.settled:
            self.progress.halted = True
            return
        if not finite.all():
            self.progress.step, self.progress.diverged = start + int(np.argmin(finite)), True
            self._check_training_batch(self.progress.step)
            return
        if self.progress.settled:
            self.progress.step, scores = step, {}
        else:
            scores = self._evaluate(step)
        of_weights = metrics.section("gradient_norm", self.program.weight_norms(step - start))
        of_interval = metrics.of_interval(losses, norms, training.global_clipnorm)
        yield Measured(spec.signature, step, of_interval | of_weights | scores)
        if step in self._probe_steps:
            yield from self._probe(step, "during")

    def conclude(self) -> Iterator[Event]:
        """Probe, test and save the network at its best weights on the validation split."""
        spec, progress, task = self.spec, self.progress, self.task
        self.program.network.set_weights(progress.best_weights)
        with self.stopwatch.part("probes"):
            readings = self._read_states()
        profile = yield from self._probe(self._final_step, "final", readings)
        each: list[np.ndarray] = []
        answers = Answers(task)
        with self.stopwatch.part("evaluation"):
            scores = self.program.scores(task, self._splits["test"].streams(), each=each, told=answers.update)
        if each:
            yield Scored(spec.signature, np.concatenate(each).tolist())
        yield from self._say(answers)
        examples = sum(stream.examples for stream in self._splits["test"].streams())
        own = metrics.over_distinct(task, scores[task.score.name], examples)
        outcome = metrics.of_ending(task, progress, scores | {task.score.name: own})
        elsewhere = yield from self._test_elsewhere(scores, bool(outcome["solved"]), examples)
        if spec.log_model:
            with self.stopwatch.part("saving"):
                kept = saved(spec, progress.best_weights, environment.versions())
            yield kept
        yield from self._warn_of_undefined(scores[task.score.name].value)
        ending = Diverged if progress.diverged else Finished
        yield ending(
            spec.signature,
            progress.outcome_step,
            profile.summary() | outcome | elsewhere | self.stopwatch.readings(),
        )

    def _test_elsewhere(
        self, own: dict[str, Estimate], solved: bool, examples: int
    ) -> Generator[Event, None, dict[str, float]]:
        """Yield the tests at other lags and behind other leads; return what they come to."""
        spec, task, program, name = self.spec, self.task, self.program, self.task.score.name
        at_once = next(chunks(self._splits["test"].streams(), EVALUATION_BATCH)).examples
        self._compile_for_tests(at_once)

        def evaluate(streams: Iterable[Stream]) -> dict[str, Estimate]:
            return program.scores(task, streams, at_once)

        with self.stopwatch.part("lag_curve"):
            curve = dict(lag_curve.lag_curve(task, spec.tested_lags, own, evaluate, examples))
            shift = dict(lag_curve.start_shift(task, evaluate))
            unmarked = lag_curve.without_marker(task, evaluate)
        for lag, found in curve.items():
            found["solved"] *= not self.progress.diverged
            yield Measured(spec.signature, lag, metrics.section("lag_curve", found))
        for lead, score in shift.items():
            yield Measured(spec.signature, lead, {f"start_shift/{name}": score})
        no_marker = {} if unmarked is None else {f"no_marker/{name}": unmarked}
        return lag_curve.outcome(task, solved, curve, shift) | no_marker

    def _compile_for_tests(self, at_once: int) -> None:
        """Have the program compiled for the streams of the tests where they are longer than its own."""
        lags, task = self.spec.tested_lags, self.task
        with self.stopwatch.part("compilation"):
            if not self.program.compiled_for_tests(lag_curve.longest_tested(task, lags), task):
                stream = next(iter(self._splits["test"].streams()))
                self.program.making.compiled(partial(self.program.compile_for_tests, stream, at_once))

    def _frozen_level(self, trained: Reading, chosen_on: Reading) -> dict[str, float]:
        """The level `frozen`: the test score of the network as it is, with a ridge regression in place of its head.

        Empty where the task's targets are of no kind that a line can answer with.
        """
        task, head = self.task, self.program.network.get_layer("head")
        line = readout.readout(task, trained, chosen_on)
        if line is None:
            if self._frozen:
                why = (
                    f"the targets of {type(task).__name__} are neither classes nor as many numbers as the network "
                    "answers with"
                    if task.least_squares
                    else f"least squares give no answers in the terms of {task.score.name}"
                )
                raise UserError(f"trainable: readout is not possible: {why}")
            return {}
        untrained = head.get_weights()
        head.set_weights([line.weights, line.bias])
        score = self.program.scores(task, self._splits["test"].streams())[task.score.name].value
        if not self._frozen:
            head.set_weights(untrained)
        return {"frozen": score}

    def _read_states(self) -> tuple[Reading, Reading]:
        """Of the training and validation examples on which readouts are fitted and chosen, at the weights of now."""
        trained = readout.training_streams(self.task, self.spec.seed, self.spec.training.batch_size)
        chosen_on = readout.first_of(self._splits["validation"].streams(), EVALUATION_BATCH)
        return readout.reading(self.task, self.program.states, trained), readout.reading(
            self.task, self.program.states, chosen_on
        )

    @property
    def _frozen(self) -> bool:
        """Whether nothing is trained by gradient descent."""
        return self.spec.model.trainable == "readout"

    def _evaluate(self, step: int) -> dict[str, float]:
        """The metrics of the validation split."""
        with self.stopwatch.part("evaluation"):
            scores = self.program.scores(self.task, self._splits["validation"].streams())
        weights = self.program.network.get_weights
        self.progress.evaluated(self.task, self.spec.training, step, scores, weights)
        return metrics.section("validation", metrics.values(scores))

    def _probe(
        self, step: int, phase: str, readings: tuple[Reading, Reading] | None = None
    ) -> Generator[Event, None, GradientProfile]:
        """Yield the profile at the network's weights, and the metrics of all probes; return the profile.

        At both ends of a run, where there are `readings` of the states, it is measured what can be read from them, and
        a profile that misses some of what flows back is marked `gradient_profile/sound` 0.
        """
        spec, program, task = self.spec, self.program, self.task
        with self.stopwatch.part("probes"):
            program.probe.load(program.network.get_weights())
            profile = program.probe.profile(task.layout, self.probed)
            others = program.diagnostics.measure(self.probed)
            others |= metrics.section("gradient_share", program.evidence_share.measure(self.probed, task.layout))
            sound = readings is None or hold_the_past(program.network, self.probed)
            read = readout.readable(task, *readings) if readings else {}
        yield Profiled(spec.signature, step, phase, profile.columns())
        for distance, score in read.items():
            yield Measured(spec.signature, distance, {f"readable_{phase}/{task.score.name}": score})
        if not (self._frozen and phase == "final"):  # Nothing has changed, and it stands at step 0 already.
            yield Measured(spec.signature, step, metrics.of_profile(profile, sound) | others)
        if not sound and phase == "initial":
            yield Warned(spec.signature, _UNSOUND)
        return profile

    @cached_property
    def _probe_steps(self) -> set[int]:
        """Steps of the probes along the way."""
        return set(probe_steps(self.spec.training))

    @property
    def _final_step(self) -> int:
        """The step of the last diagnostics: the one that was reached, or the next if that has some already.

        A metric has one value a step. The weights that are tested may be others than those of a probe at the last step,
        and a run that diverged in the very step after a probe has reached no further than that.
        """
        step = self.progress.step
        if self._frozen:
            return step
        return step + 1 if step == 0 or step in self._probe_steps else step

    def _check_training_batch(self, step: int) -> None:
        """Raise `UserError` if the batch of `step` is one on which nobody could train."""
        task = self.task.at_lag(self.task.training_lag(self.spec.seed, step))
        batch = task.train_batch(self.spec.seed, step, self.spec.training.batch_size)
        task.check_stream(batch, f"the training batch of step {step}")

    def _say(self, answers: Answers) -> Iterator[Event]:
        """Some answers of the tested network; that there are none because a plug-in fails ends nothing."""
        with self.stopwatch.part("evaluation"):
            found = answers.result()
            if found is not None and shows_examples(self.task):
                found |= self._sample(answers)
        if found is not None:
            yield Answered(self.spec.signature, found)
        if answers.reason:
            yield Warned(self.spec.signature, f"predictions are left out: {answers.reason}")

    def _sample(self, answers: Answers) -> dict[str, str]:
        """Text that the tested network writes, of a task that has some."""
        if type(self.task).sample is Task.sample:
            return {}
        try:
            written = self.task.sample(NetworkReader(self.program.network, self.task.layout.length))
        except Exception as error:  # of a plug-in, which must not end the run
            answers.reason = f"{type(error).__name__}: {error}"
            return {}
        return {} if written is None else {"sample": written}

    def _warn_of_undefined(self, score: float) -> Iterator[Event]:
        """Say which scores were not finite, and what that means for the run."""
        signature, name = self.spec.signature, self.task.score.name
        if not math.isfinite(self.progress.best_score):
            how = f"the weights of the least validation loss (step {self.progress.best_step}) are tested"
            yield Warned(signature, f"{name} was undefined at every evaluation: {how}")
        if not math.isfinite(score):
            yield Warned(signature, f"{name} is undefined on the test split: the run has no score and is not solved")


class _Kept:
    """A split, kept in memory if it is small, and otherwise drawn anew each time."""

    def __init__(self, task: Task, name: Split) -> None:
        self._task, self.name = task, name
        self._kept: list[Stream] | None = []
        size = 0
        for stream in task.streams(name):
            size += sum(part.nbytes for part in stream.parts.values())
            if size > _KEPT_BYTES:
                self._kept = None
                break
            self._kept.append(stream)

    def streams(self) -> Iterator[Stream]:
        yield from self._task.streams(self.name) if self._kept is None else self._kept


def _first(split: _Kept, examples: int) -> Stream:
    """The first examples of a split that are of one length."""
    found: list[Stream] = []
    for stream in split.streams():
        if found and (stream.steps != found[0].steps or sum(one.examples for one in found) >= examples):
            break
        found.append(stream.rows(slice(examples)))
    return joined(found).rows(slice(examples))


def _levels(task: Task, splits: dict[Split, _Kept]) -> dict[str, float]:
    """The task's levels. Raises `UserError` for data on which no run could be trained or judged."""
    for name in splits:
        empty = True
        for stream in task.split(name):
            task.check_stream(stream, f"the {name} split")
            empty = False
        if empty:
            raise UserError(f"the {name} split is empty")
    return task.levels()


def _data(task: Task, test: _Kept) -> dict[str, str]:
    digest = hashlib.sha256()
    for stream in test.streams():
        for part in stream.parts.values():
            digest.update(np.ascontiguousarray(part).tobytes())
    return {"name": type(task).__name__, "source": task.data_source, "digest": digest.hexdigest()[:16]}


@cache
def _environment() -> dict[str, str]:
    gpus = tf.config.list_physical_devices("GPU")
    packages = {name: version for name, version in environment.versions().items() if name != "rnnbench"}
    device = f"{len(gpus)} GPU" if gpus else "CPU"
    return {"python": environment.python(), **packages, "device": device, "machine": environment.machine()}

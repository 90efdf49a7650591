"""Estimates of how long runs take: guessed from their sizes, and corrected by the times of earlier runs."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeVar

from rnnbench.experiment.run_spec import RunSpec
from rnnbench.experiment.settings import Implementation, probe_steps
from rnnbench.tasks.lag_curve import shown_leads
from rnnbench.training.buffers import buffer_of

Key = TypeVar("Key", bound=Hashable)

# Fitted on one core of a 2-core server; on other machines the proportions are similar.
START_SECONDS = 20.0
"""For importing TensorFlow in the workers, and for the report at the end."""
READING_SECONDS = 15.0
"""For reading real data and computing their features, which are then cached."""
_GENERATED = ("generated", "synthetic")
_SECONDS_PER_RUN = 0.05
_SECONDS_PER_STEP = 1e-3
_SECONDS_PER_EVALUATION = 8e-4
_SECONDS_PER_PROBE = 5e-3
_SECONDS_PER_TIME_STEP = {"stock": 3e-5, "fast": 4e-6}
_SECONDS_PER_GATE = {"stock": 2.5e-5, "fast": 2.2e-6}
_FLOPS_PER_SECOND = {"stock": 6e10, "fast": 5.5e10}
_COMPILATION = {"stock": 1.0, "fast": 1.6}
_COMPILATION_PER_GATE = 0.25
_SECONDS_PER_EMBEDDED = 1.2e-8
"""For each weight of an embedding in a training step: the optimizer moves them all, however few tokens were read."""
_SPEED_OF_A_SHARD = 0.3
"""How much faster a run gets by each further shard, on a core of its own; two shards took 0 to 0.7."""
SHARDED_FROM = 5e-3
"""Seconds of a training step below which shards gain little."""
_FORWARD = 1 / 3
"""Cost of a forward pass, as a share of a training step."""
_PROBE = 6
"""Cost of a probe in training steps: it is in float64, with spectra and saturation."""
_EVALUATION_BATCH = 200
"""Examples per evaluation batch."""
_UNKNOWN_SPLIT = 1000
_READINGS = 2
"""How often states are read for readouts: at either end of a run."""
_READ_BATCHES = 10
"""Batches of a reading, in the stock loop: see `training.readout.EXAMPLES`."""
# Workers were observed to use between 0.75 and 1.2 GB.
_BYTES_PER_WORKER = 1e9
_COPIES = 4
_WEIGHTS = 8
"""Copies of an embedding: with its gradient, Adam's two moments, the best so far, and the probe's in float64."""
_MINIMUM_COMPILATION = 0.2
"""Below this share of the guess, a run is assumed to have found its network compiled already."""


@dataclass(frozen=True)
class PastRun:
    """A completed run and its times."""

    spec: RunSpec
    steps: int
    """Training steps done: fewer than its budget if it was solved or diverged."""
    seconds: Mapping[str, float]
    """Seconds by part: `training`, `evaluation`, `probes`, `lag_curve`, `compilation` and `rest`."""


def guess(spec: RunSpec, steps: float | None = None) -> dict[str, float]:
    """Guess the seconds that each part of a run takes on a core for each shard, for `steps` steps (default: all).

    The parts are `training`, `evaluation`, `probes`, `lag_curve` and `rest`; accurate to about a factor of two. Without
    compilation.
    """
    training, layers = spec.training, spec.model.layers
    # Lags and leads are taken for uniform: `log` draws shorter lags.
    evaluated = (spec.task.layout.length + spec.task.longest_stream) / 2
    trained = evaluated - (spec.task.lag - spec.task.shortest_lag) / 2
    frozen = spec.model.trainable == "readout"
    steps = 0 if frozen else training.steps if steps is None else steps
    evaluations = math.ceil(steps / training.evaluate_every)
    validation, test = (math.ceil(size / _EVALUATION_BATCH) for size in _split_sizes(spec))
    # The test split is evaluated for the frozen level, too.
    evaluation_batches = (1 + evaluations) * validation + 2 * test
    evaluation_step = _time_step(spec, _EVALUATION_BATCH)
    probes = 2 + (0 if frozen else len(probe_steps(training)))
    speed = 1 + _SPEED_OF_A_SHARD * (training.shards - 1)
    step = layers * trained * _time_step(spec, training.batch_size) / speed
    embedded = _SECONDS_PER_EMBEDDED * spec.task.ports.vocabulary * spec.task.ports.embedding
    per_step = layers * _FORWARD * evaluation_step / speed
    forward = evaluated * per_step
    reading = _READINGS * _READ_BATCHES * layers * evaluated * _FORWARD * _time_step(spec, _EVALUATION_BATCH, "stock")
    tests = _tested_lengths(spec)
    return {
        "training": steps * (_SECONDS_PER_STEP + embedded + step),
        "evaluation": evaluation_batches * (_SECONDS_PER_EVALUATION + forward),
        "probes": reading
        + probes * (_SECONDS_PER_PROBE + layers * evaluated * _PROBE * _time_step(spec, _probed(spec))),
        "lag_curve": test * sum(_SECONDS_PER_EVALUATION + per_step * length for length in tests),
        "rest": _SECONDS_PER_RUN,
    }


def _tested_lengths(spec: RunSpec) -> list[float]:
    """Steps of the streams of each test at another lag or behind other leads."""
    task = spec.task
    lead = (task.longest_stream - task.layout.length) / 2
    lags = (task.layout.length - task.lag + lag + lead for lag in spec.tested_lags if lag != task.lag)
    return [*lags, *(float(task.layout.length + shown) for shown in shown_leads(task.lag))]


def compilation(spec: RunSpec) -> float:
    """Seconds for a worker to compile the network of a run in its buffer, once for all runs that share it."""
    one_layer = _COMPILATION[spec.training.implementation] + _COMPILATION_PER_GATE * spec.model.kernel_blocks
    return (1 + spec.model.layers) / 2 * one_layer


def seconds(spec: RunSpec) -> float:
    """Seconds on one core if the run uses its whole budget and compiles its network; for comparing runs."""
    return sum(guess(spec).values()) + compilation(spec)


def worthwhile_shards(specs: Sequence[RunSpec], runs: int, cores: int) -> int:
    """In how many shards these specs, of which `runs` will be done, would make use of all cores; 1: no more than now.

    None where there are as many runs as cores, which need no shards, and where training steps are short.
    """
    if not 0 < runs < cores or any(spec.training.shards > 1 for spec in specs):
        return 1
    if max(guess(spec)["training"] / spec.training.steps for spec in specs) < SHARDED_FROM:
        return 1
    fitting = range(cores // runs, 1, -1)
    return next((k for k in fitting if all(spec.training.batch_size % k == 0 for spec in specs)), 1)


class Estimate:
    """The expected times of some runs, given those of earlier ones.

    Each part of a run (see `guess`) is corrected by the median of measured / guessed over the earlier runs of the same
    kind (task, length, network and batch), or if there are none, over all earlier runs, which reflects the speed of the
    machine. A run is assumed to use the mean share of its budget that its other seeds used, or else all of it.
    """

    def __init__(self, specs: Iterable[RunSpec], past: Sequence[PastRun] = ()) -> None:
        self.past = len(past)
        """Number of earlier runs that it is based on."""
        self._sharing = Counter(_program(spec) for spec in specs)
        self._ratios = _medians(past)
        shares = _grouped((_point(run.spec), run.steps / run.spec.training.steps) for run in past)
        self._shares = {point: fmean(found) for point, found in shares.items()}
        self._kinds = {_kind(run.spec) for run in past}
        self._read = {_data(run.spec) for run in past}

    def knows(self, spec: RunSpec) -> bool:
        """Whether the earlier runs include one of the same kind."""
        return _kind(spec) in self._kinds

    def seconds(self, spec: RunSpec, whole_budget: bool = False) -> float:
        """Seconds of one run on a core for each shard, with its share of a compilation that several runs use.

        `whole_budget`: assume that it does not stop early.
        """
        steps = spec.training.steps * (1 if whole_budget else self._shares.get(_point(spec), 1))
        parts = guess(spec, steps) | {"compilation": compilation(spec) / self._sharing[_program(spec)]}
        return sum(self._ratio(part, spec) * value for part, value in parts.items())

    def total(self, weights: Mapping[RunSpec, float], workers: int) -> float:
        """Seconds of a grid with so many workers, from start to report. A weight is the share of a run still to do."""
        took = {spec: self.seconds(spec) for spec in weights}
        work = sum(weight * took[spec] for spec, weight in weights.items())
        first_read = [
            source for _, source in {_data(spec) for spec in weights} - self._read if source not in _GENERATED
        ]
        before = START_SECONDS + READING_SECONDS * len(first_read)
        # No number of workers makes a grid shorter than its longest run.
        return before * self._ratios.get(("compilation", None), 1.0) + max([work / workers, *took.values()])

    def _ratio(self, part: str, spec: RunSpec) -> float:
        of_machine = self._ratios.get((part, None), 1.0)
        return self._ratios.get((part, _kind(spec)), of_machine)


def _medians(past: Iterable[PastRun]) -> dict[tuple[str, Hashable], float]:
    """Median of measured / guessed by part and kind; kind None covers all runs."""
    ratios: list[tuple[tuple[str, Hashable], float]] = []
    for run in past:
        parts = guess(run.spec, run.steps) | {"compilation": compilation(run.spec)}
        for part, guessed in parts.items():
            ratio = run.seconds.get(part, math.nan) / guessed
            if math.isnan(ratio) or (part == "compilation" and ratio < _MINIMUM_COMPILATION):
                continue
            ratios += [((part, _kind(run.spec)), ratio), ((part, None), ratio)]
    return {key: median(found) for key, found in _grouped(ratios).items()}


def _grouped(pairs: Iterable[tuple[Key, float]]) -> dict[Key, list[float]]:
    groups: dict[Key, list[float]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _kind(spec: RunSpec) -> Hashable:
    """Everything that the time of a step depends on."""
    task, training = spec.task, spec.training
    sizes = task.layout, task.ports, task.outputs
    return type(task), *sizes, spec.model.architecture, training.batch_size, training.implementation, training.shards


def _data(spec: RunSpec) -> tuple[type, str]:
    return type(spec.task), spec.task.data_source


def _point(spec: RunSpec) -> Hashable:
    """Everything but the seed."""
    return spec.task, spec.model, spec.training


def _program(spec: RunSpec) -> Hashable:
    """What is compiled once: XLA, which the fast layers use, compiles each length of a buffer."""
    return spec.compile_key, buffer_of(spec.task) if spec.training.implementation == "fast" else None


def _time_step(spec: RunSpec, batch: int, implementation: Implementation | None = None) -> float:
    """Seconds that a layer takes for one time step of a batch, forward and backward.

    `implementation`: default that of the run.
    """
    inputs, units = spec.task.ports.width, spec.model.units
    implementation = implementation or spec.training.implementation
    # Two operations per weight in the forward pass, and twice as many in the backward pass.
    flops = 6 * batch * (inputs + units) * units * spec.model.kernel_blocks
    return (
        _SECONDS_PER_TIME_STEP[implementation]
        + _SECONDS_PER_GATE[implementation] * spec.model.kernel_blocks
        + flops / _FLOPS_PER_SECOND[implementation]
    )


def worker_bytes(spec: RunSpec) -> int:
    """Memory that a worker needs for this run, bytes; accurate to about a factor of two."""
    task, model, length = spec.task, spec.model, spec.task.layout.length
    state = model.kept_values(length)
    training_step = spec.training.batch_size * length * (task.ports.width + state) * 4 * _COPIES
    probe = _probed(spec) * length * (task.ports.width + state) * 8 * _COPIES
    ports = task.ports
    splits = sum(_split_sizes(spec)) * length * (ports.features + bool(ports.vocabulary)) * 4
    embedding = ports.vocabulary * ports.embedding * 4 * _WEIGHTS
    return int(_BYTES_PER_WORKER + training_step + probe + splits + embedding)


def _split_sizes(spec: RunSpec) -> tuple[int, int]:
    """Numbers of examples in the validation and test splits."""
    sizes = spec.task.split_sizes()
    return sizes.get("validation", _UNKNOWN_SPLIT), sizes.get("test", _UNKNOWN_SPLIT)


def _probed(spec: RunSpec) -> int:
    return min(spec.gradients.examples, _split_sizes(spec)[0])

"""How long runs may take: guessed from their sizes, and corrected by what runs of a store took. Imports no MLflow."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeVar

from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tasks.base import Tokens

Key = TypeVar("Key", bound=Hashable)

# Fitted on one core of a 2-core server; other machines differ, the proportions little.
START_SECONDS = 20.0
"""Until the workers have imported TensorFlow, and for the report at the end."""
READING_SECONDS = 15.0
"""Until real data are read and their features computed, which then are kept."""
_MADE_UP = ("generated", "synthetic")
_SECONDS_A_RUN = 0.05
_SECONDS_A_STEP = 1e-3
_SECONDS_AN_EVALUATION = 8e-4
_SECONDS_A_PROBE = 5e-3
_SECONDS_A_TIME_STEP = {"stock": 3e-5, "fast": 4e-6}
_SECONDS_A_GATE = {"stock": 2.5e-5, "fast": 2.2e-6}
_FLOPS_PER_SECOND = {"stock": 6e10, "fast": 5.5e10}
_COMPILATION = {"stock": 1.0, "fast": 1.6}
_COMPILATION_OF_A_GATE = 0.25
_FORWARD = 1 / 3
"""Share of a training step that the network's answers take."""
_PROBE = 6
"""How many training steps a probe takes: in float64, with spectra and saturation."""
_EVALUATED = 200
"""Examples that are evaluated at once."""
_UNKNOWN_SPLIT = 1000
# Workers were seen to take between 0.75 and 1.2 GB.
_BYTES_A_WORKER = 1e9
_COPIES = 4
_WEIGHTS = 8
"""Copies of an embedding: its gradient, Adam's two moments, the best so far, and the probe's in twice the width."""
_COMPILED = 0.2
"""Share of the guess from which a run is taken to have compiled its network, and not to have found it compiled."""


@dataclass(frozen=True)
class PastRun:
    """A run that is over, and what it took."""

    spec: RunSpec
    steps: int
    """Those that it did: fewer than its budget if it was solved or diverged."""
    seconds: Mapping[str, float]
    """`training`, `evaluation`, `probes`, `compilation`, and `rest`."""


def guess(spec: RunSpec, steps: float | None = None) -> dict[str, float]:
    """Seconds on one core that the parts of a run take, for `steps` steps (default: its budget), without compilation.

    `training`, `evaluation`, `probes` and `rest`; good to about a factor of two.
    """
    training, length = spec.training, spec.task.layout.length * spec.model.layers
    steps = training.steps if steps is None else steps
    evaluations = math.ceil(steps / training.evaluate_every)
    validation, test = (math.ceil(size / _EVALUATED) for size in _split_sizes(spec))
    evaluated = (1 + evaluations) * validation + test
    probes = 2 + min(spec.gradients.during, evaluations)
    return {
        "training": steps * (_SECONDS_A_STEP + length * _time_step(spec, training.batch_size)),
        "evaluation": evaluated * (_SECONDS_AN_EVALUATION + length * _FORWARD * _time_step(spec, _EVALUATED)),
        "probes": probes * (_SECONDS_A_PROBE + length * _PROBE * _time_step(spec, _probed(spec))),
        "rest": _SECONDS_A_RUN,
    }


def compilation(spec: RunSpec) -> float:
    """Seconds until a worker has compiled the network of a run for its length; once for all runs that share it."""
    one_layer = _COMPILATION[spec.training.implementation] + _COMPILATION_OF_A_GATE * spec.model.kernel_blocks
    return (1 + spec.model.layers) / 2 * one_layer


def seconds(spec: RunSpec) -> float:
    """Seconds on one core if the run uses its whole budget and compiles its network: to compare runs by."""
    return sum(guess(spec).values()) + compilation(spec)


class Estimate:
    """What some runs will take, by what earlier ones took.

    Each part of a run (see `guess`) is corrected by the median of measured / guessed over the earlier runs of its kind,
    which are those of the same task, length, network and batch; where there are none, over all earlier runs, which says
    how fast the machine is. A run is taken to need the share of its budget that the other seeds needed, or all of it.
    """

    def __init__(self, specs: Iterable[RunSpec], past: Sequence[PastRun] = ()) -> None:
        self.past = len(past)
        """How many earlier runs it is judged by."""
        self._sharing = Counter(_program(spec) for spec in specs)
        self._ratios = _medians(past)
        shares = _grouped((_point(run.spec), run.steps / run.spec.training.steps) for run in past)
        self._shares = {point: fmean(found) for point, found in shares.items()}
        self._kinds = {_kind(run.spec) for run in past}
        self._read = {_data(run.spec) for run in past}

    def knows(self, spec: RunSpec) -> bool:
        """Whether a run of its kind is among the earlier ones."""
        return _kind(spec) in self._kinds

    def seconds(self, spec: RunSpec, whole_budget: bool = False) -> float:
        """Of one run, with its part of the compilation that it shares with others; on one core.

        `whole_budget`: if it does not stop early.
        """
        steps = spec.training.steps * (1 if whole_budget else self._shares.get(_point(spec), 1))
        parts = guess(spec, steps) | {"compilation": compilation(spec) / self._sharing[_program(spec)]}
        return sum(self._ratio(part, spec) * value for part, value in parts.items())

    def total(self, weights: Mapping[RunSpec, float], workers: int) -> float:
        """Of a grid with so many workers, from their start to the report. A weight is the share of a run to be done."""
        took = {spec: self.seconds(spec) for spec in weights}
        work = sum(weight * took[spec] for spec, weight in weights.items())
        first_read = [source for _, source in {_data(spec) for spec in weights} - self._read if source not in _MADE_UP]
        before = START_SECONDS + READING_SECONDS * len(first_read)
        # The longest run is done by one worker, however many there are.
        return before * self._ratios.get(("compilation", None), 1.0) + max([work / workers, *took.values()])

    def _ratio(self, part: str, spec: RunSpec) -> float:
        of_machine = self._ratios.get((part, None), 1.0)
        return self._ratios.get((part, _kind(spec)), of_machine)


def _medians(past: Iterable[PastRun]) -> dict[tuple[str, Hashable], float]:
    """Measured / guessed by part and kind; the kind None is all of them."""
    ratios: list[tuple[tuple[str, Hashable], float]] = []
    for run in past:
        parts = guess(run.spec, run.steps) | {"compilation": compilation(run.spec)}
        for part, guessed in parts.items():
            ratio = run.seconds.get(part, math.nan) / guessed
            if math.isnan(ratio) or (part == "compilation" and ratio < _COMPILED):
                continue
            ratios += [((part, _kind(run.spec)), ratio), ((part, None), ratio)]
    return {key: median(found) for key, found in _grouped(ratios).items()}


def _grouped(pairs: Iterable[tuple[Key, float]]) -> dict[Key, list[float]]:
    groups: dict[Key, list[float]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _kind(spec: RunSpec) -> Hashable:
    """What the time of a step depends on."""
    task, training = spec.task, spec.training
    sizes = task.layout, task.inputs, task.outputs
    return type(task), *sizes, spec.model.architecture, training.batch_size, training.implementation


def _data(spec: RunSpec) -> tuple[type, str]:
    return type(spec.task), spec.task.data_source


def _point(spec: RunSpec) -> Hashable:
    """All but the seed."""
    return spec.task, spec.model, spec.training


def _program(spec: RunSpec) -> Hashable:
    """What is compiled once: XLA, which the fast layers go by, compiles every length for itself."""
    return spec.compile_key, spec.task.lag if spec.training.implementation == "fast" else None


def _time_step(spec: RunSpec, batch: int) -> float:
    """Seconds that a layer takes for one time step of a batch, forwards and backwards."""
    inputs, units, implementation = spec.task.inputs.width, spec.model.units, spec.training.implementation
    # Two operations a weight, in the forward pass and twice in the backward one.
    flops = 6 * batch * (inputs + units) * units * spec.model.kernel_blocks
    return (
        _SECONDS_A_TIME_STEP[implementation]
        + _SECONDS_A_GATE[implementation] * spec.model.kernel_blocks
        + flops / _FLOPS_PER_SECOND[implementation]
    )


def worker_bytes(spec: RunSpec) -> int:
    """Memory of a worker that does this run, bytes; good to about a factor of two."""
    task, model, length = spec.task, spec.model, spec.task.layout.length
    state = model.units * (model.kernel_blocks + 2) * model.layers
    training_step = spec.training.batch_size * length * (task.inputs.width + state) * 4 * _COPIES
    probe = _probed(spec) * length * (task.inputs.width + state) * 8 * _COPIES
    vocabulary = task.inputs.vocabulary if isinstance(task.inputs, Tokens) else 0
    splits = sum(_split_sizes(spec)) * length * (1 if vocabulary else task.inputs.width) * 4
    embedding = vocabulary * task.inputs.width * 4 * _WEIGHTS
    return int(_BYTES_A_WORKER + training_step + probe + splits + embedding)


def _split_sizes(spec: RunSpec) -> tuple[int, int]:
    """Examples of the validation and of the test split."""
    sizes = spec.task.split_sizes()
    return sizes.get("validation", _UNKNOWN_SPLIT), sizes.get("test", _UNKNOWN_SPLIT)


def _probed(spec: RunSpec) -> int:
    return min(spec.gradients.examples, _split_sizes(spec)[0])

"""The queue of runs: the order in which an executor hands them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, takewhile

from rnnbench.execution.base import ATTEMPTS, Claim
from rnnbench.execution.estimate import seconds
from rnnbench.experiment.run_spec import RunSpec

_NEARLY = 0.7
"""A run that takes this share of the longest run's time, or more, counts as equally long."""


class Waiting:
    """The runs not yet given to a worker, longest first, so that the last ones to finish are short."""

    def __init__(self, specs: Sequence[RunSpec], claim: Claim) -> None:
        self._specs = sorted(specs, key=seconds, reverse=True)
        self._networks = {spec.signature: (spec.compile_key, spec.task.lag) for spec in specs}
        self._begun: set[tuple[object, ...]] = set()
        self._claim = claim
        self._attempts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._specs)

    def take(self, compiled: set[tuple[object, ...]]) -> RunSpec | None:
        """The next run for a worker that has made these networks, or None; adds the run's network to `compiled`.

        A network counts at its lag, (key, lag), and at any, (key,): TensorFlow traces it once, and XLA compiles each
        length.
        """
        while self._specs:
            spec = self._next(compiled)
            self._specs.remove(spec)
            if self._attempts[spec.signature] or self._claim(spec):
                self._attempts[spec.signature] += 1
                for made in (compiled, self._begun):
                    made |= {self._networks[spec.signature], self._networks[spec.signature][:1]}
                return spec
        return None

    def put_back(self, spec: RunSpec) -> int | None:
        """Queue a run again, before all others; the number of the new attempt, or None if no attempt is left."""
        attempt = self._attempts[spec.signature] + 1
        if attempt > ATTEMPTS:
            return None
        self._specs.insert(0, spec)
        return attempt

    def _next(self, compiled: set[tuple[object, ...]]) -> RunSpec:
        """Among the longest runs, one of a network that this worker has compiled, or traced; else of a new one."""
        enough = _NEARLY * seconds(self._specs[0])
        longest = list(takewhile(lambda spec: seconds(spec) >= enough, self._specs))
        network = {spec.signature: self._networks[spec.signature] for spec in longest}
        own = (spec for spec in longest if network[spec.signature] in compiled)
        traced = (spec for spec in longest if network[spec.signature][:1] in compiled)
        new = (spec for spec in longest if network[spec.signature][:1] not in self._begun)
        at_new_lag = (spec for spec in longest if network[spec.signature] not in self._begun)
        return next(chain(own, traced, new, at_new_lag, longest))

"""What a machine must have before runs are sent to it, however it is reached."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnbench.environment import versions
from rnnbench.errors import UserError
from rnnbench.execution.estimate import worker_bytes
from rnnbench.execution.machine import most_shards
from rnnbench.experiment.run_spec import RunSpec, one_of_each


@dataclass(frozen=True)
class Requirements:
    """What a grid requires of every machine; plain values, so that a machine without the plug-ins can unpickle them."""

    versions: dict[str, str]
    runs: tuple[tuple[bytes, str, str], ...]
    """For each task and model one pickled run, its signature of settings, and its full signature on this machine."""
    token: Path | None
    """A file next to the checkpoints: a machine that sees it sees them too."""
    memory: int = 0
    """Bytes that the largest run needs."""
    cores: int = 1
    """Cores that a run with the most shards uses."""

    @classmethod
    def of(cls, specs: Sequence[RunSpec], token: Path | None) -> Requirements:
        """The requirements of `specs`: what this machine has of them."""
        runs = tuple((pickle.dumps(spec), spec.settings_signature, spec.signature) for spec in one_of_each(specs))
        return cls(versions(), runs, token, max(map(worker_bytes, specs)), most_shards(specs))


@dataclass(frozen=True)
class Findings:
    """What a machine lacks."""

    problems: tuple[str, ...] = ()
    """Why it can take no run."""
    sees_checkpoints: bool = False


def examine(requirements: Requirements) -> Findings:
    """Check this machine; if versions differ, nothing else is checked, as other problems may follow from that."""
    token = requirements.token
    seen = token is not None and token.is_file()
    return Findings(tuple(_wrong_versions(requirements) or _wrong_runs(requirements)), seen)


def _wrong_versions(requirements: Requirements) -> list[str]:
    here = versions()
    return [
        f"{name} is {here[name]} there but {wanted} here"
        for name, wanted in requirements.versions.items()
        if here[name] != wanted
    ]


def _wrong_runs(requirements: Requirements) -> list[str]:
    try:
        for _ in _unpickled(requirements):
            pass
    except UserError as error:
        return [str(error)]
    return []


def _unpickled(requirements: Requirements) -> Iterator[RunSpec]:
    for pickled, settings, signature in requirements.runs:
        spec: RunSpec = pickle.loads(pickled)
        if spec.settings_signature != settings:
            code = ", ".join(spec.plugins) or "rnnbench"
            raise UserError(f"{spec.name} would be a different run there: the code of {code} differs")
        spec.task.check_data()
        if spec.signature != signature:
            raise UserError(f"{spec.name} would be a different run there: the data of {spec.task_label} differ")
        yield spec

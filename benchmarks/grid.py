"""What a grid gains by its workers or by a setting, and where its time goes.

    python benchmarks/grid.py experiments/copy_memory.yaml --workers 1 2
    python benchmarks/grid.py experiments/quickstart.yaml --workers 2 --against training.implementation=stock

    python benchmarks/grid.py experiments/quickstart.yaml --programs none cold warm

The whole grid is run under each condition in turn, so that a noisy machine treats all alike. Start-up is the time
before a worker's first run, waiting the time after its last one while others still work, compilation the time to get
the programs, from the compiler or from the machine's cache. `--programs`: where the cache is (default: the user's own,
as it stands), `none` without one, `cold` with a new one each time, `warm` with one that the grid has filled before,
in a round of its own that does not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path

from rnnbench.events import Dispatched, Ending, Event
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.driver import drive
from rnnbench.execution.local import LocalPool
from rnnbench.experiment import yaml_file
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from rnnbench.training.compilation_cache import VARIABLE


@dataclass
class Round:
    """One grid: seconds of wall time, and of its workers' time by what they went to."""

    workers: int
    wall: float = 0.0
    processor: float = 0.0
    """Seconds of processor time of the workers, which a machine shared with others distorts less."""
    compiled: int = 0
    """Programs that the compiler made and the cache kept."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    skills: dict[tuple[str, str, int, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of the seeds, by task, model, lag and filler."""

    def share(self, part: str) -> float:
        """Of all the time of all workers."""
        return self.spent[part] / (self.workers * self.wall)


def measure(experiment: Experiment, workers: int) -> Round:
    """Run the grid once in a store that is thrown away."""
    found, first, last = Round(workers), {}, {}
    worker_of: dict[str, int] = {}

    def watch(spec: RunSpec, event: Event) -> None:
        now = time.perf_counter() - began
        if isinstance(event, Dispatched):
            worker_of[spec.signature] = event.worker
            first.setdefault(event.worker, now)
        elif isinstance(event, Ending):
            last[worker_of[spec.signature]] = now
            metrics = {"skill": float("nan")} | getattr(event, "metrics", {})
            for name, value in metrics.items():
                if name.startswith("seconds/"):
                    found.spent[name.removeprefix("seconds/")] += value
            found.skills[spec.task_label, spec.model_label, spec.task.lag, spec.task.filler].append(metrics["skill"])

    with tempfile.TemporaryDirectory() as folder:
        location = Location.resolve(folder)
        with Tracker(location, experiment) as tracker:
            location.client()  # MLflow's import, once a grid, while the workers import TensorFlow
            began, used, programs = time.perf_counter(), _processor_seconds(), _programs()
            pool = LocalPool(workers, Checkpoints(Path(folder) / "checkpoints"))
            tally = drive(list(experiment.runs), pool, tracker, watch)
            found.wall = time.perf_counter() - began
            found.processor = _processor_seconds() - used
            found.compiled = _programs() - programs
    if tally.failed or tally.interrupted:
        raise SystemExit(f"the grid did not end well: {tally}")
    found.spent["start-up"] = sum(first.values())
    found.spent["waiting"] = sum(found.wall - end for end in last.values())
    found.spent["logging (by the driver, beside the workers)"] = tally.writing
    return found


def _processor_seconds() -> float:
    """Of the workers, once they have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _programs() -> int:
    """Compiled programs in the cache of a condition."""
    place = os.environ.get(VARIABLE, "off")
    return 0 if place == "off" else len(list(Path(place).glob("*/*/*.pb")))


@contextmanager
def programs(condition: str | None, warm: Path) -> Iterator[None]:
    """Inside, compiled programs come from where `condition` says; `warm`: the directory of those that are warm."""
    before = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as cold:
        if condition is not None:
            os.environ[VARIABLE] = {"none": "off", "cold": cold, "warm": str(warm)}[condition]
        try:
            yield
        finally:
            if condition is not None:
                del os.environ[VARIABLE]
            if before is not None:
                os.environ[VARIABLE] = before


def table(rounds: dict[str, list[Round]]) -> str:
    """Medians over the rounds, their range in brackets; each condition against the first."""
    lines, base = [], next(iter(rounds))
    for condition, found in rounds.items():
        walls = [one.wall for one in found]
        ratios = [a.wall / b for a, b in zip(rounds[base], walls, strict=True)]
        lines.append(f"{condition}: {_spread(walls, '.1f')} s, {_spread(ratios, '.2f')} times as fast as {base}")
        used = [one.processor for one in found]
        compared = [a.processor / b for a, b in zip(rounds[base], used, strict=True)]
        lines.append(
            f"    processor time of the workers: {_spread(used, '.1f')} s, {_spread(compared, '.2f')} times less"
        )
        lines.append(f"    programs compiled for the cache: {_spread([one.compiled for one in found], '.0f')}")
        for part in sorted(found[0].spent, key=lambda part: -found[0].spent[part]):
            shares = [100 * one.share(part) for one in found]
            lines.append(f"    {part}: {_spread(shares, '.1f')} % of the workers' time")
    return "\n".join(lines)


def difference(one: Round, other: Round) -> str:
    """How far two conditions lie apart in skill (means of the seeds), cell by cell, and how far two seeds of one do."""
    between = [abs(statistics.mean(one.skills[cell]) - statistics.mean(other.skills[cell])) for cell in one.skills]
    within = [abs(a - b) for skills in one.skills.values() for a, b in combinations(skills, 2)]
    seeds = f", {statistics.mean(within):.3f} between two seeds" if within else ""
    return f"skill, mean absolute difference: {statistics.mean(between):.3f} between the conditions{seeds}"


def _spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--set", action="append", default=[], help="as for `rnnbench run`")
    parser.add_argument("--against", metavar="KEY=VALUE", help="a setting to compare with")
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--programs", choices=["none", "cold", "warm"], nargs="+", default=[None])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as warm:
        report(arguments, Path(warm))


def report(arguments: argparse.Namespace, warm: Path) -> None:
    """Run all conditions, and print what they took."""
    grids = {"as it stands": yaml_file.load(arguments.file, arguments.set)}
    if arguments.against:
        grids[arguments.against] = yaml_file.load(arguments.file, [*arguments.set, arguments.against])
    if "warm" in arguments.programs:
        for experiment in grids.values():
            with programs("warm", warm):
                measure(experiment, arguments.workers[0])
    rounds: dict[str, list[Round]] = defaultdict(list)
    for number in range(arguments.rounds):
        for workers, cache, (name, experiment) in product(arguments.workers, arguments.programs, grids.items()):
            condition = f"{name}, {workers} workers" + (f", programs {cache}" if cache else "")
            with programs(cache, warm):
                rounds[condition].append(measure(experiment, workers))
            print(f"round {number + 1}: {condition}: {rounds[condition][-1].wall:.1f} s", flush=True)
    print(table(rounds))
    if arguments.against:
        print(difference(*(found[0] for found in list(rounds.values())[:2])))


if __name__ == "__main__":
    main()

"""What a grid gains by its workers, and where its time goes: `python benchmarks/grid.py experiments/quickstart.yaml`.

The grid is run from its start with each number of workers in turn, so that a noisy machine treats all alike. Start-up
is what a worker does before its first run, waiting what it does after its last one while others still work.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from rnnbench import experiment_file
from rnnbench.events import Ending, Event, Taken
from rnnbench.execution.checkpoints import Checkpoints
from rnnbench.execution.driver import drive
from rnnbench.execution.local import LocalPool
from rnnbench.experiment import Experiment, RunSpec
from rnnbench.store import Location
from rnnbench.tracking import Tracker

PARTS = ("training", "evaluation", "probes", "checkpoints", "preparation")


@dataclass
class Round:
    """One grid: seconds of wall time, and of its workers' time by what they went to."""

    workers: int
    wall: float = 0.0
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def share(self, part: str) -> float:
        """Of all the time of all workers."""
        return self.spent[part] / (self.workers * self.wall)


def measure(experiment: Experiment, workers: int) -> Round:
    """Run the grid once in a store that is thrown away."""
    found, first, last = Round(workers), {}, {}
    worker_of: dict[str, int] = {}

    def watch(spec: RunSpec, event: Event) -> None:
        now = time.perf_counter() - began
        if isinstance(event, Taken):
            worker_of[spec.signature] = event.worker
            first.setdefault(event.worker, now)
        elif isinstance(event, Ending):
            last[worker_of[spec.signature]] = now
            seconds = getattr(event, "metrics", {})
            for part in PARTS:
                found.spent[part] += seconds.get(f"seconds/{part}", 0.0)

    with tempfile.TemporaryDirectory() as folder:
        location = Location.resolve(folder)
        with Tracker(location, experiment) as tracker:
            location.client()  # MLflow's import, once a grid, while the workers import TensorFlow
            began = time.perf_counter()
            pool = LocalPool(workers, Checkpoints(Path(folder) / "checkpoints"))
            tally = drive(list(experiment.runs), pool, tracker, watch)
            found.wall = time.perf_counter() - began
    if tally.failed or tally.interrupted:
        raise SystemExit(f"the grid did not end well: {tally}")
    found.spent["start-up"] = sum(first.values())
    found.spent["waiting"] = sum(found.wall - end for end in last.values())
    found.spent["logging (by the driver, beside the workers)"] = tally.writing
    return found


def table(rounds: list[Round]) -> str:
    """Medians over the rounds, their range in brackets."""
    lines, by_workers = [], defaultdict(list)
    for found in rounds:
        by_workers[found.workers].append(found)
    base = [found.wall for found in by_workers[min(by_workers)]]
    for workers, found in sorted(by_workers.items()):
        walls = [one.wall for one in found]
        ratios = [a / b for a, b in zip(base, walls, strict=True)]
        lines.append(
            f"{workers} workers: {_spread(walls, '.1f')} s, {_spread(ratios, '.2f')} times as fast as {min(by_workers)}"
        )
        for part in sorted(found[0].spent, key=lambda part: -found[0].spent[part]):
            shares = [100 * one.share(part) for one in found]
            lines.append(f"    {part}: {_spread(shares, '.1f')} % of the workers' time")
    return "\n".join(lines)


def _spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--set", action="append", default=[], help="as for `rnnbench run`")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    experiment = experiment_file.load(arguments.file, arguments.set)
    rounds = []
    for number in range(arguments.rounds):
        for workers in arguments.workers:
            rounds.append(measure(experiment, workers))
            print(f"round {number + 1}: {workers} workers, {rounds[-1].wall:.1f} s", flush=True)
    print(table(rounds))


if __name__ == "__main__":
    main()

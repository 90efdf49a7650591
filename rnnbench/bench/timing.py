"""Times several processes in turns, so that a noisy machine affects all alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from rnnbench.bench.problem import Problem
from rnnbench.bench.process import PeerError, PeerProcess

TURN = 0.25
"""Seconds that a turn should last at least; it holds several steps if they are short."""
FEWEST = 3
"""Turns that even the slowest has."""
_MOST = 40
_SLOW = 4 * TURN
"""A turn longer than this, in seconds, is not taken in every round."""
_TOLERANCE = 2e-2
"""Largest relative difference between mean losses of the same computation; rounding grows to 1% in twenty steps."""


@dataclass
class Entrant:
    """A problem that a peer's process solves, and what was measured."""

    process: PeerProcess
    problem: Problem
    first: float = math.nan
    """Seconds until the first step was done, mostly tracing and compiling."""
    loss: float | None = None
    """Mean loss of the first steps."""
    steps: int = 0
    """Steps per turn."""
    rounds: dict[int, float] = field(default_factory=dict)
    """Seconds per step, by the round in which it had a turn."""
    failure: str = ""

    def prepare(self) -> float:
        """Compile, and set how many steps make a turn; seconds that a turn takes."""
        answer = self.process.ask("prepare", self.problem)
        self.first, self.loss = answer["seconds"], answer["loss"]
        call = answer["steps_per_call"]
        step = self._time(call) / call
        self.steps = call * max(1, round(TURN / (step * call)))
        return step * self.steps

    def turn(self, number: int) -> None:
        """Take the turn of a round."""
        self.rounds[number] = self._time(self.steps) / self.steps

    def close(self) -> None:
        self.process.ask("close", self.problem)

    def _time(self, steps: int) -> float:
        return float(self.process.ask("run", self.problem, steps=steps)["seconds"])


def measure(entrants: Mapping[str, Entrant], budget: float, reference: str = "") -> None:
    """Prepare all entrants, then let them take turns for about `budget` seconds.

    One that fails, or whose loss differs from that of `reference`, has `failure` set and no rounds.
    """
    turns = {name: seconds for name, entrant in entrants.items() if (seconds := _tried(entrant, "prepare"))}
    for entrant in entrants.values():
        entrant.failure = entrant.failure or _difference(entrant, entrants.get(reference))
    sound = {name: seconds for name, seconds in turns.items() if not entrants[name].failure}
    for number, names in enumerate(timetable(sound, budget)):
        for name in names:
            if not entrants[name].failure:
                _tried(entrants[name], "turn", number)
    for name in turns:
        with suppress(PeerError):
            entrants[name].close()


def timetable(turns: Mapping[str, float], budget: float) -> list[list[str]]:
    """Who has a turn in which round, in which order.

    `turns`: seconds that a turn of each takes. There are as many rounds as `budget` seconds allow; slow ones take
    part in fewer, evenly spread, and the order rotates from round to round.
    """
    if not turns:
        return []
    rounds = int(np.clip(budget / sum(min(seconds, _SLOW) for seconds in turns.values()), FEWEST, _MOST))
    table: list[list[str]] = [[] for _ in range(rounds)]
    for name, seconds in turns.items():
        count = int(np.clip(rounds * _SLOW / seconds, FEWEST, rounds))
        for number in np.linspace(0, rounds - 1, count).round().astype(int):
            table[number].append(name)
    return [
        names[number % len(names) :] + names[: number % len(names)] if names else []
        for number, names in enumerate(table)
    ]


def _tried(entrant: Entrant, method: str, *arguments: int) -> float | None:
    """What the method returns; None if it fails, which sets `failure`."""
    try:
        result: float | None = getattr(entrant, method)(*arguments)
    except PeerError as error:
        entrant.failure, entrant.rounds = str(error), {}
        return None
    return result


def _difference(entrant: Entrant, reference: Entrant | None) -> str:
    if reference is None or reference.loss is None or entrant.loss is None:
        return ""
    if abs(entrant.loss - reference.loss) <= _TOLERANCE * abs(reference.loss):
        return ""
    return f"computes something else: loss {entrant.loss:.5f} instead of {reference.loss:.5f}"

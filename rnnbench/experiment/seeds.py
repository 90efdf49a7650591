"""The values of `seeds`: a number of seeds, or a list of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rnnbench.experiment.mistakes import shown

SEEDS = 2**32
"""Seeds are below this number, the limit of NumPy's and Keras' generators."""
MOST_RUNS = 100_000
"""Maximum size of a grid: a larger one is probably a mistake, and takes minutes just to expand."""


def parse_seeds(value: Any) -> tuple[Any, ...]:
    """Seeds as a tuple; a number n means 0..n-1. Raises `ValueError` for anything but a number or a list."""
    if isinstance(value, list | tuple | range):
        if len(value) > MOST_RUNS:
            raise ValueError(f"{len(value):,} seeds are too many: a grid has at most {MOST_RUNS:,} runs")
        return tuple(value)
    if type(value) is not int:
        raise ValueError(
            f"write a number of seeds, such as 5 for 0..4, or a list of seeds, such as [0, 7], not {shown(value)}"
        )
    if value < 1:
        raise ValueError(f"the grid is empty without seeds: the number of seeds must be 1 or more, not {value}")
    if value > MOST_RUNS:
        raise ValueError(
            f"{value:,} means the seeds 0..{value - 1}, but a grid has at most {MOST_RUNS:,} runs; "
            f"for a single seed write [{value}]"
        )
    return tuple(range(value))


def check_seeds(seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Raise `ValueError` unless there is at least one seed, and all are distinct and in 0..SEEDS - 1."""
    if not seeds:
        raise ValueError("the grid is empty without seeds")
    if min(seeds) < 0:
        raise ValueError("a seed must be 0 or more")
    if max(seeds) >= SEEDS:
        raise ValueError(f"seed {max(seeds)} is too large: a seed is at most {SEEDS - 1:,}")
    twice = [seed for seed, times in Counter(seeds).items() if times > 1]
    if twice:
        raise ValueError(f"seed {min(twice)} is listed twice")
    return seeds

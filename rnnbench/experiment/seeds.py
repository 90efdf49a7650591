"""What may stand under `seeds`: a number of seeds, or a list of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rnnbench.experiment.mistakes import shown

SEEDS = 2**32
"""How many seeds there are: NumPy's and Keras' generators take no larger one."""
MOST_RUNS = 100_000
"""A grid of more is refused: it is a slip, and would take minutes to expand alone."""


def counted(value: Any) -> tuple[Any, ...]:
    """Seeds as a tuple: a number n is 0..n-1. Raises `ValueError` for what is neither number nor list."""
    if isinstance(value, list | tuple | range):
        if len(value) > MOST_RUNS:
            raise ValueError(f"{len(value):,} seeds, and a grid has at most {MOST_RUNS:,} runs")
        return tuple(value)
    if type(value) is not int:
        raise ValueError(
            f"write a number of seeds, such as 5 for 0..4, or a list of seeds, such as [0, 7], not {shown(value)}"
        )
    if value < 1:
        raise ValueError(f"the grid is empty without a seed: a number of seeds is 1 or more, not {value}")
    if value > MOST_RUNS:
        raise ValueError(
            f"{value:,} is {value:,} seeds, 0..{value - 1}, and a grid has at most {MOST_RUNS:,} runs; "
            f"for the one seed write [{value}]"
        )
    return tuple(range(value))


def distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Raises `ValueError` unless there are seeds, each within `SEEDS` and there once."""
    if not seeds:
        raise ValueError("the grid is empty without a seed")
    if min(seeds) < 0:
        raise ValueError("a seed is 0 or more")
    if max(seeds) >= SEEDS:
        raise ValueError(f"seed {max(seeds)} is too large: a seed is {SEEDS - 1:,} at most")
    twice = [seed for seed, times in Counter(seeds).items() if times > 1]
    if twice:
        raise ValueError(f"seed {min(twice)} stands there twice")
    return seeds

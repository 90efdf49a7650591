"""What is told by knowing which symbols there were, but not which is asked: the most frequent one is the answer."""

from __future__ import annotations

import math

import numpy as np


def share_of_most_frequent(draws: int, symbols: int) -> float:
    """Expected share of the most frequent symbol among so many independent, uniform draws from `symbols` symbols.

    Exact but for rounding: numbers of each symbol are those of independent Poisson variables, given their sum.
    """
    # With the rate of the mean number of each, all terms are probabilities: none overflows.
    rate = draws / symbols
    each = np.array([math.exp(count * math.log(rate) - rate - math.lgamma(count + 1)) for count in range(draws + 1)])
    at_most = [_sum_of(np.where(np.arange(draws + 1) <= most, each, 0.0), symbols) for most in range(draws)]
    # The mean of the largest number is the sum of the probabilities that it exceeds 0, 1, ...
    return 1 - sum(at_most) / _sum_of(each, symbols) / draws


def _sum_of(probabilities: np.ndarray, variables: int) -> float:
    """Probability that so many independent counts add up to the largest one that is listed, none above it."""
    size = len(probabilities)
    found, power = np.eye(1, size)[0], probabilities
    while variables:
        if variables % 2:
            found = np.convolve(found, power)[:size]
        power = np.convolve(power, power)[:size]
        variables //= 2
    return float(found[-1])

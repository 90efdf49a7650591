"""The share of the most frequent symbol, against counting every sequence of draws."""

from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from rnnbench.tasks.most_frequent import share_of_most_frequent


def counted(draws, symbols):
    most = [max(Counter(drawn).values()) for drawn in product(range(symbols), repeat=draws)]
    return Fraction(sum(most), draws * len(most))


@pytest.mark.parametrize(("draws", "symbols"), [(1, 2), (1, 7), (2, 2), (2, 4), (3, 3), (4, 8), (5, 2), (6, 5), (7, 3)])
def test_it_is_what_counting_gives(draws, symbols):
    assert share_of_most_frequent(draws, symbols) == pytest.approx(float(counted(draws, symbols)), abs=1e-12)


def test_one_draw_is_its_own_and_two_are_alike_once_in_so_many():
    assert share_of_most_frequent(1, 10) == pytest.approx(1)
    for symbols in (2, 10, 1000):
        assert share_of_most_frequent(2, symbols) == pytest.approx(0.5 + 0.5 / symbols)


@pytest.mark.parametrize(("draws", "symbols"), [(64, 10), (300, 8)])
def test_many_draws_neither_overflow_nor_vanish(draws, symbols):
    drawn = np.random.default_rng(0).multinomial(draws, [1 / symbols] * symbols, size=200_000).max(axis=1) / draws
    error = drawn.std() / np.sqrt(len(drawn))
    assert share_of_most_frequent(draws, symbols) == pytest.approx(drawn.mean(), abs=4 * error)

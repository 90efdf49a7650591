"""Training, validation and test hold different examples."""

from __future__ import annotations

import math
from collections import Counter

from rnnbench.checks.contracts.check import require
from rnnbench.checks.contracts.compared import equal, row_keys
from rnnbench.checks.contracts.points import Points

_SHARE = 0.01
"""Share of a split that may also be in another: real data contain some sequences twice."""


def splits_apart(points: Points) -> None:
    """Validation, test and training share no more examples than by chance.

    Examples are compared bit by bit, by their evidence alone, because fillers are drawn anew. Where few sequences exist
    (copy-memory of one symbol has 8), two honest draws share most of them. The number shared by chance is therefore
    estimated from how often sequences repeat within each of the two sets, plus four standard errors of that count. More
    than that, and more than 1% of the split, is a leak.
    """
    point = points.first
    same = equal(point.validation, point.test)
    require(not same, "validation and test must hold different examples: they are the same")
    sets = {"training": point.train, "validation": point.validation, "test": point.test}
    counted = {name: Counter(row_keys(point.evidence(stream))) for name, stream in sets.items()}
    for of, within in (("validation", "test"), ("test", "training"), ("validation", "training")):
        _no_more_than_chance(counted[of], counted[within], of, within)


def _no_more_than_chance(of: Counter[bytes], within: Counter[bytes], of_name: str, within_name: str) -> None:
    rows = of.total()
    found = sum(count for row, count in of.items() if row in within)
    pairs = rows * within.total()
    chance = pairs * min(_repeats(of), _repeats(within))
    say = f"{found:,} of {rows:,} {of_name} examples are also in {within_name}"
    require(found <= max(chance, _SHARE * rows), f"{say}; by chance it would be about {min(chance, rows):,.0f} at most")


def _repeats(rows: Counter[bytes]) -> float:
    """Upper limit of the probability that two draws are equal, from the number of equal pairs."""
    same = sum(count * (count - 1) // 2 for count in rows.values())
    pairs = rows.total() * (rows.total() - 1) / 2
    return (same + 4 * math.sqrt(same) + 8) / pairs if pairs else 1.0

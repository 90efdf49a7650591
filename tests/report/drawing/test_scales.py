"""Axes hold what is drawn on them."""

from __future__ import annotations

import math

import pytest

from rnnbench.report.drawing.scales import value_scale


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([-2.0, -0.5, math.nan], [-2.1, 0.0]),
        ([-0.5], [-0.525, 0.0]),
        ([-1.0, 1.0, math.inf], [-1.05, 1.05]),
        ([0.0], [0.0, 1.05]),
        ([math.nan], [0.0, 1.05]),
        ([0.5, 2.0], [0.0, 2.1]),
    ],
)
def test_an_axis_holds_all_finite_values(values: list[float], domain: list[float]) -> None:
    assert value_scale(values, accuracy=False).to_dict()["domain"] == pytest.approx(domain)

"""Axes and scales, and where labels are placed beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import altair as alt

HEIGHT = 230
"""Of a panel, in pixels."""
_DECADES = 16
LOWER_EDGE = "What lies 16 decades below the largest value, 0 included, is drawn at the lower edge."
"""What a caption says of an axis from `positive_scale`."""
_SKILL_FLOOR = -1.0
_FAR_ABOVE_0 = 0.35


LAG_TITLES = {"lag": "lag (steps between evidence and readout)", "T": "T (steps of the sequence)"}
"""The axis of a task by what its distance is called."""


def lag_axis(lags: list[int], field: str = "lag", distance: str = "lag") -> alt.X:
    """A lag axis on which both 0 and 500 can be read: symmetric logarithm, ticks at the lags of the grid."""
    smallest = next((lag for lag in lags if lag > 0), 1)
    ends = [lags[0], lags[-1]] if len(lags) > 1 else [lags[0] - 1, lags[0] + 1]
    scale = alt.Scale(type="symlog", constant=smallest, domain=ends, nice=False, padding=14)
    axis = alt.Axis(values=lags, format="d", labelOverlap="greedy")
    return alt.X(f"{field}:Q", title=LAG_TITLES.get(distance, distance), scale=scale, axis=axis)


def step_axis(longest: float) -> alt.X:
    """The axis of the training step, from 0 to `longest`."""
    scale = alt.Scale(domain=[0, longest], nice=False, padding=4)
    return alt.X("step:Q", title="training step", scale=scale, axis=alt.Axis(tickCount=5))


def value_scale(values: Iterable[float], *, accuracy: bool) -> alt.Scale:
    """Up to 1 for accuracy, from 0 or, where all is far above, from a tenth below it.

    Otherwise an axis that holds 0, or a logarithm where positive values span a factor of 20.
    """
    finite = [float(value) for value in values if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if accuracy:
        least = math.floor(10 * low - 0.5) / 10 if low > _FAR_ABOVE_0 else 0
        return alt.Scale(domain=[least, 1.02], nice=False)
    if low > 0 and high > 20 * low:
        return alt.Scale(type="log", domain=[low / 1.3, high * 1.3], nice=False)
    if low < 0:
        return alt.Scale(domain=[low * 1.05, max(0.0, high) * 1.05], nice=False)
    return alt.Scale(domain=[0.0, (high or 1.0) * 1.05], nice=False)


def skill_scale(values: Iterable[float]) -> alt.Scale:
    """From the worst skill shown up to 1; from -1 where a skill is below that, and such a skill is drawn at -1."""
    finite = [float(value) for value in values if math.isfinite(value)]
    low = max(_SKILL_FLOOR, min([-0.1, *finite]))
    return alt.Scale(domain=[low, 1.05], nice=False, clamp=True)


def positive_scale(values: Iterable[float], decades: int = _DECADES) -> tuple[float, float]:
    """Ends of a logarithmic axis for the values, at least a factor of 20 apart and at most `decades` below the top."""
    finite = [float(value) for value in values if math.isfinite(value) and value > 0]
    if not finite:
        return 1e-3, 1.0
    high = max(finite) * 1.5
    return min(max(min(finite) / 1.5, high * 10.0**-decades), high / 20), high


def log_scale(low: float, high: float) -> alt.Scale:
    """Logarithmic between two ends; values beyond an end are drawn at it."""
    return alt.Scale(type="log", domain=[low, high], nice=False, clamp=True)


def value_axis(scale: alt.Scale) -> alt.Axis:
    """Few ticks; on a logarithmic scale at powers of ten, on a short one also at 2 and 5 times these."""
    spec = scale.to_dict()
    if spec.get("type") != "log":
        return alt.Axis(tickCount=5, format="~g")
    low, high = (math.log10(end) for end in spec["domain"])
    stride = max(1, math.ceil((high - low) / 7))
    multiples = (1,) if high - low > 3 else (1, 2, 5)
    exponents = range(stride * math.floor(low / stride), math.ceil(high) + 1, stride)
    ticks = [float(f"{m}e{e}") for e in exponents for m in multiples if low <= e + math.log10(m) <= high]
    # As `formatting.number` does: powers of ten below a thousandth and from a million on.
    return alt.Axis(
        values=ticks,
        labelExpr="datum.value >= 0.001 && datum.value < 1e6 ? format(datum.value, '~g') : format(datum.value, '.0e')",
    )


def apart(values: Iterable[float], scale: alt.Scale) -> list[float]:
    """An offset in pixels for each label, so that labels of close values (12 px high) do not overlap."""
    spec = scale.to_dict()
    bend = math.log if spec.get("type") == "log" else float
    low, high = (bend(end) for end in spec["domain"])
    heights = [(bend(value) - low) / (high - low) * HEIGHT for value in values]
    offsets = [0.0] * len(heights)
    free = -math.inf
    for position in sorted(range(len(heights)), key=heights.__getitem__):
        base = max(heights[position] + 2, free)
        offsets[position] = heights[position] - base
        free = base + 12
    return offsets

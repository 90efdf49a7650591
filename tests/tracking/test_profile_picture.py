"""The picture of a gradient profile: valid SVG whatever the norms and names are, and true to them."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from rnnbench.tracking.profile_picture import HEIGHT, LEFT, RIGHT, TOP, WIDTH, picture

SVG = "{http://www.w3.org/2000/svg}"


def profile(**norms):
    """Columns of profiles given as `phase_state=[norm at distance 0, 1, ...]`."""
    rows = [(*name.split("_"), at, norm) for name, line in norms.items() for at, norm in enumerate(line)]
    return dict(zip(("phase", "state", "distance", "median"), zip(*rows, strict=True), strict=True))


def lines(svg):
    paths = [path for path in ElementTree.fromstring(svg).iter(f"{SVG}path") if path.get("fill") == "none"]
    return [[tuple(map(float, point.split(","))) for point in path.get("d")[1:].split("L")] for path in paths]


def test_decades_are_equally_far_apart() -> None:
    (line,) = lines(picture("lstm T2 s0", 2, profile(final_h=[1.0, 0.1, 0.01])))
    xs, ys = zip(*line, strict=True)
    assert xs == (LEFT, pytest.approx((LEFT + WIDTH - RIGHT) / 2), WIDTH - RIGHT)
    assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.2)
    assert ys[0] == TOP


@pytest.mark.parametrize("norms", [[0.0, 0.0], [math.nan, math.inf], [1.0], [1e300, 1e-300, 0.0]])
def test_any_norms_stay_on_the_picture(norms: list[float]) -> None:
    for line in lines(picture("n", 5, profile(initial_h=norms, during_h=[1.0], final_c=norms))):
        assert all(LEFT <= x <= WIDTH - RIGHT and 0 <= y <= HEIGHT for x, y in line)


def test_what_was_measured_on_the_way_is_left_out_and_the_cell_state_is_dashed() -> None:
    norms = {f"{phase}_{state}": [1, 1] for phase in ("initial", "during", "final") for state in ("joint", "h", "c")}
    svg = picture("n", 1, profile(**norms))
    assert len(lines(svg)) == 6
    assert svg.count('stroke-dasharray="6 4"') == 2
    words = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    told = {"–– joint, before training", "· · h, before training", "– – c, as tested", "the evidence ends"}
    assert told <= set(words)


def test_a_single_state_is_drawn_once() -> None:
    svg = picture("n", 1, profile(final_joint=[1, 1], final_h=[1, 1]))
    assert len(lines(svg)) == 1


def test_the_gradient_by_the_input_is_drawn_where_there_is_no_state() -> None:
    svg = picture("tcn T2 s0", 1, profile(final_x=[1, 0.5]))
    assert len(lines(svg)) == 1
    assert "–– x, as tested" in [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_names_are_text() -> None:
    name = '<script>"&" مرحبا' + "n" * 300
    svg = picture(name, 1, profile(final_h=[1, 1]))
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == f"Gradient profile of {name}"
    assert not re.search("<script", svg)


def test_a_run_without_a_profile_has_an_empty_picture() -> None:
    assert lines(picture("n", 5, {})) == []

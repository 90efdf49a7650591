"""The look of each series."""

from __future__ import annotations

from rnnbench.report.drawing.style import all_series, series_label


def test_a_name_from_right_to_left_turns_nothing_around_it():
    assert series_label("lstm", "units=8") == "lstm (units=8)"
    assert series_label("\u202emodel", "") == "\u2068\u202emodel\u2069"


def test_a_model_has_one_colour_and_its_settings_differ_in_shape_and_dash():
    first, second, other = all_series([("lstm", "units=8"), ("lstm", "units=16"), ("gru", "")])
    assert first.colour == second.colour != other.colour
    assert len({one.shape for one in (first, second, other)}) == 3
    assert len({tuple(one.dash) for one in (first, second, other)}) == 3

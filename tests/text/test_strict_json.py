"""JSON that a browser reads."""

import json
import math

import numpy as np
import pytest

from rnnbench.text import strict_json

VALUE = {"a": [1, math.nan, {"b": (math.inf, 2.5)}], "c": "NaN", "d": -math.inf, "e": True, "f": None, "g": 10**400}


def refused(constant):
    raise AssertionError(constant)


def test_what_was_not_measured_is_null():
    found = json.loads(strict_json.dumps(VALUE), parse_constant=refused)
    assert found == VALUE | {"a": [1, None, {"b": [None, 2.5]}], "d": None}
    assert strict_json.dumps({"x": np.float64("nan"), "y": np.float32("inf")}) == '{"x": null, "y": null}'


def test_what_must_come_back_does():
    text = strict_json.dumps_exactly(VALUE)
    json.loads(text, parse_constant=refused)
    assert repr(strict_json.loads_exactly(text)) == repr(VALUE).replace("(inf, 2.5)", "[inf, 2.5]")


@pytest.mark.parametrize("value", [1, "nan", [1.0, {"a": (2,)}], None, {}])
def test_all_finite(value):
    assert strict_json.first_non_finite(value) is None


def test_the_first_that_is_not():
    assert strict_json.first_non_finite({"a": [1.0, {"b": (math.inf,)}], "c": math.nan}) == math.inf

"""How durations, scores and errors are written on the terminal."""

import pytest

from rnnbench.cli.words import duration, score_text, shortened, span
from rnnbench.experiment.definition import Experiment

(RUN,) = Experiment(name="w", tasks={"copy_memory": {"lag": 5}}, models={"gru": {}}).runs


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (36_000, "10.0 h")],
)
def test_durations(seconds, expected):
    assert duration(seconds) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_undefined(value):
    assert score_text(RUN, value) == "accuracy undefined"
    assert score_text(RUN, 0.12345) == "accuracy 0.123"


def test_a_span_is_one_number_or_two():
    assert [span([64, 64]), span([200, 5, 1000])] == ["64", "5–1,000"]


def test_only_a_long_message_is_cut():
    assert shortened("no") == "no"
    assert shortened("x" * 1000) == "x" * 300 + " ..."

"""Metrics of a split: values and standard errors against NumPy, however the split is cut."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.metric import MeanOverExamples, OfWholeSplit
from rnnbench.tasks.stream import joined

TASK = CopyMemory(lag=3, symbols=2, objective="all", examples=60)
WHOLE = joined(TASK.split("test"))
OUTPUTS = np.random.default_rng(0).normal(size=(*WHOLE.targets.shape, TASK.outputs)).astype(np.float32)


def result(metric, cuts, stream=WHOLE, outputs=OUTPUTS):
    """Of the examples in batches that end at `cuts`."""
    ends = [0, *sorted(set(cuts)), stream.examples]
    for start, end in itertools.pairwise(ends):
        metric.update(stream.rows(slice(start, end)), outputs[start:end])
    return metric.result()


def test_values_are_means_and_their_errors_are_those_of_the_mean():
    found = result(TASK.metric(), [])
    assert found.keys() == {"accuracy", "loss", "recall_loss", "all_position_loss"}
    right = (OUTPUTS.argmax(-1) == WHOLE.targets)[:, -2:].mean(axis=1)
    assert found["accuracy"].value == pytest.approx(right.mean(), rel=1e-12)
    assert found["accuracy"].standard_error == pytest.approx(right.std(ddof=1) / math.sqrt(60), rel=1e-12)
    logits = OUTPUTS.astype(np.float64)
    each = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, WHOLE.targets[..., None], -1)[..., 0]
    for name, of_examples in (("loss", each.mean(axis=1)), ("recall_loss", each[:, -2:].mean(axis=1))):
        assert found[name].value == pytest.approx(of_examples.mean(), rel=1e-12)
        assert found[name].standard_error == pytest.approx(of_examples.std(ddof=1) / math.sqrt(60), rel=1e-12)
    assert all(isinstance(number, float) for estimate in found.values() for number in estimate)


@given(cuts=st.lists(st.integers(1, 59), max_size=6))
def test_it_does_not_matter_how_the_split_is_cut(cuts):
    assert result(TASK.metric(), cuts) == result(TASK.metric(), [])


def test_an_example_without_a_score_leaves_the_split_without_one():
    outputs = OUTPUTS.copy()
    outputs[17, -1, 2] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = result(TASK.metric(), [10, 40], outputs=outputs)
    assert math.isnan(found["accuracy"].value)
    assert math.isnan(found["accuracy"].standard_error)
    adding = Adding(lag=1, examples=5)
    stream = joined(adding.split("test"))
    outputs = np.zeros((5, 1, 1), np.float32)
    outputs[0] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert result(adding.metric(), [2], stream, outputs)["mse"].value == math.inf


def test_one_example_has_no_standard_error():
    found = result(MeanOverExamples(lambda stream, outputs: {"mean": outputs.mean(axis=(1, 2))}), [],
                   WHOLE.rows(slice(1)), OUTPUTS[:1])  # fmt: skip
    assert found["mean"].value == pytest.approx(OUTPUTS[0].mean(dtype=np.float64), rel=1e-6)
    assert math.isnan(found["mean"].standard_error)


ADDING = Adding(lag=1, examples=60)
SUMS = joined(ADDING.split("test"))
ANSWERS = SUMS.targets + np.random.default_rng(1).normal(size=SUMS.targets.shape).astype(np.float32)


def correlation(stream, outputs):
    assert (stream.features, stream.tokens) == (None, None)  # they would take the most memory
    return {"correlation": np.corrcoef(stream.targets.ravel(), outputs.ravel())[0, 1]}


@given(cuts=st.lists(st.integers(1, 59), max_size=6))
def test_a_number_of_the_whole_split_is_computed_once_from_all_of_it(cuts):
    found = result(OfWholeSplit(correlation), cuts, SUMS, ANSWERS)
    assert found["correlation"].value == np.corrcoef(SUMS.targets.ravel(), ANSWERS.ravel())[0, 1]
    assert math.isnan(found["correlation"].standard_error)
    # Which no mean over batches is.
    parts = [np.corrcoef(SUMS.targets[at].ravel(), ANSWERS[at].ravel())[0, 1] for at in (slice(30), slice(30, 60))]
    assert abs(found["correlation"].value - np.mean(parts)) > 1e-4


def test_the_whole_split_keeps_weights_and_what_is_scored():
    seen = []

    def of_all(stream, outputs):
        seen.append((stream, outputs))
        return {"loss": 0}

    found = result(OfWholeSplit(of_all), [20, 45])
    assert found["loss"].value == 0.0
    ((stream, outputs),) = seen
    np.testing.assert_array_equal(stream.scored, WHOLE.scored)
    np.testing.assert_array_equal(stream.targets, WHOLE.targets)
    np.testing.assert_array_equal(outputs, OUTPUTS)

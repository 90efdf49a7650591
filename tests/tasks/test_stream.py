"""A stream: its parts, its rows, and how streams are put together and cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.tasks.stream import Layout, Ports, Stream, chunks, joined, stacked


def full(n=4, first=0):
    """`n` examples of three steps of which two are read; every part says which example it is of."""
    number = np.arange(first, first + n)
    return Stream(
        targets=np.stack([number, 100 + number], axis=1).astype(np.int32),
        features=np.broadcast_to(number[:, None, None], (n, 3, 2)).astype(np.float32),
        tokens=np.broadcast_to(number[:, None], (n, 3)).astype(np.int32),
        readout=np.broadcast_to([1, 2], (n, 2)).astype(np.int32),
        weights=np.stack([1 + number, number], axis=1).astype(np.float32),
        scored=np.stack([number % 2 == 0, number >= 0], axis=1),
    )


def assert_same(found, expected):
    assert list(found.parts) == list(expected.parts)
    for name, part in expected.parts.items():
        assert found.parts[name].dtype == part.dtype
        np.testing.assert_array_equal(found.parts[name], part)


def test_a_layout_is_measured_in_steps():
    layout = Layout(evidence=3, lag=5, readout=2)
    assert (layout.length, layout.first_readout) == (10, 8)
    assert Layout(evidence=1, lag=0, readout=1).first_readout == 1


def test_the_first_layer_reads_features_and_embedded_tokens():
    assert Ports(features=3).width == 3
    assert Ports(vocabulary=50, embedding=8).width == 8
    assert Ports(features=3, vocabulary=50, embedding=8).width == 11


def test_the_parts_are_those_that_it_has_in_their_order():
    assert list(full().parts) == ["targets", "features", "tokens", "readout", "weights", "scored"]
    assert list(full()._replace(features=None, weights=None, scored=None).parts) == ["targets", "tokens", "readout"]


def test_examples_and_steps_do_not_depend_on_the_kind_of_inputs():
    stream = full()
    for part in ({}, {"features": None}, {"tokens": None}):
        one = stream._replace(**part)
        assert (one.examples, one.steps) == (4, 3)


def test_inputs_are_the_features_or_the_tokens_of_a_stream_that_has_one_of_them():
    stream = full()
    assert stream._replace(tokens=None).inputs is stream.features
    assert stream._replace(features=None).inputs is stream.tokens
    with pytest.raises(ValueError, match="too many values"):
        _ = stream.inputs


@pytest.mark.parametrize("chosen", [slice(1, 3), np.array([3, 0]), np.array([], int)], ids=["slice", "index", "none"])
def test_rows_are_taken_of_every_part(chosen):
    whole = full()
    some = whole.rows(chosen)
    assert list(some.parts) == list(whole.parts)
    for name, part in whole.parts.items():
        np.testing.assert_array_equal(some.parts[name], part[chosen])


def test_a_function_is_applied_to_the_parts_that_are_there():
    stream = full()._replace(tokens=None)
    assert stream.map(len) == Stream(4, 4, None, 4, 4, 4)


def test_what_is_not_scored_loses_its_weight():
    stream = full()
    scored = stream.scored_only
    np.testing.assert_array_equal(scored.weights, stream.weights * stream.scored)
    assert scored.weights.dtype == np.float32
    assert scored.scored is None
    for name in ("targets", "features", "tokens", "readout"):
        assert getattr(scored, name) is getattr(stream, name)
    unweighted = stream._replace(weights=None).scored_only
    np.testing.assert_array_equal(unweighted.weights, stream.scored)
    assert unweighted.weights.dtype == np.float32


def test_where_all_is_scored_the_stream_stays_as_it_is():
    for stream in (full()._replace(scored=None), full()._replace(scored=None, weights=None)):
        assert stream.scored_only is stream


def test_joined_streams_hold_all_examples_in_their_order():
    one = full(3)
    assert joined([one]) is one
    assert_same(joined(iter([full(3), full(1, first=3), full(4, first=4)])), full(8))


def test_stacked_streams_have_a_new_first_axis():
    found = stacked(full(2, first) for first in (0, 5, 9))
    for name, part in found.parts.items():
        assert part.shape == (3, *full(2).parts[name].shape)
        np.testing.assert_array_equal(part[1], full(2, 5).parts[name])


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), size=st.integers(1, 10))
def test_chunks_hold_the_same_examples_and_no_more_than_asked(sizes, size):
    firsts = np.cumsum([0, *sizes[:-1]]).tolist()
    cut = list(chunks((full(n, first) for n, first in zip(sizes, firsts, strict=True)), size))
    assert_same(joined(cut), full(sum(sizes)))
    # Only the last of each stream may be smaller.
    expected = [min(size, n - start) for n in sizes for start in range(0, n, size)]
    assert [one.examples for one in cut] == expected

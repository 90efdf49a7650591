"""Music: layouts of both forms, chords, levels recomputed step by step, and the literature's mean over all steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnbench.checks.contracts import hold
from rnnbench.checks.contracts.points import points_of_tasks
from rnnbench.checks.contracts.tasks import TASK_CHECKS
from rnnbench.tasks import music
from rnnbench.tasks.chords import ChordModels, Pieces, keyboard, name_of, nats
from rnnbench.tasks.music import Music
from rnnbench.tasks.stream import joined

SPLITS = ("train", "validation", "test")
KEYS = 88


def task_of(**settings: object) -> Music:
    return Music(**{"lag": 3, "source": "synthetic", "context": 6, **settings})


STREAM = Music(lag=0, source="synthetic", form="stream")


def test_sizes_are_known_without_data() -> None:
    task = Music(lag=7)
    assert (task.layout, task.outputs, task.score) == ((16, 7, 2), 88, ("nats_per_step", False, 0.0, "nats"))
    assert task.ports == (2 * 88 + 2, 0, 0)
    stream = Music(lag=0, form="stream")
    # The longest piece has 160 chords: 159 are read.
    assert (stream.layout.length, stream.reads, stream.has_clock) == (159, "every step", False)
    assert stream.split_sizes() == {"train": 229, "validation": 76, "test": 77}


def test_a_keyboard_has_the_pitches_of_each_chord() -> None:
    chords = keyboard(np.array([21, 60, 64, 108]), np.array([1, 0, 3]))
    assert chords.shape == (3, 88)
    assert [np.flatnonzero(chord).tolist() for chord in chords] == [[0], [], [39, 43, 87]]
    assert [name_of(chord) for chord in chords] == ["A0", "-", "C4 E4 C8"]


@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor"])
def test_a_continuation_reads_the_marker_and_then_the_true_chords(filler: str) -> None:
    task = task_of(filler=filler, readout=3)
    (stream,) = task.split("test")
    features = stream.features
    assert features.shape[1:] == (6 + 3 + 3, 178)
    pieces = music._pieces("synthetic")["test"]
    every = {
        pieces.chords[first + at : first + at + 9].tobytes()
        for first, length in zip(pieces.first, pieces.lengths, strict=True)
        for at in range(length - 8)
    }
    whole = np.concatenate([features[:, :6, :KEYS], stream.targets], axis=1).astype(np.uint8)
    assert all(row.tobytes() in every for row in whole)
    assert not features[:, :6, KEYS:].any()
    lag, readout = features[:, 6:9], features[:, 9:]
    assert (readout[:, 0] == np.eye(178)[177]).all()
    np.testing.assert_array_equal(readout[:, 1:, :KEYS], stream.targets[:, :-1])
    assert not readout[:, 1:, KEYS:].any()
    assert (lag[..., 176] == (filler == "blank")).all()
    assert not lag[..., :KEYS].any()
    assert lag[..., KEYS:176].any() == (filler == "distractor")


def test_a_stream_holds_whole_pieces_and_asks_nothing_behind_their_end() -> None:
    pieces = music._pieces("synthetic")["test"]
    stream = joined(STREAM.split("test"))
    assert stream.examples == len(pieces.lengths) == 20
    for row, (first, length) in enumerate(zip(pieces.first, pieces.lengths, strict=True)):
        piece = pieces.chords[first : first + length]
        np.testing.assert_array_equal(stream.features[row, : length - 1, :KEYS], piece[:-1])
        np.testing.assert_array_equal(stream.targets[row, : length - 1], piece[1:])
        assert stream.weights[row].tolist() == [1.0] * (length - 1) + [0.0] * (39 - length + 1)


def test_the_score_of_whole_pieces_is_the_mean_over_all_steps() -> None:
    """As in TCN's `music_test.py`: the sum over all pieces by the count of their steps, the first chord not asked."""
    stream = joined(STREAM.split("test"))
    outputs = np.random.default_rng(0).normal(size=stream.targets.shape)
    total, count = 0.0, 0
    for row in range(stream.examples):
        steps = int(stream.weights[row].sum())
        y, p = stream.targets[row, :steps], 1 / (1 + np.exp(-outputs[row, :steps]))
        total -= np.trace(y @ np.log(p).T) + np.trace((1 - y) @ np.log(1 - p).T)
        count += steps
    metric = STREAM.metric()
    for rows in (slice(0, 3), slice(3, None)):
        metric.update(stream.rows(rows), outputs[rows])
    found = metric.result()
    assert found["nats_per_step"].value == pytest.approx(total / count, rel=1e-9)
    assert found["loss"] == found["nats_per_step"]
    of_pieces = STREAM.scores(stream, outputs)["nats_per_step"]
    assert found["nats_per_step"].standard_error == pytest.approx(of_pieces.std(ddof=1) / math.sqrt(20), rel=0.2)


def test_the_loss_is_the_score_of_each_example() -> None:
    stream = joined(STREAM.split("test")).rows(slice(5))
    outputs = np.random.default_rng(0).normal(size=stream.targets.shape).astype(np.float32)
    found = np.asarray(STREAM.loss(stream, outputs))
    np.testing.assert_allclose(found, STREAM.scores(stream, outputs)["nats_per_step"], rtol=1e-5)


def two_keys(chords: list[tuple[int, int]], lengths: list[int]) -> Pieces:
    whole = np.zeros((len(chords), KEYS), np.uint8)
    whole[:, :2] = chords
    return Pieces(whole, np.array(lengths))


def test_each_key_alone_is_counted() -> None:
    pieces = two_keys([(1, 0), (1, 1), (0, 1), (1, 0), (1, 0)], [3, 2])
    models = ChordModels(pieces, pieces)
    # After key 0 on: on, off, on. Of three pairs, 2 + 1 + 1 keys are on: 5 of 3 x 88; after on it was so 3 of 4 times.
    before = pieces.chords[:1, None]
    held = (2 + 3 / 4) / (3 + 1)
    assert 1 / (1 + np.exp(-models("key", before)[0, 0])) == pytest.approx(held)
    share = (2 + (2 + 2) / (3 * 88)) / (3 + 1)
    assert 1 / (1 + np.exp(-models("marginal", before)[0, 0])) == pytest.approx(share)


def test_the_logistic_regressions_find_what_the_last_two_chords_tell() -> None:
    """Key 0 is on where key 1 was two chords before; key 1 is a coin."""
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, size=4_000)
    pieces = two_keys(list(zip(np.roll(coin, 2), coin, strict=True)), [2_000, 2_000])
    models = ChordModels(pieces, pieces)
    before = np.lib.stride_tricks.sliding_window_view(pieces.chords[:2_000], 2, axis=0).swapaxes(1, 2)[:-1]
    after = pieces.chords[2:2_000]
    found = {name: nats(after, models(name, before)).mean() for name in ("marginal", "last", "last two")}
    assert found["marginal"] == pytest.approx(2 * np.log(2), abs=0.05)
    assert found["last"] == pytest.approx(2 * np.log(2), abs=0.05)
    assert found["last two"] == pytest.approx(np.log(2), abs=0.1)


def test_levels_see_what_they_may() -> None:
    task = task_of(readout=4, test_examples=30)
    pieces = music._pieces("synthetic")
    models = ChordModels(pieces["train"], pieces["validation"])
    evidence, targets = task.examples("test")
    alone, in_view = [], []
    for seen, asked in zip(evidence, targets, strict=True):
        whole = np.concatenate([seen, asked])
        for step in range(4):
            model = ["marginal", "last", "last two", "last two"][step]
            before = whole[6 + step - 2 : 6 + step][None]
            alone.append(nats(asked[step], models(model, before)[0]))
            in_view.append(nats(asked[step], models("last two", before)[0]))
    assert task.memoryless() == pytest.approx(np.mean(alone))
    assert task.levels()["last two chords"] == pytest.approx(np.mean(in_view))
    assert task.reference() == min(task.levels()["last two chords"], task.memoryless())
    gained = np.reshape(np.array(alone) - in_view, (30, 4)).mean(axis=1)
    assert task.level_error() == pytest.approx(gained.std(ddof=1) / math.sqrt(30))


def test_half_of_the_skill_solves() -> None:
    task = task_of(readout=1)
    low, high = task.reference(), task.memoryless()
    half = math.sqrt(low * high)
    assert task.skill(half) == pytest.approx(0.5)
    assert task.solves(half * 0.999, 0.0) == (half * 0.999 <= 1.1 * low)
    assert not task.solves(half * 1.001, 0.0)


@pytest.mark.parametrize(
    ("settings", "batch_size", "key", "expected"),
    [
        ({"lag": 0, "context": 128}, 1, "context", "with 'readout' it may be at most 129"),
        ({"lag": 0, "form": "stream"}, 230, "batch_size", "230 is too many: there are 229 training examples"),
    ],
)
def test_what_the_pieces_are_too_short_or_few_for_is_a_problem(
    settings: dict[str, int], batch_size: int, key: str, expected: str
) -> None:
    assert expected in dict(Music(**settings).problems(batch_size))[key]


def test_the_nearest_settings_are_none() -> None:
    assert not list(Music(lag=0, context=127).problems(1))
    assert not list(Music(lag=0, form="stream").problems(229))


def test_a_stream_has_no_lag_and_is_one_computation_whatever_the_settings_of_a_continuation() -> None:
    with pytest.raises(ValueError, match="'form: stream' has no lag: 'lag: 0'"):
        Music(lag=1, form="stream")
    other = Music(lag=0, source="synthetic", form="stream", context=4, readout=7, filler="blank", test_examples=3)
    assert other.canonical() == STREAM.canonical()


def test_people_read_the_names_of_keys() -> None:
    display = task_of().display()
    logits = np.full((2, KEYS), -3.0)
    logits[0, [39, 43, 46]] = 2
    assert display.answered(logits) == "C4 E4 G4 | -"
    assert display.told((logits > 0).astype(np.float32)) == "C4 E4 G4 | -"


@pytest.mark.slow
def test_a_stream_keeps_the_contract() -> None:
    hold(TASK_CHECKS, points_of_tasks([STREAM], 32))


@pytest.mark.real_data
def test_the_chorales_have_their_known_sizes() -> None:
    pieces = music._pieces("jsb_chorales")
    assert {split: (len(p.lengths), len(p.chords), p.lengths.max()) for split, p in pieces.items()} == {
        "train": (229, 13_807, 129), "validation": (76, 4_602, 144), "test": (77, 4_725, 160),
    }  # fmt: skip
    assert pieces["test"].chords.sum(axis=1).max() == 4
    (stream,) = Music(lag=0, form="stream").split("test")
    assert stream.weights.sum() == 4_725 - 77


@pytest.mark.slow
@pytest.mark.real_data
def test_the_chorales_have_their_known_levels() -> None:
    """Measured with other code: 11.09, 10.49 and with the last chords 9.06 and 8.88, by other penalties."""
    levels = Music(lag=0, form="stream").levels()
    expected = {"silence or not": 11.09, "each key alone": 10.49, "last chord": 9.04, "last two chords": 8.88}
    assert {name: levels[name] for name in expected} == pytest.approx(expected, abs=0.03)
    assert Music(lag=0, form="stream").asks_memory()
    task = Music(lag=0)
    assert task.memoryless() == pytest.approx(10.05, abs=0.15)
    assert task.reference() == pytest.approx(8.88, abs=0.25)

"""Transcription: strings of clips, targets, levels and answers, on synthetic clips and on real ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.execution.base import quiet_tensorflow
from rnnbench.experiment.definition import Experiment
from rnnbench.models.gru import GRU
from rnnbench.tasks.alignment import ctc_nats, edit_distances
from rnnbench.tasks.stream import joined
from rnnbench.tasks.transcription import Transcription, _fit, _strings, constant_answer
from rnnbench.training.readout import numbers

quiet_tensorflow()

SMALL = {"source": "synthetic", "words": ("a", "b", "c"), "fewest_words": 1, "most_words": 3, "silence": 2,
         "window_ms": 200, "stride_ms": 200, "bands": 6, "validation_examples": 20, "test_examples": 80}  # fmt: skip
BLANK = 3


def small(**settings) -> Transcription:
    return Transcription(**{"lag": 2} | SMALL | settings)


def test_sizes_are_known_without_data():
    task = Transcription(lag=10)
    assert (task.layout, task.ports, task.outputs, task.blank) == ((4 * 25 + 3 * 5, 10, 9), (42, 0, 0), 6, 5)
    assert task.split_sizes() == {"train": 20_000, "validation": 500, "test": 1_000}
    assert Transcription(lag=0, most_words=2, readout=12).layout.readout == 12


def test_words_stand_one_behind_another_and_end_with_the_evidence():
    task = small()
    clips, examples = task.clips.examples("test"), task.examples("test")
    lowest = task.clips.examples("train").evidence.min(axis=(0, 1))
    strings, steps, gaps, lengths = _strings(task, "test"), clips.evidence.shape[1], [], []
    for row in range(80):
        frames = examples.evidence[row]
        assert frames.shape == (3 * steps + 2 * 2, 6)
        labels = examples.targets[row][examples.targets[row] != BLANK]
        end, found = len(frames), []
        while end >= steps:
            if (frames[end - 1] == lowest).all():
                end -= 1
                gaps.append(row)
                continue
            (clip,) = np.flatnonzero((clips.evidence == frames[end - steps : end]).all(axis=(1, 2)))
            found.insert(0, clips.targets[clip])
            end -= steps
        assert (frames[:end] == lowest).all()
        assert labels.tolist() == found
        assert strings.lengths[row] == len(found)
        lengths.append(len(found))
    assert set(lengths) == {1, 2, 3}
    assert gaps


def test_targets_are_padded_with_blanks():
    targets = small().examples("validation").targets
    assert (targets.shape, targets.dtype) == ((20, 7), np.int32)
    for row in targets:
        words = int((row != BLANK).sum())
        assert 1 <= words <= 3
        assert (row[:words] < BLANK).all()
        assert (row[words:] == BLANK).all()


def test_clips_are_dealt_out_evenly_and_stay_in_their_split():
    task = small(test_examples=400)
    used = np.bincount(_strings(task, "test").clips.ravel(), minlength=500)
    assert set(used) == {2, 3}  # 1,200 of 500
    evidence = {split: task.clips.examples(split).evidence for split in ("train", "test")}
    known = {clip.tobytes() for clip in evidence["train"]}
    assert not any(clip.tobytes() in known for clip in evidence["test"])


@pytest.mark.parametrize("filler", ["zeros", "blank", "distractor"])
def test_the_stream(filler):
    task = small(filler=filler, training_lags="fixed")
    whole, evidence = joined(task.split("test")), task.layout.evidence
    assert whole.features.shape == (80, evidence + 2 + 7, 8)
    np.testing.assert_array_equal(whole.features[:, :evidence, :6], task.examples("test").evidence[:])
    assert not whole.features[:, -7:, :7].any()
    assert (whole.features[..., 7] == [0] * (evidence + 2) + [1] * 7).all()
    assert (whole.features[:, evidence:-7, 6] == float(filler == "blank")).all()
    assert whole.features[:, evidence:-7, :6].any() == (filler == "distractor")
    bare = task.without_marker(whole)
    assert not bare.features[..., 7].any()
    np.testing.assert_array_equal(bare.features[:, :-7], whole.features[:, :-7])


def test_an_answer_is_scored_by_its_words():
    task = small()
    targets = np.full((4, 7), BLANK, np.int32)
    targets[0, :2], targets[1, :3], targets[2, :1], targets[3, :2] = [0, 1], [2, 2, 0], [1], [0, 1]
    said = np.array(
        [[BLANK, 0, 0, BLANK, 1, 1, BLANK], [2, BLANK, 2, 0, 0, BLANK, 1], [BLANK] * 7, [0, 1, 0, 1, 0, 1, 0]]
    )
    stream = joined(task.split("test")).rows(slice(4))._replace(targets=targets)
    outputs = (5 * np.eye(4))[said].astype(np.float32)
    found = task.scores(stream, outputs)
    np.testing.assert_allclose(found["label_error_rate"], [0, 1 / 3, 1, 5 / 2])
    np.testing.assert_allclose(found["loss"], ctc_nats(targets, np.array([2, 3, 1, 2]), outputs, BLANK))
    np.testing.assert_allclose(task.loss(stream, outputs), found["loss"], rtol=1e-5)
    outputs[1, 2, 0] = np.nan
    again = task.scores(stream, outputs)["label_error_rate"]
    assert np.isnan(again).tolist() == [False, True, False, False]
    metric = task.metric()
    metric.update(stream.rows(slice(2)), outputs[:1].repeat(2, axis=0))
    assert metric.result()["label_error_rate"].value == pytest.approx((0 + 1) / 2)
    display = task.display()
    assert [display.told(row) for row in targets] == ["a b", "c c a", "b", "a b"]
    assert [display.answered((5 * np.eye(4))[row]) for row in said[[0, 2, 3]]] == ["a b", "nothing", "a b a b a b a"]


def test_the_best_constant_answer_is_the_best_of_all():
    task = small()
    targets = task.examples("test").targets
    lengths = (targets != BLANK).sum(axis=1)
    errors = {}
    for length in range(4):
        for string in itertools.product(range(3), repeat=length):
            distances = edit_distances(np.array(string, int), np.array(length), targets, lengths)
            errors[string] = (distances / lengths).mean()
    assert task.memoryless() == pytest.approx(min(errors.values()), rel=1e-12)
    assert errors[tuple(constant_answer(targets, lengths, 3))] == pytest.approx(task.memoryless(), rel=1e-12)
    assert task.level_error() < 0.1


def test_among_many_words_frequent_ones_make_the_constant_answer():
    rng = np.random.default_rng(0)
    targets = np.sort(rng.integers(200, size=(50, 3)), axis=1)
    targets[:, 0] = 7
    assert constant_answer(targets, np.full(50, 3), 200)[0] == 7


def test_the_reference_hears_each_clip_by_itself():
    task = small()
    levels = task.levels()
    assert levels["reference"] == levels["logistic regression"] == _fit(task)["test"]
    assert levels["reference"] < 0.3 < levels["memoryless"] == levels["constant answer"]
    assert small(lag=9, readout=9).reference() == levels["reference"]


def test_no_readout_is_fitted_where_steps_are_not_aligned():
    task = small()
    stream = next(iter(task.split("test")))
    assert numbers(task, stream.targets) is None
    aligned = type("Aligned", (Transcription,), {"aligned": True, "__module__": __name__})
    assert numbers(aligned(lag=2, **SMALL), stream.targets) is not None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"fewest_words": 4}, "fewest_words: 4 is more than most_words, 3"),
        ({"readout": 4}, "readout: 4 is too short for 3 equal words and the blanks: 5"),
        ({"source": "speech_commands", "words": ("go", "up"), "window_ms": 1},
         "bands: 6 is too many for windows of 1 ms: at most 4"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told(settings, told):
    assert [f"{key}: {reason}" for key, reason in small(**settings).problems(8)] == [told]


def test_a_word_twice_is_refused():
    with pytest.raises(ValidationError, match="different words"):
        small(words=("a", "a"))


def test_the_probe_is_the_total_derivative_of_ctc():
    """Against the loss in float64 of NumPy; the probe's own is Keras', which is computed in float32."""
    from rnnbench.training.network import build
    from rnnbench.training.probes.gradient_probe import GradientProbe

    task, model = small(lag=1, most_words=2, silence=0), GRU(units=4)
    network = build(task, model, seed=1)
    stock, probe = GradientProbe(task, model), GradientProbe(task, model, "fast")
    for one in (stock, probe):
        one.load(network.get_weights())
    stream = task.train_batch(0, 0, 3)
    found, step = probe.gradient(stream), 1e-6
    for time in (2, 9, 11, 15):
        for unit in range(4):
            taps = np.zeros((3, stream.steps, stock.width))
            taps[:, time, unit] = step
            ahead, behind = (task.scores(stream, stock.outputs(stream, sign * taps))["loss"] for sign in (1, -1))
            np.testing.assert_allclose(found[:, time, unit], (ahead - behind) / (2 * step), rtol=1e-3, atol=1e-7)
    assert probe.profile(task.layout, stream).summary()["survival"] > 0


def run(learning_rate: float, steps: int) -> dict[str, float]:
    from rnnbench.training.run import run as train

    (spec,) = Experiment(
        name="test",
        tasks={"transcription": SMALL | {"lag": 0, "training_lags": "fixed", "most_words": 2}},
        models={"gru": {"units": 24}},
        training={"steps": steps, "batch_size": 32, "evaluate_every": 150, "learning_rate": learning_rate},
        gradients={"examples": 2},
    ).runs
    return list(train(spec))[-1].metrics  # type: ignore[attr-defined]


def test_a_small_network_learns_it_and_an_untrained_one_does_not():
    learnt, idle = run(2e-2, 300), run(1e-12, 150)
    assert learnt["skill"] > 0.4
    assert learnt["survival"] > 0
    assert not any(name.startswith("readable") for name in learnt)
    assert idle["skill"] < 0.1
    assert not idle["solved"]


@pytest.mark.real_data
def test_strings_of_real_words():
    task = Transcription(lag=0)
    levels = task.levels()
    assert 0.7 < levels["memoryless"] < 0.8
    assert 0.3 < levels["reference"] < 0.45
    frames = task.clips.examples("train").evidence
    # Short clips are padded with zeros, whose energy is 0 in every band.
    silent = frames.min(axis=(0, 1))
    assert ((frames == silent).all(axis=2).sum(axis=1) > 0).mean() > 0.01
    assert math.isfinite(task.level_error())

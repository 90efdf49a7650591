"""Video: its streams, what is asked behind an occlusion, its levels, on synthetic digits and real ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from rnnbench.execution.base import quiet_tensorflow
from rnnbench.experiment.definition import Experiment
from rnnbench.models.gru import GRU
from rnnbench.tasks.bouncing import at_constant_velocity
from rnnbench.tasks.stream import joined
from rnnbench.tasks.video import Video, reduced

quiet_tensorflow()

SMALL = {"source": "synthetic", "side": 8, "digit": 5, "frames": 4, "readout": 3, "validation_examples": 20,
         "test_examples": 60}  # fmt: skip


def small(**settings) -> Video:
    return Video(**{"lag": 2} | SMALL | settings)


def film(task: Video, row: int, steps: int, split: str = "test") -> np.ndarray:
    """All frames of a film, (steps, pixels), from the places of its plan."""
    return task._pixels(split, np.array([row]), np.arange(steps))[0]


def test_sizes_are_known_without_data():
    task = Video(lag=10)
    assert (task.layout, task.ports, task.outputs) == ((8, 10, 4), (144 + 3, 0, 0), 144)
    assert task.split_sizes() == {"train": 50_000, "validation": 500, "test": 1_000}
    assert task.data_source == "mnist"


@pytest.mark.parametrize("filler", ["zeros", "blank", "decoy"])
def test_the_stream(filler):
    task = small(filler=filler, training_lags="fixed")
    whole = joined(task.split("test"))
    assert (whole.features.shape, whole.targets.shape) == ((60, 9, 67), (60, 3, 64))
    for row in (0, 31):
        shown = film(task, row, 9)
        np.testing.assert_array_equal(whole.features[row, :4, :64], shown[:4])
        np.testing.assert_array_equal(whole.targets[row], shown[6:9])
    cue, blank, marker = np.moveaxis(whole.features[..., 64:], -1, 0)
    assert (cue == ([1] * 4 + [0] * 5)).all()
    assert (blank == ([0] * 4 + [float(filler == "blank")] * 2 + [0] * 3)).all()
    assert (marker == ([0] * 6 + [1] * 3)).all()
    assert not whole.features[:, 6:, :64].any()  # what is asked is not shown
    assert whole.features[:, 4:6, :64].any() == (filler == "decoy")


def test_the_film_goes_on_behind_the_filler_or_waits():
    for lag in (0, 1, 7):
        moving, waiting = (small(lag=lag, occlusion=occlusion) for occlusion in ("moves", "waits"))
        assert (moving.moves_on, waiting.moves_on) == (True, False)
        shown = film(moving, 5, 14)
        np.testing.assert_array_equal(moving.examples("test").targets[5], shown[4 + lag : 7 + lag])
        np.testing.assert_array_equal(waiting.examples("test").targets[5], shown[4:7])
        np.testing.assert_array_equal(moving.examples("test").evidence[5], shown[:4])


def test_training_meets_the_film_at_the_drawn_lag():
    task = small(lag=9)
    lags = set()
    for step in range(6):
        lag = task.training_lag(1, step)
        lags.add(lag)
        stream, plain = task.training_stream(1, step, 5), task.at_lag(lag).train_batch(1, step, 5)
        np.testing.assert_array_equal(stream.targets, plain.targets)
        shown = plain.features[:, :4, :64].reshape(5, 4, 8, 8)
        told = at_constant_velocity(shown, 4 + lag + np.arange(3)).reshape(5, 3, 64)
        same = (told == stream.targets).all(axis=(1, 2))
        assert same.mean() >= 0.6  # four frames may fit two paths
    assert len(lags) > 2


def test_decoys_are_films_of_training_digits():
    task = small(filler="decoy", lag=30)
    steps = task.decoys(np.random.default_rng(0), 50, 30).reshape(50, 30, 8, 8)
    told = at_constant_velocity(steps[:, :10], np.arange(30))
    np.testing.assert_array_equal(told, steps)
    inked = {tuple(np.sort(frame[frame > 0])) for frame in steps[:, 0]}
    known = small()._layers("train", np.arange(5_000), np.array([0]))[:, 0, 0]
    assert len(inked & {tuple(np.sort(frame[frame > 0])) for frame in known}) > 25


def test_the_brighter_of_two_digits_is_seen():
    two = small(digits=2)
    layers = two._layers("test", np.arange(60), np.arange(9))
    assert layers.shape == (60, 2, 9, 8, 8)
    np.testing.assert_array_equal(two.examples("test").targets[:].reshape(60, 3, 8, 8), layers.max(axis=1)[:, 6:])
    assert (layers[:, 0] * layers[:, 1] > 0).any()


def test_levels_by_hand():
    task = small(frames=8, speed=2)
    targets = task.examples("test").targets[:].astype(np.float64)
    mean = task.examples("train").targets[:5_000].astype(np.float64).mean(axis=(0, 1))
    errors = ((targets - mean) ** 2).mean(axis=(1, 2))
    levels = task.levels()
    assert levels["memoryless"] == levels["mean frame"] == pytest.approx(errors.mean(), rel=1e-6)
    assert task.level_error() == pytest.approx(errors.std() / math.sqrt(60), rel=1e-6)
    last = task.examples("test").evidence[:][:, -1:]
    assert levels["last frame"] == pytest.approx(((targets - last) ** 2).mean(), rel=1e-6)
    assert levels["reference"] == levels["constant velocity"] == 0
    assert 0 < levels["place alone"] < levels["memoryless"]
    assert task.skill(0.0) == 1
    assert task.asks_memory()
    assert small(digits=2, frames=8).reference() == 0
    assert "position-blind" in small(filler="decoy", lag=1, training_lags="fixed").levels()


def test_levels_follow_the_lag_only_where_the_film_goes_on():
    moving, waiting = ([small(lag=lag, occlusion=occlusion).memoryless() for lag in (0, 6)]
                       for occlusion in ("moves", "waits"))  # fmt: skip
    assert moving[0] == waiting[0] == waiting[1] != moving[1]
    assert moving[1] == pytest.approx(moving[0], rel=0.1)


def test_the_metrics_of_an_answer():
    task = small()
    stream = joined(task.split("test")).rows(slice(2))
    grey = np.full((2, 3, 64), 0.5, np.float32)
    found = task.scores(stream, grey)
    assert found["binary_cross_entropy"] == pytest.approx(math.log(2))
    np.testing.assert_allclose(found["mse"], ((stream.targets - 0.5) ** 2).mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found["loss"], found["mse"])
    black = task.scores(stream, np.full((2, 3, 64), -7, np.float32))["binary_cross_entropy"]
    ink = stream.targets.astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(black, -(ink * math.log(0.01) + (1 - ink) * math.log(0.99)), rtol=1e-6)
    assert np.isnan(task.scores(stream, np.full_like(grey, np.nan))["binary_cross_entropy"]).all()


def test_without_the_marker_filler_stands_at_the_readout():
    task = small(filler="blank")
    stream = joined(task.split("test"))
    found = task.without_marker(stream)
    assert (found.features[:, -3:] == task.fill(np.random.default_rng(0), 1, 1)).all()
    np.testing.assert_array_equal(found.features[:, :-3], stream.features[:, :-3])


def test_pictures_stand_side_by_side():
    task = small()
    display = task.display()
    shown = film(task, 3, 9)
    picture = display.answer_picture(shown[6:9] + 0.0)
    assert picture.shape == (8, 24)
    np.testing.assert_array_equal(picture[:, 8:16], shown[7].reshape(8, 8))
    assert display.picture(shown[:4]).shape == (8, 32)
    wild = display.answer_picture(np.array([[-3.0] * 64, [7.0] * 64]))
    assert (wild.min(), wild.max()) == (0, 1)


def test_digits_are_reduced_by_area():
    image = np.zeros((1, 6, 6), np.float32)
    image[0, :3, :3] = 0.8  # a quarter of a 2 x 2 picture, and of a 4 x 4 one 1, 1/2, 0, 0 along each axis
    assert reduced(image, 2)[0].tolist() == [[1, 0], [0, 0]]
    np.testing.assert_allclose(reduced(image, 4)[0, :2, :2], [[1, 1], [1, 1]], rtol=1e-6)
    image[0, 2] = 0
    np.testing.assert_allclose(reduced(image, 4)[0, :3, :3], [[1, 1, 0], [1 / 3, 1 / 3, 0], [0, 0, 0]], atol=1e-6)


def test_a_digit_as_large_as_the_frame_cannot_move():
    told = "8 is too large for frames of side 8: at most 7"
    assert list(small(digit=8).problems(8)) == [("digit", told)]
    assert not list(small(digit=7).problems(8))


@pytest.mark.parametrize("wrong", [{"frames": 2}, {"digits": 0}, {"speed": 0}, {"occlusion": "stops"}, {"lag": -1}])
def test_wrong_fields_are_refused(wrong):
    with pytest.raises(ValidationError):
        small(**wrong)


def test_the_probe_is_the_total_derivative_of_the_films_loss():
    from rnnbench.training.network import build
    from rnnbench.training.probes.gradient_probe import GradientProbe

    task, model = small(lag=3), GRU(units=4)
    network, probe = build(task, model, seed=1), GradientProbe(task, model)
    probe.load(network.get_weights())
    stream = task.train_batch(0, 0, 2)
    found = probe.gradient(stream)
    step, zeros = 1e-6, np.zeros((2, stream.steps, probe.width))
    for time in (1, 5, 7, 9):
        for unit in range(4):
            taps = zeros.copy()
            taps[:, time, unit] = step
            ahead, behind = (task.scores(stream, probe.outputs(stream, sign * taps))["loss"] for sign in (1, -1))
            np.testing.assert_allclose(found[:, time, unit], (ahead - behind) / (2 * step), rtol=1e-3, atol=1e-9)
    assert np.abs(found[:, 1]).min() > 0


def run(learning_rate: float, steps: int) -> dict[str, float]:
    from rnnbench.training.run import run as train

    (spec,) = Experiment(
        name="test",
        tasks={"video": SMALL | {"lag": 0, "training_lags": "fixed", "speed": 1}},
        models={"gru": {"units": 48}},
        training={"steps": steps, "batch_size": 32, "evaluate_every": 150, "learning_rate": learning_rate},
        gradients={"examples": 2},
    ).runs
    return list(train(spec))[-1].metrics  # type: ignore[attr-defined]


def test_a_small_network_learns_it_and_an_untrained_one_does_not():
    learnt, idle = run(1e-2, 450), run(1e-12, 150)
    assert learnt["skill"] > 0.25
    assert learnt["survival"] > 0
    assert idle["skill"] < 0
    assert not idle["solved"]


@pytest.mark.real_data
def test_films_of_real_digits():
    task = Video(lag=3)
    levels = task.levels()
    assert levels["reference"] == 0
    assert 0.03 < levels["memoryless"] < 0.06
    assert levels["place alone"] < levels["memoryless"] < levels["last frame"]
    evidence, targets = (part[:200] for part in task.examples("train"))
    assert (evidence.min(), evidence.max(), targets.max()) == (0, 1, 1)
    assert (evidence.reshape(200, 8, -1).max(axis=-1) == 1).all()  # the digit is in every frame

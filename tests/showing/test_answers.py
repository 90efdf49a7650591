"""Answers of a network: those of the examples, the confusion matrix against scikit-learn's, errors against NumPy's."""

from __future__ import annotations

import io
import json
import math
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, recall_score

from rnnbench.showing.answers import MOST_EXAMPLES, Answers
from rnnbench.showing.confusion import confusion_picture, recalls
from rnnbench.showing.drawing import answers_picture
from rnnbench.showing.example import examples
from rnnbench.showing.picture import of_evidence, png, unpacked
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.display import Display
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.sequential_mnist import SequentialMNIST
from rnnbench.tasks.stream import chunks, joined


def answered(task, outputs_of, size=200):
    """What is told of a network that answers `outputs_of(stream)`, and the streams and outputs themselves."""
    answers, pairs = Answers(task), []
    for stream in chunks(task.streams("test"), size):
        pairs.append((stream, outputs_of(stream)))
        answers.update(*pairs[-1])
    assert answers.reason == ""
    return answers.result(), pairs


def guesses(task, seed=0):
    rng = np.random.default_rng(seed)
    return lambda stream: rng.normal(size=(*stream.targets.shape[:2], task.outputs)).astype(np.float32)


def test_the_confusion_matrix_is_that_of_sklearn():
    task = SequentialMNIST(lag=3, source="synthetic")
    found, pairs = answered(task, guesses(task))
    truth = np.concatenate([stream.targets.ravel() for stream, _ in pairs])
    said = np.concatenate([outputs.argmax(axis=-1).ravel() for _, outputs in pairs])
    assert found["confusion"]["classes"] == [str(number) for number in range(10)]
    assert found["confusion"]["counts"] == confusion_matrix(truth, said, labels=range(10)).tolist()
    np.testing.assert_allclose(recalls(found["confusion"]["counts"]), recall_score(truth, said, average=None))


def test_only_scored_steps_are_counted_and_classes_that_nobody_met_are_left_out():
    task = CopyMemory(lag=4, symbols=2, objective="all", examples=50)
    found, _ = answered(task, lambda stream: np.eye(9, dtype=np.float32)[stream.targets])
    counts = np.array(found["confusion"]["counts"])
    assert found["confusion"]["classes"] == list("ABCDEFGH")
    assert counts.sum() == np.trace(counts) == 50 * 2
    assert [one["right"] for one in found["examples"]] == [1.0] * MOST_EXAMPLES


def test_answers_that_are_not_finite_are_counted_apart_and_are_no_numbers():
    task = SequentialMNIST(lag=3, source="synthetic")
    found, _ = answered(task, lambda stream: np.full((stream.examples, 1, 10), np.nan, np.float32))
    assert "confusion" not in found
    assert {one["probability"] for one in found["examples"]} == {None}
    json.dumps(found, allow_nan=False)


def test_examples_say_what_was_asked_and_answered():
    task = CopyMemory(lag=4, symbols=3, examples=100)
    found, pairs = answered(task, guesses(task))
    everything = joined([stream._replace(features=None) for stream, _ in pairs]).targets
    said = np.concatenate([outputs.argmax(axis=-1) for _, outputs in pairs])
    names = ["·", *"ABCDEFGH"]
    for one in found["examples"]:
        truth, answer = everything[one["example"]], said[one["example"]]
        assert one["truth"] == " ".join(names[symbol] for symbol in truth)
        assert one["answer"] == " ".join(names[symbol] for symbol in answer)
        assert one["right"] == pytest.approx(np.mean(truth == answer), abs=1e-3)
        assert one["asked"] == f"{one['truth']}, then 4 steps of blank"
    assert [one["lead"] for one in found["examples"]][:5] == [0, 5, 10, 15, 20]


@pytest.mark.parametrize("settings", [{}, {"variables": "multivariate"}, {"target": "change"}])
def test_forecasts_stand_beside_the_truth_and_persistence(settings):
    task = Forecasting(lag=3, source="synthetic", horizon=6, **settings)
    found, _ = answered(task, lambda stream: stream.targets + 0.5)
    np.testing.assert_allclose(found["errors_ahead"]["mse"], [0.25] * 6, rtol=1e-3)
    examples = task.examples("test")
    channels = examples.evidence.shape[-1]
    future = np.asarray(examples.targets).reshape(len(examples.targets), 6, channels)
    expected = np.mean((future - examples.evidence[:, -1:]) ** 2, axis=(0, 2))
    np.testing.assert_allclose(found["errors_ahead"]["persistence"], expected, rtol=1e-3)
    for one in found["examples"]:
        assert one["error"] == pytest.approx(0.25, rel=1e-3)
        curve = one["curves"][0]
        np.testing.assert_allclose(np.array(curve["answer"]) - curve["truth"], 0.5, atol=2e-3)
        assert set(curve["persistence"]) == {curve["seen"][-1]}
        assert len(curve["truth"]) == 6
    assert found["examples"][0]["curves"][0]["name"] == ("HUFL" if channels > 1 else "OT")
    well_formed(answers_picture(found["examples"]))


def test_pictures_survive_the_way():
    task = SequentialMNIST(lag=3, source="synthetic")
    found, _ = answered(task, guesses(task))
    (first,) = examples(task, "test", 1)
    levels = unpacked(found["examples"][0]["picture"])
    np.testing.assert_array_equal(levels, of_evidence(first))
    assert png(levels).startswith(b"\x89PNG")
    well_formed(answers_picture(found["examples"]))


def well_formed(svg):
    assert svg is not None
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    ElementTree.fromstring(svg)


def test_a_png_is_the_picture():
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    read = matplotlib.image.imread(io.BytesIO(png(levels)), format="png")
    np.testing.assert_array_equal((read * 255).round().astype(np.uint8), levels)


def test_any_label_stays_well_formed():
    found = {"classes": ["<b>", "\x00&", "a" * 300], "counts": [[1, 0, 2], [0, 0, 0], [5, 6, 100_000]]}
    well_formed(confusion_picture(found))
    assert [math.isnan(recall) for recall in recalls(found["counts"])] == [False, True, False]


class Failing(CopyMemory):
    def display(self) -> Display:
        raise ValueError("no idea")


def test_a_display_that_fails_leaves_the_answers_out():
    answers = Answers(Failing(lag=3, examples=20))
    for stream in Failing(lag=3, examples=20).streams("test"):
        answers.update(stream, np.zeros((stream.examples, 10, 9), np.float32))
    assert answers.result() is None
    assert answers.reason == "ValueError: no idea"


def test_a_task_of_very_many_classes_has_no_matrix():
    task = CopyMemory(lag=3, alphabet=40, examples=30)
    found, _ = answered(task, guesses(task))
    assert "confusion" not in found
    assert len(found["examples"]) == min(MOST_EXAMPLES, 30)

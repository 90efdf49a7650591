"""Free-running answers: the network reads its own last answer, whatever the stream shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from rnnbench import registry
from rnnbench.tasks.base import Split
from rnnbench.tasks.metric import Estimate
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import ClassificationTask
from rnnbench.training.decoding import Decoder
from rnnbench.training.metrics import free_running
from rnnbench.training.network import answers, build

CLASSES = 4


class Recited(ClassificationTask):
    """Four tokens again, each behind the one before; a number beside each token says how the last answer was."""

    feeds_back: ClassVar[bool] = True

    layout = property(lambda self: Layout(evidence=4, lag=self.lag, readout=4))
    ports = property(lambda self: Ports(features=1, vocabulary=CLASSES + 2, embedding=3))
    outputs = property(lambda self: CLASSES)

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        rng = np.random.default_rng([seed, step])
        tokens = np.full((batch_size, self.layout.length), CLASSES, np.int32)
        tokens[:, :4] = rng.integers(CLASSES, size=(batch_size, 4))
        tokens[:, -4] = CLASSES + 1
        tokens[:, -3:] = tokens[:, :3]
        features = np.zeros((*tokens.shape, 1), np.float32)
        features[:, -3:, 0] = tokens[:, :3] / CLASSES
        return Stream(tokens[:, :4].copy(), features, tokens)

    def split(self, name: Split) -> Iterator[Stream]:
        yield self.train_batch(7, name == "test", 5)

    def fed_back(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        said = answers.argmax(axis=-1).astype(np.int32)
        return {"tokens": said, "features": (said[:, None] / CLASSES).astype(np.float32)}


def read_by_hand(task, network, stream):
    """The answers, one by one, each written into a copy of the stream before the next is asked for."""
    shown, given = stream.map(np.copy), []
    for read in range(4):
        given.append(answers(network, shown)[:, read])
        if read < 3:
            said = given[-1].argmax(axis=-1)
            shown.tokens[:, -3 + read] = said
            shown.features[:, -3 + read, 0] = said / CLASSES
    return np.stack(given, axis=1)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru", "janet", "lru", "min_gru", "tcn", "transformer"])
def test_each_answer_is_the_input_of_the_next_step(name, layers):
    task, model = Recited(lag=3), registry.models[name](units=8, layers=layers)
    network = build(task, model, 0)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(scale=0.8, size=one.shape).astype(np.float32) for one in network.get_weights()])
    (stream,) = task.split("test")
    untouched = stream.map(np.copy)
    found = Decoder(network).answers(task, stream, lambda one: answers(network, one))
    wanted = read_by_hand(task, network, stream)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[:, 0], answers(network, stream)[:, 0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[:, 1:], answers(network, stream)[:, 1:]), "it read the true answers"
    for part, before in untouched.parts.items():
        np.testing.assert_array_equal(stream.parts[part], before)


def test_the_task_says_which_metrics_are_of_true_last_answers():
    task = Recited(lag=3)
    free = {name: Estimate(0.25) for name in ("accuracy", "loss", "other")}
    forced = {name: Estimate(0.75) for name in ("accuracy", "loss", "other")}
    found = {name: estimate.value for name, estimate in free_running(task, free, forced).items()}
    assert found == {"accuracy": 0.25, "loss": 0.75, "other": 0.25, "forced_accuracy": 0.75}


class Counted(Recited):
    """A token read long ago, and the three that follow it: each tells the next, the first is told by none."""

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        first = np.random.default_rng([seed, step]).integers(CLASSES, size=(batch_size, 1))
        targets = ((first + np.arange(4)) % CLASSES).astype(np.int32)
        tokens = np.full((batch_size, self.layout.length), CLASSES, np.int32)
        tokens[:, :1] = first
        tokens[:, -4] = CLASSES + 1
        tokens[:, -3:] = targets[:, :3]
        return Stream(targets, np.zeros((*tokens.shape, 1), np.float32), tokens)

    def fed_back(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        return super().fed_back(answers) | {"features": np.zeros((len(answers), 1), np.float32)}


def test_without_memory_true_answers_tell_what_the_networks_own_do_not():
    """A network set by hand that says the successor of what it reads, and always 0 at the marker."""
    task = Counted(lag=3)
    network = build(task, registry.models["simple_rnn"](units=CLASSES + 1), 0)
    seen = np.zeros((CLASSES + 2, 3), np.float32)
    seen[:, 0] = np.arange(CLASSES + 2)
    steep = 20.0
    kernel = np.zeros((4, CLASSES + 1), np.float32)
    kernel[1] = steep
    bias = -steep * (np.arange(CLASSES + 1) - 0.5).astype(np.float32)
    head = np.zeros((CLASSES + 1, CLASSES), np.float32)
    for token in range(CLASSES + 1):
        # Of token t the first t + 1 units are 1, the others -1.
        said = (token + 1) % CLASSES if token < CLASSES else 0
        for unit in range(CLASSES + 1):
            head[unit, said] += 1.0 if unit <= token else -1.0
    network.get_layer("embedding").set_weights([seen])
    network.get_layer("layer_0").set_weights([kernel, np.zeros((CLASSES + 1, CLASSES + 1), np.float32), bias])
    network.get_layer("head").set_weights([head, np.zeros(CLASSES, np.float32)])
    stream = task.train_batch(0, 0, 200)
    forced = answers(network, stream).argmax(axis=-1)
    free = Decoder(network).answers(task, stream, lambda one: answers(network, one)).argmax(axis=-1)
    lucky = stream.targets[:, 0] == 0
    assert 0 < lucky.sum() < 200
    np.testing.assert_array_equal(forced[:, 1:], stream.targets[:, 1:])
    np.testing.assert_array_equal((free == stream.targets).all(axis=1), lucky)
    assert not (free == stream.targets)[~lucky].any()

"""Free-running answers: at each readout step but the first, the network reads its own last answer.

A recurrent network carries its states on. Any other network reads the whole sequence again for each answer, with those
it has given in their places: a causal one cannot tell what stands behind.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from rnnbench.tasks.base import Task
from rnnbench.tasks.stream import Stream
from rnnbench.training.carried import CarriedNetwork, can_be_carried

Answer = Callable[[Stream], np.ndarray]
"""What a network answers to a stream, (B, R, outputs)."""


class Decoder:
    """Answers of a network that `training.network.build` made, at its weights of the moment."""

    def __init__(self, network: keras.Model) -> None:
        self._carried = CarriedNetwork(network) if can_be_carried(network) else None

    def answers(self, task: Task, stream: Stream, whole: Answer) -> np.ndarray:
        """The free-running answers to a stream, (B, R, outputs); of its readout only the first step is read.

        `whole`: what the network answers to a stream as it stands, for a network that has no states to carry.
        """
        if self._carried is None:
            return _again_and_again(task, stream, whole)
        asked = stream.steps - stream.targets.shape[1] + 1
        inputs = {name: part[:, :asked] for name, part in stream.parts.items() if name in ("features", "tokens")}
        answer, states = self._carried.read(inputs)
        answers = [answer]
        while len(answers) < stream.targets.shape[1]:
            said = {name: part[:, None] for name, part in task.fed_back(answer).items()}
            answer, states = self._carried.read(said, states)
            answers.append(answer)
        return np.stack(answers, axis=1)


def _again_and_again(task: Task, stream: Stream, whole: Answer) -> np.ndarray:
    reads = stream.targets.shape[1]
    running = stream.map(np.copy)
    answers = []
    for read in range(reads):
        answers.append(whole(running)[:, read])
        if read + 1 < reads:
            for name, values in task.fed_back(answers[-1]).items():
                running.parts[name][:, stream.steps - reads + read + 1] = values
    return np.stack(answers, axis=1)

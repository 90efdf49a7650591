"""One task of each shape of sequence: its gradient probe against finite differences, and a run that is interrupted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnbench import registry
from rnnbench.checks.models import finite_differences
from rnnbench.training import run as training
from rnnbench.training.network import build
from rnnbench.training.probes.gradient_probe import GradientProbe
from tests.training.test_resume import interrupted
from tests.training.test_run import specs, without_seconds

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "many-to-one": ("parity", {"evidence": 4, "marked": 2, "examples": 40}),
    "many-to-many, at once": ("language_model", {"source": "synthetic", "context": 5, "readout": 3, "embedding": 3}),
    "many-to-many, every step": (
        "language_model",
        {"source": "synthetic", "form": "stream", "lag": 0, "context": 6, "embedding": 3},
    ),
    "many-to-many, of many outputs": ("music", {"source": "synthetic", "context": 4, "readout": 2}),
    "one-to-many": ("captioning", {"source": "synthetic", "image": "vector"}),
    "encoder-decoder": ("reversal", {"symbols": 3, "examples": 40}),
    "encoder-decoder, padded": ("translation", {"source": "synthetic", "longest": 5, "answer": 4, "embedding": 3}),
    "next frame": ("video", {"source": "synthetic", "frames": 3, "readout": 2}),
    "alignment unknown": (
        "transcription",
        {
            "source": "synthetic",
            "fewest_words": 1,
            "most_words": 2,
            "window_ms": 250,
            "stride_ms": 250,
            "bands": 8,
            "silence": 1,
        },
    ),
}


def task_of(shape):
    name, settings = SHAPES[shape]
    return name, {"lag": 2} | settings


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", ["lstm", "tcn"])
def test_the_gradient_probe_against_finite_differences(shape, model):
    name, settings = task_of(shape)
    task, small = registry.tasks[name](**settings), registry.models[model](units=6)
    probe = GradientProbe(task, small, "stock")
    probe.load(build(task, small, 0).get_weights())
    stream = task.train_batch(0, 0, 2)
    # Keras computes the loss of CTC in float32, which small shifts drown in.
    shift, least = (1e-6, 1e-7) if task.aligned else (1e-2, 1e-3)
    expected = probe.by_state(finite_differences(probe, stream, shift))
    for state, gradient in probe.by_state(probe.gradient(stream)).items():
        wanted, off = (np.linalg.norm(one, axis=-1) for one in (expected[state], gradient - expected[state]))
        assert wanted.max() > 0
        assert (off <= 1e-3 * wanted + least * wanted.max()).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_that_is_interrupted_goes_on_bit_by_bit(shape):
    name, settings = task_of(shape)
    (spec,) = specs(tasks={name: settings}, steps=15, batch_size=8, gradients={"examples": 2})
    expected = without_seconds(training.run(spec))
    attempts, events, _ = interrupted(spec)
    assert attempts == 1
    assert without_seconds(events) == expected

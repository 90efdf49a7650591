"""A network that reads on where it was answers as one that reads the whole text at once."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.tasks.language_model import LanguageModel
from rnnbench.training.generation import NetworkReader, restored
from rnnbench.training.network import build

TASK = LanguageModel(lag=0, source="synthetic", form="stream", context=16, embedding=4)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("simple_rnn", {}),
        ("lstm", {"layers": 2}),
        ("gru", {}),
        ("layer_norm_lstm", {}),
        ("min_gru", {}),
        ("lru", {}),
        ("tcn", {"layers": 2, "kernel_size": 3}),
        ("transformer", {"units": 8, "layers": 1}),
    ],
)
def test_in_pieces_as_at_once(name: str, settings: dict[str, int]) -> None:
    network = build(TASK, registry.models[name](**{"units": 6, **settings}), seed=1)
    text = np.random.default_rng(0).integers(0, 27, size=14).astype(np.int32)
    whole = np.asarray(network(text[None]))[0]
    reader, state = NetworkReader(network, window=16), None
    for piece in (slice(0, 6), slice(6, 7), slice(7, 8), slice(8, 14)):
        outputs, state = reader.read(text[piece], state)
        np.testing.assert_allclose(outputs, whole[piece.stop - 1], atol=1e-5)


def test_what_was_saved_is_restored(tmp_path) -> None:
    model = registry.models["gru"](units=6)
    network = build(TASK, model, seed=1)
    network.save(tmp_path / "model.keras")
    text = np.arange(9, dtype=np.int32)
    found, _ = restored(TASK, model, (tmp_path / "model.keras").read_bytes()).read(text, None)
    np.testing.assert_allclose(found, np.asarray(network(text[None]))[0, -1], atol=1e-6)
    with pytest.raises(UserError, match="the model that was kept cannot be loaded"):
        restored(TASK, model, b"no archive")

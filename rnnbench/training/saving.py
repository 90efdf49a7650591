"""The trained network of a run as a file that plain Keras can load. Imports Keras: for workers only."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnnbench.events import Saved, Warned
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.training.network import build


def saved(spec: RunSpec, weights: Sequence[np.ndarray], versions: dict[str, str]) -> Saved | Warned:
    """The network of a run, built of stock layers, at `weights` (from `keras.Model.get_weights`).

    `Warned` if Keras cannot save it, as may happen with a plug-in's layer; the run loses only this file.
    """
    try:
        network = build(spec.task, spec.model, spec.seed)
        network.set_weights(weights)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            network.save(file)
            return Saved(spec.signature, file.read_bytes(), {name: versions[name] for name in _NEEDED})
    except Exception as error:
        return Warned(spec.signature, f"its network cannot be saved: {' '.join(str(error).split())}")


_NEEDED = ("tensorflow", "keras", "numpy")

"""What is measured of a network beside its gradient profile, under the names of the MLflow page.

The part before the last `/` is a section: `recurrent_kernel/sigma_max/forget`, `saturation/open/forget`. Each is
reported for what a cell has: weights by the names of Keras' cells, blocks and gates by the names in its `Model`.
"""

from __future__ import annotations

import keras
import numpy as np

from rnnbench.models.base import Model
from rnnbench.tasks.stream import Stream
from rnnbench.training.network import cells
from rnnbench.training.probes.blocks import block_names
from rnnbench.training.probes.saturation import Saturation
from rnnbench.training.probes.spectra import largest, spectra


class Diagnostics:
    """Spectra and saturation of a network that `training.network.build` made, at its weights of the moment."""

    def __init__(self, model: Model, network: keras.Model) -> None:
        self._model, self._cells = model, cells(network)
        self._saturation = Saturation(model, network)

    def measure(self, stream: Stream) -> dict[str, float]:
        """All metrics by name; `stream` is the probe batch. What is not finite is left out."""
        kernels = [cell.recurrent_kernel for cell in self._cells if getattr(cell, "recurrent_kernel", None) is not None]
        of_layers = [spectra(np.array(kernel), block_names(self._model, kernel.shape)) for kernel in kernels]
        metrics = {f"recurrent_kernel/{name}": value for name, value in largest(of_layers).items()}
        metrics |= {
            name if name.startswith("time_constant/") else f"saturation/{name}": value
            for name, value in self._saturation.measure(stream).items()
        }
        return {name: value for name, value in metrics.items() if np.isfinite(value)}

"""LRU: linear recurrent unit (Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu & De 2023, arXiv:2303.06349)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from rnnbench.models.base import RNNModel
from rnnbench.registry import register_model

if TYPE_CHECKING:
    import keras


@register_model("lru")
class LRU(RNNModel):
    """A complex diagonal linear recurrence, and a gated linear unit behind it (Orvieto et al. 2023).

    h_t = lambda h_{t-1} + exp(gamma) B x_t, y_t = Re(C h_t) + D x_t with lambda = exp(-exp(nu) + i exp(theta)):
    section 3 and appendix A. Of the paper's residual block there are the recurrence and the GELU
    and gated linear unit that follow it; normalisation, dropout and the path around the block are left out, as a
    layer's inputs may have another width than its outputs. `units` is both the number of complex states and of outputs.
    """

    r_min: float = Field(0.0, ge=0, lt=1)
    """Smallest initial modulus of an eigenvalue. The eigenvalues are uniform on the ring between `r_min` and `r_max`
    (lemma 3.2); for long memories the paper takes 0.9 to 0.999."""
    r_max: float = Field(1.0, gt=0, le=1)
    """Largest initial modulus."""
    max_phase: float = Field(6.283185307179586, gt=0, le=6.283185307179586)
    """Largest initial phase, in radians: 2 pi, or less for slow oscillations only (section 3.4: pi / 10 for Path-X)."""

    states: ClassVar[int] = 2
    kernel_blocks: ClassVar[int] = 4
    initial: ClassVar[frozenset[str]] = frozenset({"r_min", "r_max", "max_phase"})

    @model_validator(mode="after")
    def _a_ring(self) -> Self:
        if self.r_min >= self.r_max:
            raise ValueError(f"r_min ({self.r_min}) must be below r_max ({self.r_max})")
        return self

    def cell(self) -> keras.Layer:
        from rnnbench.layers.lru import LRUCell

        return LRUCell(self.units)

    def initialize(self, layer: keras.layers.RNN, length: int, rng: np.random.Generator) -> None:
        cell, units, width = layer.cell, self.units, layer.cell.kernel.shape[0]
        # From (0, 1]: no eigenvalue of modulus or phase 0, whose logarithm does not exist.
        squares = (1 - rng.uniform(size=units)) * (self.r_max**2 - self.r_min**2) + self.r_min**2
        # Nor one of modulus 1, whose inputs gamma would scale to 0.
        squares = np.minimum(squares, 1 - 1e-6)
        cell.nu_log.assign(np.log(-0.5 * np.log(squares)))
        cell.theta_log.assign(np.log(self.max_phase * (1 - rng.uniform(size=units))))
        cell.gamma_log.assign(0.5 * np.log(1 - squares))
        normal: dict[str, Any] = {"kernel": 2 * width, "output_kernel": units, "skip_kernel": width}
        for name, variance in normal.items():
            weight = getattr(cell, name)
            weight.assign(rng.normal(size=weight.shape) / np.sqrt(variance))
        # Flax' default for dense layers, as in the paper's code, is LeCun's normal.
        cell.gate_kernel.assign(rng.normal(size=(units, 2 * units)) / np.sqrt(units))
        cell.gate_bias.assign(np.zeros(2 * units))

    def layer_parameters(self, inputs: int) -> int:
        return (3 * inputs + 4 * self.units + 5) * self.units

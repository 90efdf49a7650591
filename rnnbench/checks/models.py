"""Checks 3 to 6: initial weights, the gradient probe, its bound, and the decay at initialisation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnbench.checks.contracts.sized import TASK, small
from rnnbench.checks.finding import Finding, at_most, equal, near
from rnnbench.models.base import Model
from rnnbench.models.gru import GRU
from rnnbench.models.lstm import LSTM
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.base import Split
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.stream import Layout, Ports, Stream
from rnnbench.tasks.supervised import RegressionTask
from rnnbench.training.network import build, cells
from rnnbench.training.probes.gradient_probe import GradientProbe
from rnnbench.training.probes.profile import decay_per_step
from rnnbench.training.probes.spectra import spectra

_PASCANU = "Pascanu et al. 2013, section 2"
_KERAS = "Keras' defaults"
_SHIFT = 1e-6
"""Of a tap: layers without a loop can round at 1e-9 in float64 too, which a small one would turn into errors."""

_ROUNDING = 1e-9
"""What rounding may add to a difference: losses of about 1 are off by some 1e-16, and a difference by that over the
shift. Where little gradient is left it is much of it."""


def initial_weights() -> Iterator[Finding]:
    """Check 3: orthogonal recurrent kernel, forget bias 1, and the parameters of three layers of about equal size."""
    task = CopyMemory(lag=20, symbols=1)
    kernel = np.array(cells(build(task, SimpleRNN(units=64), 0))[0].recurrent_kernel, np.float64)
    error = float(np.abs(kernel @ kernel.T - np.eye(64)).max())
    yield near("3 SimpleRNN: largest entry of U Uᵀ - I", 0.0, error, 1e-5, _KERAS)
    bias = np.split(np.array(cells(build(task, LSTM(units=64), 0))[0].bias), 4)[1]
    yield equal("3 LSTM: forget bias", "1", "1" if (bias == 1).all() else f"{bias.min()} to {bias.max()}", _KERAS)
    counts = {LSTM(units=128): 67_072, GRU(units=148): 67_488, SimpleRNN(units=257): 66_820}
    for model, expected in counts.items():
        network = build(Adding(form="urnn", lag=20), model, 0)
        found = sum(weight.shape.num_elements() for weight in cells(network)[0].weights)
        name = f"3 {type(model).__name__}-{model.units}, 2 inputs: recurrent parameters"
        yield equal(name, f"{expected:,}", f"{found:,}", "closed form")


def probe(name: str, model_class: type[Model]) -> Iterator[Finding]:
    """Check 4: the gradient probe of a model, in float64: the largest relative error over the steps, for each state.

    Where a state no longer reaches the loss, probe and differences must both be exactly 0.
    """
    task, model = TASK, small(model_class)
    weights, stream = build(task, model, 0).get_weights(), task.train_batch(0, 0, 3)
    stock, fast = GradientProbe(task, model, "stock"), GradientProbe(task, model, "fast")
    for gradient_probe in (stock, fast):
        gradient_probe.load(weights)
    expected = stock.by_state(finite_differences(stock, stream))
    for layers, gradient_probe in {"stock": stock, "fast": fast}.items():
        for state, gradient in gradient_probe.by_state(gradient_probe.gradient(stream)).items():
            off, norm = (np.linalg.norm(x, axis=-1) for x in (gradient - expected[state], expected[state]))
            # Not `off > 0`, which would pass over a gradient that is NaN.
            off = np.where(off <= _ROUNDING, 0, off)
            error = float(np.divide(off, norm, out=np.zeros_like(off), where=off != 0).max())
            check = f"4 probe of {name}, {layers} layers, d loss / d{state}: relative error"
            yield at_most(check, 1e-3, error, "finite differences")


def bound() -> Iterator[Finding]:
    """Check 5: per step the norm grows by at most sigma_max(U); it may grow though the spectral radius is 0."""
    task, model = CopyMemory(lag=40, symbols=1), SimpleRNN(units=32)
    for scale in (0.9, 1.0, 1.2):
        network, gradient_probe = build(task, model, 0), GradientProbe(task, model)
        kernel = cells(network)[0].recurrent_kernel
        kernel.assign(scale * np.array(kernel))
        gradient_probe.load(network.get_weights())
        norms = gradient_probe.profile(task.layout, task.train_batch(0, 0, 20)).norms["h"]
        limits = norms[:, :1] * spectra(np.array(kernel))["sigma_max/all"] ** np.arange(norms.shape[1])
        name = f"5 SimpleRNN, {scale} U: largest norm over its bound sigma_max(U)^distance"
        yield at_most(name, 1 + 1e-4, float((norms / limits).max()), _PASCANU)
    yield from counterexample()


def counterexample() -> Iterator[Finding]:
    """W = [[8, 8], [-8, -8]] has spectral radius 0; held at (0, artanh 1/2) its Jacobian products double each step."""
    task, model = _Held(lag=12), SimpleRNN(units=2)
    kernel, held = np.array([[8.0, 8.0], [-8.0, -8.0]]), np.array([0.0, np.arctanh(0.5)])
    network, gradient_probe = build(task, model, 0), GradientProbe(task, model)
    # Keras multiplies from the left, so that U = Wᵀ. The first step drives to the state, the others hold it.
    drive = np.stack([held, held - kernel @ np.tanh(held)])
    gradient_probe.load([drive, kernel.T, np.zeros(2), *network.get_weights()[3:]])
    (stream,) = task.split("test")
    gradient = gradient_probe.gradient(stream)
    norms = np.linalg.norm(gradient, axis=-1)[0, ::-1]
    radius, growth = spectra(kernel)["spectral_radius/all"], decay_per_step(norms, 1, 12)
    yield near("5 counterexample: spectral radius of W", 0.0, radius, 1e-6, "W² = 0")
    yield near("5 counterexample: growth of the norm per step back", 2.0, growth, 1e-4, "eigenvalue of W diag(1, 3/4)")
    expected = finite_differences(gradient_probe, stream, shift=1e-6)
    error = float((np.linalg.norm(gradient - expected, axis=-1) / np.linalg.norm(expected, axis=-1)).max())
    yield at_most("5 counterexample: relative error of the probe", 1e-3, error, "finite differences")


def decay_at_initialisation(seeds: int = 5) -> Iterator[Finding]:
    """Check 6: decay per step w.r.t. h over the distances 20 to 60 of adding, T=200, 128 units, mean over seeds.

    Five seeds give .951, .846, .633, .617 and .985, up to .006 from what is expected. That is the scatter of seeds: one
    standard deviation is .006 to .008 (chrono: .001), so the difference of two means over five seeds has about .005.
    Over twelve seeds: .950, .849, .636, .619 and .984. Means over examples and the ratio of two norms give the same.
    """
    task = Adding(form="urnn", lag=200)
    models: dict[str, tuple[Model, float, float]] = {
        "SimpleRNN": (SimpleRNN(units=128), 0.955, 0.02),
        "LSTM": (LSTM(units=128), 0.850, 0.02),
        "GRU": (GRU(units=128), 0.638, 0.02),
        "LSTM, forget bias 0": (LSTM(units=128, forget_bias=0.0), 0.623, 0.02),
        "LSTM, chrono(300)": (LSTM(units=128, initialization="chrono", chrono_max=300), 0.984, 0.005),
    }
    for name, (model, expected, tolerance) in models.items():
        gradient_probe, found = GradientProbe(task, model), []
        for seed in range(seeds):
            gradient_probe.load(build(task, model, seed).get_weights())
            found.append(
                decay_per_step(gradient_probe.profile(task.layout, task.train_batch(seed, 0, 16)).median("h"), 20, 60)
            )
        check, source = f"6 {name}, 128 units, adding, T=200: decay per step", "measured with numpy cells"
        yield near(check, expected, float(np.mean(found)), tolerance, source)


def finite_differences(gradient_probe: GradientProbe, stream: Stream, shift: float = _SHIFT) -> np.ndarray:
    """dl_i/ds_t of every example, step and tap, by central differences. Shape as the probe's."""
    n, steps, size = stream.examples, stream.steps, stream.steps * gradient_probe.width
    moved = np.repeat(np.eye(size).reshape(size, steps, gradient_probe.width), n, axis=0) * shift
    tiled = stream.map(lambda part: np.tile(part, (size, *[1] * (part.ndim - 1))))
    ahead, behind = (gradient_probe.losses(tiled, gradient_probe.outputs(tiled, side * moved)) for side in (1, -1))
    return ((ahead - behind) / (2 * shift)).reshape(steps, gradient_probe.width, n).transpose(2, 0, 1)


class _Held(RegressionTask):
    """One sequence whose first step drives a network to a state, and whose other steps hold it there."""

    @property
    def layout(self) -> Layout:
        return Layout(evidence=1, lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return Ports(features=2)

    @property
    def outputs(self) -> int:
        return 1

    def train_batch(self, seed: int, step: int, batch_size: int) -> Stream:
        steps = [0] + [1] * (self.layout.length - 1)
        return Stream(targets=np.array([[[3.0]]], np.float32), features=np.eye(2, dtype=np.float32)[[steps]])

    def split(self, name: Split) -> list[Stream]:
        return [self.train_batch(0, 0, 1)]

    def memoryless(self, split: Split = "test") -> float:
        return 1.0

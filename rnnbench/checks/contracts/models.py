"""The contract of a model, check by check."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnbench.checks.contracts import initialisation
from rnnbench.checks.contracts.check import Check, NotCheckedError, require
from rnnbench.checks.contracts.sized import Sized, causal
from rnnbench.models.base import RNNModel
from rnnbench.training.network import build, cells, model_layers, network_inputs

_BATCH = 6
_SHIFT = 1e-6
"""Of the taps. Layers without a loop can round at 1e-9 in float64 too, which a smaller one would turn into errors."""
_CHANGED = (1, 2, 5, 8, 11)
"""Steps of twelve from which on the inputs are changed."""


def _layer(sizes: tuple[Sized, ...]) -> None:
    """`layer` gives a new Keras layer of the name, which answers sequences of any length at every step."""
    import keras

    rng = np.random.default_rng(0)
    for sized in sizes:
        model, width = sized.model, sized.task.ports.width
        layer, other = model.layer("layer_0"), model.layer("layer_1")
        kind = type(layer).__name__
        require(isinstance(layer, keras.Layer), f"layer must give a keras.Layer, not a {kind}")
        require(layer is not other, "layer must give a new layer at each call")
        if isinstance(model, RNNModel):
            _over_a_cell(model, layer)
        for name, named in (("layer_0", layer), ("layer_1", other)):
            require(named.name == name, f"layer must pass its name on: '{name}' became '{named.name}'")
        for steps in (5, 12, 3):
            answered = np.asarray(layer(rng.normal(size=(2, steps, width)).astype(np.float32)))
            shape, wanted = answered.shape, (2, steps, model.units)
            require(shape == wanted, f"layer must give (batch, time, units): {shape} in place of {wanted}")
            require(np.isfinite(answered).all(), "the untrained layer must give finite answers")


def _over_a_cell(model: RNNModel, layer: Any) -> None:
    import keras

    kind = type(layer).__name__
    require(isinstance(layer, keras.layers.RNN), f"the layer of an RNNModel must be a keras.layers.RNN, not a {kind}")
    cell, looped = type(model.cell()), type(layer.cell)
    require(
        looped is cell, f"layer must go over the cell: it goes over a {looped.__name__}, `cell` is a {cell.__name__}"
    )


def _causal(sizes: tuple[Sized, ...]) -> None:
    """Other inputs from a step on leave the outputs before it as they were, at any weights."""
    rng = np.random.default_rng(0)
    for sized in sizes:
        _judged_as_causal(sized)
        layer, width = sized.model.layer("layer_0"), sized.task.ports.width
        # All in one batch, so that a layer with a memory of its own reads them side by side.
        inputs = np.repeat(rng.normal(size=(1, 12, width)), 1 + len(_CHANGED), axis=0).astype(np.float32)
        for row, step in enumerate(_CHANGED, start=1):
            inputs[row, step:] = rng.normal(size=(12 - step, width))
        layer(inputs)
        _stir(layer, rng)
        answered = np.asarray(layer(inputs))
        for row, step in enumerate(_CHANGED, start=1):
            moved = np.abs(answered[row, :step] - answered[0, :step]).max()
            still = moved <= 1e-5 * max(1.0, float(np.abs(answered).max()))
            require(still, f"layer must be causal: other inputs from step {step} on changed the outputs before it")


def _judged_as_causal(sized: Sized) -> None:
    if not causal(sized.model):
        raise NotCheckedError("reads later steps by its own word")


def _stir(layer: Any, rng: np.random.Generator) -> None:
    """Move all weights: a path whose weights start at 0 would not show."""
    for weight in layer.trainable_weights:
        weight.assign(weight + 0.2 * rng.normal(size=weight.shape))


def _parameters(sizes: tuple[Sized, ...]) -> None:
    """`parameters` counts what the layers have, whatever the width of their inputs."""
    for sized in sizes:
        for network, task in ((sized.network, sized.task), (build(sized.narrow, sized.model, 0), sized.narrow)):
            weights = [weight for layer in model_layers(network) for weight in layer.trainable_weights]
            found, width = sum(int(np.prod(weight.shape)) for weight in weights), task.ports.width
            expected = sized.model.parameters(width)
            require(found == expected, f"layer_parameters says {expected} of {width} inputs, the network has {found}")


def _states(sizes: tuple[Sized, ...]) -> None:
    """The tapped states hold all that the network knows of the past, at any weights; `state_size` counts them."""
    from rnnbench.training.probes.tapped_states import hold_the_past
    from rnnbench.training.probes.taps import state_sizes

    for sized in sizes:
        said, found = sized.model.state_size(), sum(sum(state_sizes(cell)) for cell in cells(sized.network))
        require(said in (None, found), f"state_size says {said}, the states of the network have {found} numbers")
        _judged_as_causal(sized)
        network = build(sized.task, sized.model, 0)
        _stir(network, np.random.default_rng(0))
        held = hold_the_past(network, sized.task.train_batch(0, 0, _BATCH))
        lost = "the states of the cell must hold all that the network knows of the past"
        require(held, f"{lost}: continuing from them gives another answer")


def _probe(sizes: tuple[Sized, ...]) -> None:
    """Zero taps change nothing, and the derivative by a tap agrees with finite differences."""
    from rnnbench.training.probes.gradient_probe import GradientProbe

    for sized in sizes:
        _judged_as_causal(sized)
        task, network, probe = sized.task, sized.network, GradientProbe(sized.task, sized.model)
        stream = task.train_batch(0, 0, 3)
        probe.load(network.get_weights())
        zero = np.zeros((stream.examples, stream.steps, probe.width))
        answered = network.predict_on_batch(network_inputs(stream))
        same = np.allclose(probe.outputs(stream, zero), answered, atol=1e-5)
        require(same, "the probed network must answer as the network does")
        if sized.probe_is_checked:
            continue
        gradient = probe.gradient(stream)
        direction = np.random.default_rng(0).normal(size=zero.shape)
        places = probe.by_state(np.broadcast_to(np.arange(probe.width), zero.shape).copy())
        for state, at in places.items():
            only = np.where(np.isin(np.arange(probe.width), at[0, 0]), direction, 0.0)
            ahead, behind = (
                np.sum(probe.losses(stream, probe.outputs(stream, side * _SHIFT * only))) for side in (1, -1)
            )
            found, expected = np.sum(gradient * only), (ahead - behind) / (2 * _SHIFT)
            near = abs(found - expected) <= 1e-3 * abs(expected) + 1e-9
            require(near, f"d loss / d{state}: the probe says {found:.6g}, finite differences {expected:.6g}")


def _gates(sizes: tuple[Sized, ...]) -> None:
    """What a model declares about its gates fits its cell; it may declare nothing."""
    from rnnbench.training.probes.diagnostics import Diagnostics

    for sized in sizes:
        model, network = sized.model, sized.network
        kernels = [cell.recurrent_kernel for cell in cells(network) if hasattr(cell, "recurrent_kernel")]
        for kernel in kernels if model.gate_names else []:
            fits = kernel.shape[-1] == len(model.gate_names) * model.units
            require(fits, "gate_names: one for each block of the weights")
        # This calls the hook on a batch.
        found = Diagnostics(model, network).measure(sized.task.train_batch(0, 0, _BATCH))
        gates = {name.rpartition("/")[2] for name in found if name.startswith("saturation/closed/")}
        require(gates <= set(model.gate_names), "activations: each gate by its name among gate_names")


_LAYER = ("layer", "causal")

MODEL_CHECKS: tuple[Check[tuple[Sized, ...]], ...] = (
    Check("layer", "(batch, time, units), for any length", _layer),
    Check("causal", "no output depends on a later step", _causal, _LAYER[:1]),
    Check("parameters", "as layer_parameters counts them", _parameters, _LAYER),
    Check("seed", "the initial weights are a function of it", initialisation.seed, _LAYER),
    Check("initialize", "draws from its generator, if at all", initialisation.initialize, (*_LAYER, "seed")),
    Check("states", "hold all that the network knows of the past", _states, _LAYER),
    Check("gradient probe", "within 1e-3 of finite differences", _probe, (*_LAYER, "states")),
    Check("gates", "as the cell has them", _gates, _LAYER),
)

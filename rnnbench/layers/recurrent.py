"""`RNN`, `SimpleRNN`, `LSTM` and `GRU`: the stock Keras layers with a loop of ours where it is equivalent.

Keras' own cells have loops written by hand; any other cell, or one of theirs with other settings, has that of `scan`.
"""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from rnnbench.layers.cut_cell import cut_loop
from rnnbench.layers.generic import PureCell, compiles, dropout_masks, state_sizes
from rnnbench.layers.gru import GRULoop
from rnnbench.layers.loops import Loop, hidden, recurrence
from rnnbench.layers.lstm import LSTMLoop
from rnnbench.layers.scan import CellLoop
from rnnbench.layers.simple_rnn import SimpleRNNLoop

HOOK = ("self", "sequences", "initial_state", "mask", "training")
"""Parameters of the stock layers' `inner_loop`."""
OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
"""Arguments of `keras.layers.RNN` beside its cell and those of any layer."""


class FastLoop(keras.layers.RNN):
    """Mixed into a stock recurrent layer: its `inner_loop` on a CPU, in a `tf.function`.

    What it does not cover takes the stock one: a call outside a `tf.function` (unless it has probes), a GPU, a mask,
    `unroll`, half and mixed precision, initial states of shapes other than (batch, units) and (1, units), a backend
    other than TensorFlow; and a cell that a trial of one step finds unfit, see `generic.compiles`: with nested states,
    or states of another type; that writes variables, draws numbers or adds losses at each step; or that XLA cannot
    compile. Gradients are the fast loop's own; derivatives of gradients are those of an ordinary loop, which XLA
    compiles unless a cell leaves a shape or permutation open (`keras.ops.transpose` without axes).
    """

    loop: ClassVar[Loop | None] = None
    """The loop written for the stock cell with its default activations; None: there is none."""
    truncate: int | None = None
    """The gradient is not passed on to the states that enter steps `truncate`, twice that, ..., in reading order; None
    (default): to all. Read in each call, and no part of the layer's configuration. A mask is then refused."""
    _probes: Sequence[Any] | None = None
    _steps: Any = None
    _width: int | None = None
    """Features that the layer reads, once it is built."""
    _tried: tuple[int, bool] = (0, False)
    """The `id` of the cell that was last tried, and whether it compiles. Keras would save a cell a second time."""

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        # Keras writes the module of a layer's class into what it saves, and finds only its own modules without ours.
        saving = sys._getframe(1).f_globals.get("__name__") == "keras.src.saving.serialization_lib"
        return SAVED_AS.get(type(self), type(self)) if saving else type(self)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        super().build(sequences_shape, initial_state_shape)
        self._width = sequences_shape[-1]

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
        probes: Sequence[Any] | None = None,
        steps: Any = None,
    ) -> Any:
        """As the stock layer. `probes`: one zero tensor (batch, time, units) for each state.

        The gradient with respect to a probe is the total one with respect to the state at each step, through all later
        steps, in reading order. A frozen layer (`trainable=False`) that is given probes has no gradient with respect to
        its weights.

        `steps`: a number of steps, int32, () or (1,), that need not be known when the call is traced. Only that many of
        the first steps are taken: later outputs are 0, and the last states those that are reached. So one compiled
        function serves sequences of many lengths, and gives the same bits as at their own.

        Raises `ValueError` where probes or steps are given, but the stock loop would be taken.
        """
        self._probes, self._steps = probes, None if steps is None else tf.reshape(steps, ())
        try:
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        finally:
            self._probes = self._steps = None

    def inner_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Last output, all outputs, last states, as from the stock `inner_loop`."""
        if self.has_fast_loop:
            call = inspect.signature(super().inner_loop).bind(*args, **kwargs)
            call.apply_defaults()
            if self._covers(call.arguments):
                return self._fast_loop(**call.arguments)
        for what, given in (("probes", self._probes), ("steps", self._steps)):
            if given is not None:
                raise ValueError(f"layer '{self.name}': {what} need the fast loop, but this call takes the stock one")
        if self.truncate is not None:
            return cut_loop(self, self.truncate, *args, **kwargs)
        return super().inner_loop(*args, **kwargs)

    def _covers(self, call: dict[str, Any]) -> bool:
        """Whether the fast loop is equivalent to the stock one for a call's mask, sequences and states."""
        if not in_a_graph() and self._probes is None and self._steps is None:
            return False
        sequences, states = call["sequences"], tf.nest.flatten(call["initial_state"])
        # The stock loop computes in the wider type of the two.
        dtype = tf.as_dtype(sequences.dtype)
        wider = dtype.is_floating and dtype != self.cell.compute_dtype
        sizes = state_sizes(self.cell)
        fits = len(states) == len(sizes) and all(
            is_state(state.shape, sequences.shape[0], size) for state, size in zip(states, sizes, strict=True)
        )
        masked = any(mask is not None for mask in tf.nest.flatten(call["mask"]))
        return fits and len(sequences.shape) == 3 and not masked and not wider

    @property
    def has_fast_loop(self) -> bool:
        """Whether the fast loop is equivalent to the stock one for calls without a mask."""
        cell = self.cell
        return (
            hook_is_known(stock_of(type(self)))
            and keras.backend.backend() == "tensorflow"
            and not tf.config.list_logical_devices("GPU")
            and not self.unroll
            and getattr(self, "use_cudnn", "auto") is not True
            and getattr(cell, "compute_dtype", None) in ("float32", "float64")
            and cell.compute_dtype == cell.variable_dtype
            and (self._has_own_loop or self._cell_compiles)
        )

    @property
    def _has_own_loop(self) -> bool:
        """Whether the loop written for the stock cell is equivalent to it."""
        cell = self.cell
        return (
            self.loop is not None
            and type(cell) is getattr(keras.layers, f"{stock_of(type(self)).__name__}Cell")
            and not cell.recurrent_dropout
            # At a rate of 1, Keras' LSTM and GRU drop nothing and its SimpleRNN drops every input.
            and cell.dropout < 1
            and cell.activation is keras.activations.tanh
            and getattr(cell, "recurrent_activation", keras.activations.sigmoid) is keras.activations.sigmoid
            and getattr(cell, "implementation", 2) == 2
            and getattr(cell, "reset_after", True)
        )

    @property
    def _cell_compiles(self) -> bool:
        if self._tried[0] != id(self.cell):
            self._tried = id(self.cell), compiles(self.cell, self._width)
        return self._tried[1]

    def _fast_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        cell = self.cell
        sequences = tf.cast(sequences, cell.compute_dtype)
        batch = tf.shape(sequences)[0] if sequences.shape[0] is None else sequences.shape[0]
        sizes = state_sizes(cell)
        states = [tf.broadcast_to(state, (batch, n)) for state, n in zip(initial_state, sizes, strict=True)]
        probes = [tf.transpose(probe, (1, 0, 2)) for probe in self._probes or ()]
        if self._has_own_loop:
            return self._own_loop(sequences, states, probes, training)
        # In a graph, where there is none: what a step does with a weight is read there.
        looped = self._loop_of_the_cell
        looped = tf.function(looped, autograph=False) if tf.executing_eagerly() else looped
        return looped(sequences, states, probes, training)

    def _own_loop(self, sequences: Any, states: Any, probes: Any, training: bool) -> Any:
        cell = self.cell
        if training and cell.dropout:
            sequences = sequences * cell.get_dropout_mask(sequences[:, 0])[:, None]
        weights = [tf.convert_to_tensor(cell.kernel), tf.convert_to_tensor(cell.recurrent_kernel), self._bias()]
        hs, states = self._recurrence(self.loop, sequences, states, weights, probes)
        return states[0], (states[0][:, None] if hs is None else hs), states

    def _loop_of_the_cell(self, sequences: Any, states: Any, probes: Any, training: bool) -> Any:
        masks = dropout_masks(self.cell, sequences[:, 0], states)
        masks = tf.nest.map_structure(lambda mask: mask if mask is None else hidden(mask), masks)
        cell = PureCell(self.cell, training, masks)
        width = cell.width_of_output(sequences[:, 0], states)
        if width is not None:
            # The output is a state of the loop that no step reads.
            states = [tf.zeros_like(states[0][:, :1]) + tf.zeros((1, width), states[0].dtype), *states]
            probes = [tf.zeros_like(sequences[..., :1]), *probes] if probes else []
        loop = CellLoop(cell, width is not None, bool(probes))
        hs, states = self._recurrence(loop, sequences, states, cell.weights, probes)
        return states[0], (states[0][:, None] if hs is None else hs), states[width is not None :]

    def _recurrence(self, loop: Any, sequences: Any, states: Any, weights: Any, probes: Any) -> Any:
        inputs = tf.transpose(sequences, (1, 0, 2))
        if self.go_backwards:
            inputs = (
                inputs[::-1]
                if self._steps is None
                else tf.reverse_sequence(inputs, tf.fill([tf.shape(inputs)[1]], self._steps), seq_axis=0, batch_axis=1)
            )
        frozen = self._probes is not None and not self.trainable
        return recurrence(
            loop, inputs, states, weights, self.return_sequences, probes, frozen, self.truncate, self._steps
        )

    def _bias(self) -> tf.Tensor:
        cell = self.cell
        if cell.use_bias:
            return tf.convert_to_tensor(cell.bias)
        shape = (2, 3 * cell.units) if isinstance(cell, keras.layers.GRUCell) else cell.recurrent_kernel.shape[1:]
        return tf.zeros(shape, cell.compute_dtype)


def in_a_graph() -> bool:
    """Whether a function is being traced.

    Otherwise the steps of the stock loop are single ops, which can be vectorised and differentiated in any order (a
    Hessian from `tape.jacobian`). A gradient of our own cannot.
    """
    return not tf.executing_eagerly()


def is_state(shape: tf.TensorShape, batch: int | None, units: int) -> bool:
    """Whether a state has a row for each example, or one for all, as far as that is known."""
    return shape.rank == 2 and shape[1] == units and shape[0] in (1, None, batch)


def stock_of(layer: type[FastLoop]) -> Any:
    """The stock class that a drop-in replaces."""
    return layer.__mro__[layer.__mro__.index(FastLoop) + 1]


@functools.cache
def hook_is_known(stock: Any) -> bool:
    """Whether a stock class still has the `inner_loop` that we know; if not, warns once."""
    found = tuple(inspect.signature(stock.inner_loop).parameters)
    if found != HOOK:
        warnings.warn(
            f"keras {keras.__version__}: {stock.__name__}.inner_loop{found} has changed; the stock loop is used",
            stacklevel=2,
        )
    return found == HOOK


SAVED_AS: dict[type[Any], type[Any]] = {}
"""The class as which Keras saves a drop-in: it has the name of the stock one, and is never instantiated."""


def drop_in(layer: type[Any]) -> type[Any]:
    """Make Keras save `layer` as the stock layer of its name, and load that as ours where this module is imported."""
    keras.saving.get_custom_objects()[layer.__name__] = layer
    SAVED_AS[layer] = type(layer.__name__, (), {"__module__": "keras.layers"})
    return layer


@drop_in
class RNN(FastLoop, keras.layers.RNN):
    """`keras.layers.RNN`, compiled by XLA in time linear in the steps, over any cell that can be."""


@drop_in
class SimpleRNN(FastLoop, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN`, faster on a CPU."""

    loop = SimpleRNNLoop()


@drop_in
class LSTM(FastLoop, keras.layers.LSTM):
    """`keras.layers.LSTM`, faster on a CPU."""

    loop = LSTMLoop()


@drop_in
class GRU(FastLoop, keras.layers.GRU):
    """`keras.layers.GRU`, faster on a CPU."""

    loop = GRULoop()


def fast(layer: keras.layers.RNN) -> keras.layers.RNN:
    """The drop-in for a stock layer that is not built yet; the layer itself if the loop would not be fast.

    One for `keras.layers.RNN` takes over its cell.
    """
    if type(layer) is keras.layers.RNN and hasattr(layer.cell, "fast_layer"):
        return layer.cell.fast_layer(layer)
    drop_ins = {stock_of(drop_in): drop_in for drop_in in (RNN, SimpleRNN, LSTM, GRU)}
    if type(layer) not in drop_ins:
        return layer
    if type(layer) is keras.layers.RNN:
        # Its own configuration would have the cell's, which a plug-in's cell may lack.
        options = {name: getattr(layer, name) for name in OPTIONS}
        drop_in = RNN(layer.cell, **options, name=layer.name, trainable=layer.trainable, dtype=layer.dtype_policy)
    else:
        drop_in = drop_ins[type(layer)].from_config(layer.get_config())
    return drop_in if drop_in.has_fast_loop else layer


def has_fast_loop(layer: keras.Layer) -> bool:
    """Whether `layer` is a drop-in whose loop is fast with its settings, on this machine."""
    return isinstance(layer, FastLoop) and layer.has_fast_loop

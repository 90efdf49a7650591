"""Any Keras cell as a pure function of its inputs, states and weights, and whether it is one."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras import tree

Tensors = Sequence[tf.Tensor]

_BATCH, _WIDTH = 2, 3
"""Of the inputs of a trial; the width is that for a cell that is not built."""
_FOUND: dict[tuple[type, str], bool] = {}
"""What trials found of cells that are not built, by class and configuration: each takes about half a second."""


class PureCell:
    """A built cell with the dropout masks of one call. A step needs nothing else, and changes nothing."""

    def __init__(self, cell: keras.Layer, training: bool, masks: Sequence[Any]) -> None:
        """`masks`: for inputs and state, as from `dropout_masks`."""
        self.cell, self.training, self.masks = cell, training, masks
        # A layer around the cell, so that layers in it learn what `training` is wherever a step is traced.
        self._frame = _Frame(cell)
        self._given = [variable for variable in cell.variables if tf.as_dtype(variable.dtype).is_floating]

    @property
    def weights(self) -> list[tf.Tensor]:
        """The values of all floating variables, in the order in which a step takes them."""
        return [tf.convert_to_tensor(variable) for variable in self._given]

    def __call__(
        self, inputs: tf.Tensor, states: Tensors, weights: Tensors, taps: Tensors | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The output and the new states. Raises `ImpureError` if a variable would be written, or a loss added.

        `taps`: see `cell.Cell`; only for a cell that takes them.
        """
        mapping = zip(self._given, weights, strict=True)
        with _masked(self.cell, self.masks), keras.StatelessScope(mapping, collect_losses=True) as scope:
            before = dict(scope.state_mapping)
            output, new_states = self._frame(inputs, list(states), training=self.training, taps=taps)
            after = scope.state_mapping
        if scope.losses or before.keys() != after.keys() or any(before[key] is not after[key] for key in before):
            raise ImpureError
        return output, (list(new_states) if tree.is_nested(new_states) else [new_states])

    def width_of_output(self, inputs: tf.Tensor, states: Tensors) -> int | None:
        """Width of the output; None if it is the first state."""
        found: list[int | None] = []

        @tf.function(autograph=False)
        def once(inputs: tf.Tensor, states: Tensors) -> tf.Tensor:
            output, new_states = self(inputs, states, self.weights)
            found.append(None if output is new_states[0] else output.shape[-1])
            return output

        once.get_concrete_function(inputs, list(states))
        return found[0]


class ImpureError(Exception):
    """A step of the cell does more than to compute its output and its new states."""


class _Frame(keras.Layer):
    def __init__(self, cell: keras.Layer) -> None:
        # A name, or Keras would count this layer in the names that it gives to others.
        super().__init__(autocast=False, name="frame")
        self.cell = cell

    def call(self, inputs: Any, states: Any, training: bool = False, taps: Any = None) -> Any:
        # As `keras.layers.RNN` asks its cell.
        options = {"training": training} if self.cell._call_has_training_arg else {}
        return self.cell(inputs, states, **options, **({} if taps is None else {"taps": list(taps)}))


def dropout_masks(cell: keras.Layer, inputs: tf.Tensor, states: Tensors) -> list[Any]:
    """The masks that a cell with Keras' dropout takes at all steps, for inputs and first state; drawn once a call."""
    if not hasattr(cell, "get_dropout_mask"):
        return []
    return [cell.get_dropout_mask(inputs), cell.get_recurrent_dropout_mask(states[0])]


@contextmanager
def _masked(cell: Any, masks: Sequence[Any]) -> Iterator[None]:
    """Let `cell` take these masks, also when a gradient is traced, long after Keras has forgotten its own."""
    if not masks:
        yield
        return
    before = [getattr(cell, name, None) for name in ("_dropout_mask", "_recurrent_dropout_mask")]
    cell._dropout_mask, cell._recurrent_dropout_mask = masks
    try:
        yield
    finally:
        cell._dropout_mask, cell._recurrent_dropout_mask = before


def compiles(cell: Any, width: int | None) -> bool:
    """Whether a loop over `cell` can be compiled and has a gradient that is made step by step.

    `width`: of the inputs that a built cell reads; None: it is not built, and another of its configuration is tried.
    Found by a trial of one step and its gradient, up to the translation by XLA: states are flat, floating and of the
    cell's type; nothing but output and states comes out of a step (no variable is written, no loss added, nothing
    printed or drawn); and every variable that it reads is a floating one of the cell's.
    """
    if not isinstance(cell, keras.Layer) or not all(isinstance(size, int) for size in state_sizes(cell)):
        return False
    try:
        with tf.init_scope():
            if width is not None:
                return _trial(cell, width)
            key = type(cell), json.dumps(cell.get_config(), sort_keys=True, default=repr)
            if key not in _FOUND:
                _FOUND[key] = _trial(cell, None)
            return _FOUND[key]
    except Exception:  # whatever a cell of somebody else's may raise; the stock loop raises it again, if it does too
        return False


def state_sizes(cell: Any) -> list[int]:
    """Units of each state."""
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, list | tuple) else [sizes]


def _trial(cell: keras.Layer, width: int | None) -> bool:
    if width is None:
        width = _WIDTH
        generator = random.getstate()
        try:
            cell = type(cell).from_config(cell.get_config())
            cell.build((None, width))
        finally:
            random.setstate(generator)  # of which Keras' initializers draw their seeds
        cell.built = True
    dtype = cell.compute_dtype
    sizes = state_sizes(cell)
    given = [tf.TensorSpec((_BATCH, size), dtype) for size in (width, *sizes)]
    given += [tf.TensorSpec(one.shape, one.dtype) for one in cell.variables if tf.as_dtype(one.dtype).is_floating]
    sound = []

    @tf.function(jit_compile=True, autograph=False)
    def gradients(inputs: tf.Tensor, *rest: tf.Tensor) -> Tensors:
        states, weights = list(rest[: len(sizes)]), list(rest[len(sizes) :])
        masks = _ones(cell, inputs, states)
        output, new_states = PureCell(cell, training=True, masks=masks)(inputs, states, weights)
        graph = tf.compat.v1.get_default_graph()
        sound.append(
            not any(operation.op_def.is_stateful for operation in graph.get_operations())
            and [(one.shape, one.dtype) for one in new_states] == [(one.shape, one.dtype) for one in states]
            and output.shape.rank == 2
            and output.dtype == states[0].dtype
        )
        return tf.gradients([output, *new_states], [inputs, *rest], unconnected_gradients="zero")

    translated = gradients.experimental_get_compiler_ir(*given)
    # Without the name, TensorFlow draws a random number to find it out; with it, it warns that another way will come.
    with warnings.catch_warnings(action="ignore"):
        translated(stage="hlo", device_name=tf.config.list_logical_devices("CPU")[0].name)
    return all(sound)


def _ones(cell: Any, inputs: tf.Tensor, states: Tensors) -> list[Any]:
    """Masks for a trial, of the shapes of those that would be drawn."""
    if not hasattr(cell, "get_dropout_mask"):
        return []
    count = getattr(cell, "dropout_mask_count", None)
    pairs = ((cell.dropout, inputs), (cell.recurrent_dropout, states[0]))
    masks = [tf.ones_like(like) if rate else None for rate, like in pairs]
    return masks if count is None else [None if mask is None else [mask] * count for mask in masks]

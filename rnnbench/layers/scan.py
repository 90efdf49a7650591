"""The loop of any cell: its states are kept forward; a backward step is the vector-Jacobian product of one step.

The gradients w.r.t. weights are sums over time. Where all that a cell does with a weight is to multiply it from the
left, y = a W, each step leaves a and the gradient w.r.t. y, and one product adds a block of steps to the sum; the
shares of other weights are added step by step. Which is which is read in the graph of the step, op by op.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from rnnbench.layers.cell import takes_taps
from rnnbench.layers.generic import PureCell
from rnnbench.layers.loops import Above, Loop, Steps, Tensors, scan


class CellLoop(Loop):
    """The states of the loop are those of the cell, behind the output if that is another tensor than the first."""

    def __init__(self, cell: PureCell, own_output: bool, probed: bool) -> None:
        """`own_output`: whether the output is not the first state. `probed`: whether gradients w.r.t. states are
        wanted."""
        self._cell, self._own_output, self._probed = cell, own_output, probed

    def features(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs

    def d_inputs(self, d_projection: tf.Tensor, weights: Tensors) -> tf.Tensor:
        return d_projection

    def forward(
        self, features: tf.Tensor, states: Tensors, weights: Tensors, steps: Steps
    ) -> tuple[Tensors, tf.Tensor, Tensors]:
        def step(t: tf.Tensor, *states: tf.Tensor) -> tuple[Tensors, Tensors]:
            new = self._new(features[t], [steps.entering(t, state) for state in states], weights)
            return new, new

        last, stacks = scan(step, states, [state.shape[-1] for state in states], steps, states)
        return last, stacks[0], [features, *stacks]

    def step(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, probes: Tensors) -> Tensors:
        if takes_taps(self._cell.cell):
            own = int(self._own_output)
            new = self._new(inputs, states, weights, probes[own:])
            return [*(one + probe for one, probe in zip(new[:own], probes, strict=False)), *new[own:]]
        new = self._new(inputs, states, weights)
        return [state + probe for state, probe in zip(new, probes, strict=True)]

    def backward(
        self, read: tf.Tensor, saved: Tensors, weights: Tensors, above: Above, steps: Steps
    ) -> tuple[tf.Tensor, Tensors, Tensors, Tensors]:
        features, *stacks = saved

        def pulled(t: tf.Tensor, *d_states: tf.Tensor) -> Pulled:
            d_new = [above.plus(d_states[0], t), *d_states[1:]]
            return self._pulled(features[t], [stack[t] for stack in stacks], weights, d_new, steps.frozen)

        d_first, rows, d_weights = _scan_back(pulled, above.d_last, stacks, weights, steps)
        return rows[0], d_first, d_weights, rows[1:]

    def _new(
        self, inputs: tf.Tensor, states: Tensors, weights: Tensors, taps: Tensors | None = None
    ) -> list[tf.Tensor]:
        output, new = self._cell(inputs, states[self._own_output :], weights, taps)
        return [output, *new] if self._own_output else new

    def _pulled(self, inputs: tf.Tensor, states: Tensors, weights: Tensors, d_new: Tensors, frozen: bool) -> Pulled:
        """The vector-Jacobian product of one step."""
        inputs, states, weights = tf.identity(inputs), [*map(tf.identity, states)], [*map(tf.identity, weights)]
        probes = [tf.zeros_like(state) for state in states] if self._probed else []
        new = self.step(inputs, states, weights, probes) if probes else self._new(inputs, states, weights)
        products = [None if frozen else _products(weight) for weight in weights]
        direct = [weight for weight, found in zip(weights, products, strict=True) if found is None and not frozen]
        multiplied = [product for found in products for product in found or ()]
        sources = [inputs, *states, *probes, *direct, *(product.outputs[0] for product in multiplied)]
        found = iter(tf.gradients(new, sources, d_new, unconnected_gradients="zero"))
        d_inputs, d_states, d_probes, d_direct = ([next(found) for _ in part] for part in ([0], states, probes, direct))
        rows = []
        for product, d_product in zip(multiplied, found, strict=True):
            at = [index for index, state in enumerate(states) if state is product.inputs[0]]
            rows.append((at[0] if at else product.inputs[0], d_product))
        return Pulled(
            d_states,
            [*d_inputs, *d_probes],
            d_direct,
            rows,
            [None if found is None else len(found) for found in products],
        )


class Pulled(NamedTuple):
    """What a backward step finds."""

    d_states: Tensors
    rows: Tensors
    """The gradients w.r.t. the inputs and, if it is probed, all states."""
    d_direct: Tensors
    """The shares of the weights that are not only multiplied."""
    products: list[tuple[Any, tf.Tensor]]
    """For each product of the others its left factor, or the index of the state that it is, and its gradient."""
    counts: list[int | None]
    """For each weight the number of its products; None for a direct share or none."""


def _products(weight: tf.Tensor) -> list[tf.Operation] | None:
    """The ops that read `weight` if all of them are products a W."""
    found: list[tf.Operation] = weight.consumers()
    return found if found and all(_is_product(operation, weight) for operation in found) else None


def _is_product(operation: tf.Operation, weight: tf.Tensor) -> bool:
    return (
        operation.type == "MatMul"
        and operation.inputs[1] is weight
        and operation.inputs[0] is not weight
        and not operation.get_attr("transpose_a")
        and not operation.get_attr("transpose_b")
        # Where the gradient of the op itself is another than TensorFlow's.
        and "_gradient_op_type" not in operation.node_def.attr
    )


def _scan_back(
    pulled: Any, d_last: Tensors, stacks: Tensors, weights: Tensors, steps: Steps
) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
    """Run `pulled(t, *d_states)` from the last step to the first, block by block as `loops.scan_back`.

    Returns the gradients w.r.t. the first states, the rows of all steps, and the gradients w.r.t. the weights (0 where
    they are frozen). `stacks`: of the states, whose row t enters step t.
    """
    block = steps.block
    trial = _traced(pulled, d_last)
    lefts = [left if isinstance(left, int) else None for left, _ in trial.products]
    blocks = [tf.reshape(stack, (steps.blocks, -1, stack.shape[-1])) for stack in stacks]
    columns = [blocks[left].shape[-1] if isinstance(left, int) else left.shape[-1] for left, _ in trial.products]
    sums = [tf.zeros((n, right.shape[-1]), right.dtype) for n, (_, right) in zip(columns, trial.products, strict=True)]
    direct = [tf.zeros(one.shape, one.dtype) for one in trial.d_direct]

    def shelf(rows: Tensors) -> list[tf.TensorArray]:
        return [tf.TensorArray(row.dtype, block, element_shape=row.shape) for row in rows]

    def body(index: tf.Tensor, d_states: Tensors, direct: Tensors, sums: Tensors, out: Any, kept: Any) -> Any:
        first = index * block

        def inner(t: tf.Tensor, d_states: Tensors, direct: Tensors, rows: Any, kept: Any) -> Any:
            found = pulled(t, *d_states)
            direct = [total + share for total, share in zip(direct, found.d_direct, strict=True)]
            rows = [part.write(t - first, row) for part, row in zip(rows, found.rows, strict=True)]
            kept = [part.write(t - first, row) for part, row in zip(kept, _factors(found), strict=True)]
            return t - 1, steps.passed_back(t, found.d_states), direct, rows, kept

        begin = (tf.minimum(first + block, steps.taken) - 1, list(d_states), list(direct), shelf(trial.rows), kept)
        _, d_states, direct, rows, kept = tf.while_loop(lambda t, *_: t >= first, inner, begin)
        factors = iter([_flat(part.stack()) for part in kept])
        shares = [
            tf.matmul(next(factors) if left is None else blocks[left][index], next(factors), transpose_a=True)
            for left in lefts
        ]
        sums = [total + share for total, share in zip(sums, shares, strict=True)]
        out = [stack.write(index, part.stack()) for stack, part in zip(out, rows, strict=True)]
        return index - 1, d_states, direct, sums, out, kept

    out = [tf.TensorArray(row.dtype, steps.blocks, element_shape=(block, *row.shape)) for row in trial.rows]
    begin = ((steps.taken - 1) // block, list(d_last), direct, sums, out, shelf(_factors(trial)))
    _, d_states, direct, sums, out, _ = tf.while_loop(lambda index, *_: index >= 0, body, begin)
    shape = [(-1, tf.shape(d_last[0])[0], row.shape[-1]) for row in trial.rows]
    rows = [tf.reshape(stack.stack(), one)[: steps.length] for stack, one in zip(out, shape, strict=True)]
    return list(d_states), rows, _by_weight(weights, trial.counts, direct, sums, steps.frozen)


def _factors(found: Pulled) -> list[tf.Tensor]:
    """Of all products, the factors that are no states."""
    return [row for product in found.products for row in product if not isinstance(row, int)]


def _by_weight(
    weights: Tensors, counts: list[int | None], direct: Tensors, sums: Tensors, frozen: bool
) -> list[tf.Tensor]:
    if frozen:
        return [tf.zeros_like(weight) for weight in weights]
    shares, products = iter(direct), iter(sums)
    return [next(shares) if n is None else tf.add_n([next(products) for _ in range(n)]) for n in counts]


def _traced(pulled: Any, d_last: Tensors) -> Pulled:
    """What a step finds, of which only the structure and the shapes count."""
    found = []

    @tf.function(autograph=False)
    def once(t: tf.Tensor, d_states: Tensors) -> tf.Tensor:
        found.append(pulled(t, *d_states))
        return t

    once.get_concrete_function(tf.TensorSpec((), "int32"), [tf.TensorSpec(one.shape, one.dtype) for one in d_last])
    return found[0]


def _flat(rows: tf.Tensor) -> tf.Tensor:
    return tf.reshape(rows, (-1, rows.shape[-1]))

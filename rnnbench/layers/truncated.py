"""Truncated backpropagation through time, for any recurrent layer of Keras.

States are carried through the whole sequence, so that outputs do not change, but the gradient stops at every k-th step:
it is that of reading the sequence in chunks of k steps, each from the last state of the one before as a constant
(Williams & Peng 1990, with h = h' = k).
"""

from __future__ import annotations

import functools

import keras

from rnnbench.layers.cut_cell import cut_loop
from rnnbench.layers.recurrent import FastLoop


def truncated(layer: keras.layers.RNN, truncate: int | None) -> keras.layers.RNN:
    """`layer`, built or not, which from now on passes no gradient on to the states that enter steps `truncate`, twice
    that, ..., counted from 0 in reading order; None: as it is.

    Weights, cell and configuration stay the same, so a saved or copied layer is not truncated. Unless the layer is a
    fast one, the loop is that of `keras.layers.RNN` over its cell, whatever `inner_loop` or cuDNN kernel it has. What a
    subclass adds to a call beside the cell is not cut. A call with a mask raises `ValueError`.
    """
    if truncate is None:
        return layer
    if isinstance(layer, FastLoop):
        layer.truncate = truncate
    else:
        # On the layer itself, as it must stay an instance of the class that Keras saves.
        layer.inner_loop = functools.partial(cut_loop, layer, truncate)
    return layer

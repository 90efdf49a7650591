"""Keras layers of our own. Imports TensorFlow: for workers only.

Drop-in `RNN` (over any cell), `SimpleRNN`, `LSTM` and `GRU` with loops that are fast on a CPU, and what Keras lacks:
`TCN`, `Transformer`, cells for `keras.layers.RNN`, and `LinearRNN`, which is fast over those of them that are linear. A
saved network that has one of these loads once this package is imported.
"""

from rnnbench.layers.cornn import CoRNNCell
from rnnbench.layers.indrnn import IndRNNCell
from rnnbench.layers.janet import JANETCell
from rnnbench.layers.layer_norm_lstm import LayerNormLSTMCell
from rnnbench.layers.linear_rnn import LinearRNN
from rnnbench.layers.lru import LRUCell
from rnnbench.layers.min_gru import MinGRUCell
from rnnbench.layers.recurrent import GRU, LSTM, RNN, SimpleRNN, fast, has_fast_loop
from rnnbench.layers.tcn import TCN
from rnnbench.layers.transformer import Transformer
from rnnbench.layers.truncated import truncated

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "TCN",
    "CoRNNCell",
    "IndRNNCell",
    "JANETCell",
    "LRUCell",
    "LayerNormLSTMCell",
    "LinearRNN",
    "MinGRUCell",
    "SimpleRNN",
    "Transformer",
    "fast",
    "has_fast_loop",
    "truncated",
]

"""Keras layers of our own. Imports TensorFlow: for workers only.

Drop-in `RNN` (over any cell), `SimpleRNN`, `LSTM` and `GRU` with loops that are fast on a CPU, and `TCN` and
`Transformer`, which Keras lacks: a saved network that has one of these two loads once this package is imported.
"""

from rnnbench.layers.recurrent import GRU, LSTM, RNN, SimpleRNN, fast, has_fast_loop
from rnnbench.layers.tcn import TCN
from rnnbench.layers.transformer import Transformer
from rnnbench.layers.truncated import truncated

__all__ = ["GRU", "LSTM", "RNN", "TCN", "SimpleRNN", "Transformer", "fast", "has_fast_loop", "truncated"]

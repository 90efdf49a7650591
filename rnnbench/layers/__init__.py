"""Drop-in `SimpleRNN`, `LSTM` and `GRU` with loops that are fast on a CPU. Imports TensorFlow: for workers only."""

from rnnbench.layers.recurrent import GRU, LSTM, SimpleRNN, fast, has_fast_loop
from rnnbench.layers.truncated import truncated

__all__ = ["GRU", "LSTM", "SimpleRNN", "fast", "has_fast_loop", "truncated"]

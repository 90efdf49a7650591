"""Drop-in `SimpleRNN`, `LSTM` and `GRU` whose loop is fast on a CPU. Imports TensorFlow: for workers only."""

from rnnbench.layers.recurrent import GRU, LSTM, SimpleRNN

__all__ = ["GRU", "LSTM", "SimpleRNN"]

"""rnnbench: how SimpleRNN, LSTM and GRU cope as the dependency length grows."""

__version__ = "0.1.0"

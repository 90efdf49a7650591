"""Colours of models."""

from __future__ import annotations

from rnnbench.tracking.palette import colours


def test_models_are_told_apart_by_colour() -> None:
    chosen = colours(["simple_rnn", "lstm", "gru", "lstm_chrono", "gru_chrono"])
    assert chosen["simple_rnn"] == "#0072B2"
    assert len(set(chosen.values())) == 5

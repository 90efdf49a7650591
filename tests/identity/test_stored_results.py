"""Stored results live on: what has moved, been renamed or joined changes no signature."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from rnnbench.experiment import yaml_file
from rnnbench.experiment.definition import Experiment

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
# To be replaced where a version is raised.
SIGNED = {
    ("adding.yaml", "simple_rnn T10 s0 adding decoy learning_rate=0.0003"): "4cf14828ffc97b38",
    ("adding.yaml", "lstm T10 s0 adding decoy learning_rate=0.001"): "4c194c1e38d59abb",
    ("adding.yaml", "gru T10 s0 adding decoy learning_rate=0.001"): "30b2d0ffd03f3c33",
    ("adding.yaml", "gru_chrono T10 s0 adding decoy learning_rate=0.001"): "24b1e2d5e68ca2bb",
    ("copy_memory.yaml", "simple_rnn T10 s0 copy_memory learning_rate=0.0003"): "2b6db4631988c62e",
    ("copy_memory.yaml", "lstm T10 s0 copy_memory learning_rate=0.001"): "13cb1df27147244d",
    ("copy_memory.yaml", "gru T10 s0 copy_memory learning_rate=0.001"): "ee72a15ecf6deed5",
    ("copy_memory.yaml", "gru_chrono T10 s0 copy_memory learning_rate=0.001"): "4c870baf6633bec0",
    ("forecasting.yaml", "simple_rnn T96 s0 forecasting learning_rate=0.0003"): "69774174d896348d",
    ("forecasting.yaml", "lstm T96 s0 forecasting learning_rate=0.001"): "7cf4423b200192ef",
    ("forecasting.yaml", "gru T96 s0 forecasting learning_rate=0.001"): "388b50b89b70a801",
    ("forecasting.yaml", "gru_chrono T96 s0 forecasting learning_rate=0.001"): "b0a4ec8e4c4df5af",
    ("quickstart.yaml", "simple_rnn T20 s0 copy_memory"): "c45df7b1be5a824d",
    ("quickstart.yaml", "lstm T20 s0 copy_memory"): "07b1fdf72161d10d",
    ("quickstart.yaml", "gru T20 s0 copy_memory"): "ab886800556d8398",
    ("sentiment.yaml", "simple_rnn T100 s0 sentiment learning_rate=0.0003"): "d7afe41b85c8ba91",
    ("sentiment.yaml", "lstm T100 s0 sentiment learning_rate=0.001"): "f244b126c40f6925",
    ("sentiment.yaml", "gru T100 s0 sentiment learning_rate=0.001"): "6b98ff01aeea5af1",
    ("sentiment.yaml", "gru_chrono T100 s0 sentiment learning_rate=0.001"): "ce5b26943aa78db4",
    ("sequential_mnist.yaml", "simple_rnn T100 s0 sequential_mnist learning_rate=0.0003"): "dba54f6144ae7291",
    ("sequential_mnist.yaml", "lstm T100 s0 sequential_mnist learning_rate=0.001"): "91ed11896cee227a",
    ("sequential_mnist.yaml", "gru T100 s0 sequential_mnist learning_rate=0.001"): "9cad7d55bb97ad2d",
    ("sequential_mnist.yaml", "gru_chrono T100 s0 sequential_mnist learning_rate=0.001"): "4a707c7b04b46572",
    ("speech_commands.yaml", "simple_rnn T100 s0 speech_commands learning_rate=0.0003"): "35203186ef9daae4",
    ("speech_commands.yaml", "lstm T100 s0 speech_commands learning_rate=0.001"): "1ab501c5e4f62af2",
    ("speech_commands.yaml", "gru T100 s0 speech_commands learning_rate=0.001"): "b4a5e268879bd186",
    ("speech_commands.yaml", "gru_chrono T100 s0 speech_commands learning_rate=0.001"): "8fe6352512ad8f14",
}


@cache
def experiment(name: str) -> Experiment:
    return yaml_file.load(EXPERIMENTS / name)


@pytest.mark.parametrize(("file", "run"), SIGNED)
def test_a_run_is_known_by_the_signature_that_it_had(file: str, run: str) -> None:
    found = {spec.name: spec.settings_signature for spec in experiment(file).runs}
    assert found[run] == SIGNED[file, run]

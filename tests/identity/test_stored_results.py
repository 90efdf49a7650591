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
    ("forecasting.yaml", "simple_rnn T24 s0 forecasting learning_rate=0.0003"): "c1f8ca289478e55d",
    ("forecasting.yaml", "lstm T24 s0 forecasting learning_rate=0.001"): "e1d6a56ee7339c87",
    ("forecasting.yaml", "gru T24 s0 forecasting learning_rate=0.001"): "1ce4ecfe8baea19b",
    ("forecasting.yaml", "gru_chrono T24 s0 forecasting learning_rate=0.001"): "b38e736af01dd70e",
    ("quickstart.yaml", "simple_rnn T20 s0 copy_memory"): "c45df7b1be5a824d",
    ("quickstart.yaml", "lstm T20 s0 copy_memory"): "07b1fdf72161d10d",
    ("quickstart.yaml", "gru T20 s0 copy_memory"): "ab886800556d8398",
    ("sentiment.yaml", "simple_rnn T25 s0 sentiment learning_rate=0.0003"): "ae397241da9dce02",
    ("sentiment.yaml", "lstm T25 s0 sentiment learning_rate=0.001"): "68e191471b61f4e1",
    ("sentiment.yaml", "gru T25 s0 sentiment learning_rate=0.001"): "6920f998aaf08b6b",
    ("sentiment.yaml", "gru_chrono T25 s0 sentiment learning_rate=0.001"): "8009b6d150e3edca",
    ("sequential_mnist.yaml", "simple_rnn T50 s0 sequential_mnist learning_rate=0.0003"): "9d3da773abad5dca",
    ("sequential_mnist.yaml", "lstm T50 s0 sequential_mnist learning_rate=0.001"): "1e34db3ccd4ba296",
    ("sequential_mnist.yaml", "gru T50 s0 sequential_mnist learning_rate=0.001"): "ace0264725c6e09f",
    ("sequential_mnist.yaml", "gru_chrono T50 s0 sequential_mnist learning_rate=0.001"): "92de8bda2dccd722",
    ("speech_commands.yaml", "simple_rnn T25 s0 speech_commands learning_rate=0.0003"): "028eaff61346e2e6",
    ("speech_commands.yaml", "lstm T25 s0 speech_commands learning_rate=0.001"): "e2360ca9d203a1e0",
    ("speech_commands.yaml", "gru T25 s0 speech_commands learning_rate=0.001"): "512d0c96a84dbeaf",
    ("speech_commands.yaml", "gru_chrono T25 s0 speech_commands learning_rate=0.001"): "77dba09798a2f167",
}


@cache
def experiment(name: str) -> Experiment:
    return yaml_file.load(EXPERIMENTS / name)


@pytest.mark.parametrize(("file", "run"), SIGNED)
def test_a_run_is_known_by_the_signature_that_it_had(file: str, run: str) -> None:
    found = {spec.name: spec.settings_signature for spec in experiment(file).runs}
    assert found[run] == SIGNED[file, run]

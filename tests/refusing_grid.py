"""A grid with a model that refuses long lags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnbench.experiment.definition import Experiment
from tests.event_streams import experiment

REFUSING = str(Path(__file__).parent / "plugins" / "refusing.py")
REASON = "it takes a lag of 10 at most"


def refusing(**changes: Any) -> Experiment:
    """Sentiment at lags 0, 10 and 20, each with two protocols, which are one run at lag 0; `short_rnn` skips lag 20."""
    task = {"task": "sentiment", "source": "synthetic", "lag": [0, 10, 20], "training_lags": ["uniform", "far"]}
    models = {"simple_rnn": {"units": 8}, "short_rnn": {"units": 8}}
    return experiment(**({"plugins": [REFUSING], "tasks": {"review": task}, "models": models} | changes))

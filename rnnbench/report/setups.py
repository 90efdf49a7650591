"""What a reader calls the condition of a result: the lags that it was trained at, and what fills them."""

from __future__ import annotations

import pandas as pd

PROTOCOLS = {"uniform": "uniform lags", "far": "far lags", "log": "log lags", "fixed": "one fixed lag"}
"""`training_lags` in headings and tables."""
FILLERS = {"zeros": "zeros", "blank": "blanks", "distractor": "distractors", "decoy": "decoys"}
"""What a sentence calls the steps of a filler: `through blanks`."""
FIXED = "At one fixed lag a clock passes too: a network that answers after so many steps and holds nothing until asked."
"""Said wherever results at one fixed lag are shown."""


def setup_label(training_lags: str, filler: str) -> str:
    """`"uniform lags, blank filler"`."""
    return f"{protocol(training_lags)}, {filler} filler"


def protocol(training_lags: str) -> str:
    return PROTOCOLS.get(training_lags, training_lags)


def through(filler: str) -> str:
    """`"blanks"`; a filler of a plug-in by its own name."""
    return FILLERS.get(filler, filler)


def fixed_note(table: pd.DataFrame) -> str:
    """The warning that belongs beside a table or figure with results at one fixed lag; empty where it has none."""
    return FIXED if (table["training_lags"] == "fixed").any() else ""

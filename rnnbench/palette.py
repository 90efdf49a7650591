"""One colour for each model, the same in MLflow and in every figure."""

from __future__ import annotations

from collections.abc import Iterable

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Told apart with colour-blind eyes (Okabe & Ito 2008); their yellow is left out, since it is lost on white."""


def colours(labels: Iterable[str]) -> dict[str, str]:
    """A hex colour for each label by its place; the ninth label has the colour of the first again."""
    return {label: OKABE_ITO[place % len(OKABE_ITO)] for place, label in enumerate(labels)}

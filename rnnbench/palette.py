"""One colour for each model, the same in MLflow and in every figure."""

from __future__ import annotations

from collections.abc import Iterable

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")
"""Told apart with colour-blind eyes (Okabe & Ito 2008); grey for their black, which a dark page would
swallow, and without their yellow, which is lost on white."""


def colours(labels: Iterable[str]) -> dict[str, str]:
    """A hex colour for each label by its place; the eighth label has the colour of the first again."""
    return {label: OKABE_ITO[place % len(OKABE_ITO)] for place, label in enumerate(labels)}

"""One colour for each model, the same in MLflow and in every figure."""

from __future__ import annotations

from collections.abc import Iterable

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#BF8100", "#3B93CB", "#8C8C8C")
"""Told apart with colour-blind eyes (Okabe & Ito 2008); grey for their black, which a dark page would
swallow, without their yellow, which is lost on white, and with their orange and sky blue darkened: each of these has a
contrast of at least 3 (WCAG 2.1, 1.4.11) to a white page and to a dark one."""


def colours(labels: Iterable[str]) -> dict[str, str]:
    """A hex colour for each label by its place; the eighth label has the colour of the first again."""
    return {label: OKABE_ITO[place % len(OKABE_ITO)] for place, label in enumerate(labels)}

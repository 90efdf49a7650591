"""One colour for each model, the same in MLflow and in every figure."""

from __future__ import annotations

from collections.abc import Iterable

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#BF8100", "#3B93CB", "#8C8C8C")
"""Distinct to colour-blind eyes (Okabe & Ito 2008). Their black is grey here, since a dark page would swallow it; their
yellow, which is lost on white, is left out; orange and sky blue are darker. Each colour has a contrast of at least 3
(WCAG 2.1, 1.4.11) to a white page and to a dark one."""


def colours(labels: Iterable[str]) -> dict[str, str]:
    """A hex colour for each label by its position; the eighth label has the colour of the first again."""
    return {label: OKABE_ITO[place % len(OKABE_ITO)] for place, label in enumerate(labels)}

"""Colours of the hand-written pictures, for white paper and as names that a page fills in."""

from __future__ import annotations

PAPER = {"ink": "#1b1f24", "muted": "#59636e", "line": "#d5dae0", "accent": "#0072b2", "right": "#00785a",
         "wrong": "#b5420b", "page": "#ffffff"}  # fmt: skip
PAGE = {name: f"var(--{name})" for name in PAPER}

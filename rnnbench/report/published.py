"""Scores from papers: which of them belong to a task, and which can be drawn beside ours."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from rnnbench.report.data import Described, Problem


def entries(task: str) -> list[dict[str, Any]]:
    """The entries of `published.yaml` for a registered task."""
    return _read().get(task, [])


def points(problem: Problem, tasks: Described) -> pd.DataFrame:
    """The scores to draw in a problem's score figure: columns `label`, `lag`, `value`.

    These are the same metric, measured under the settings that their entry names in `where`; the label of one that is
    not like for like says so.
    """
    settings = tasks.get(problem.task) or {}
    # An axis of the task stands in the problem's setting, as `key=value`.
    here = {**settings, **dict(part.split("=", 1) for part in problem.setting.split() if "=" in part)}
    rows = [
        {
            "label": f"{model}, {entry['short']}{'' if entry['like_for_like'] else ', differs'}",
            "lag": entry["lag"],
            "value": value,
        }
        for entry in entries(registered(problem.task, tasks))
        if "lag" in entry and entry["metric"] == problem.score_name
        if all(str(here.get(key)) == str(value) for key, value in entry["where"].items())
        for model, value in entry["scores"].items()
    ]
    return pd.DataFrame(rows, columns=["label", "lag", "value"])


def registered(label: str, tasks: Described) -> str:
    """The task behind a label, which may name a variant: {"copy_hard": {"task": "copy_memory", ...}}."""
    return str((tasks.get(label) or {}).get("task", label))


@cache
def _read() -> dict[str, list[dict[str, Any]]]:
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(files(__package__).joinpath("published.yaml").read_text("utf-8"))

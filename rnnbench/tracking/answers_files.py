"""The files of a run's answers: tables that MLflow shows, pictures, and `answers.json`, which all are made from.

A table is JSON as `mlflow.log_table` writes it (`columns` and `data`), named in a tag by which MLflow's pages find it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.showing.confusion import confusion_picture, recalls
from rnnbench.showing.drawing import answers_picture
from rnnbench.text import strict_json
from rnnbench.tracking.names import ANSWERS_ARTIFACT

PREDICTIONS, CONFUSION, AHEAD = "predictions.json", "confusion_matrix.json", "errors_ahead.json"
SAMPLE = "sample.txt"
"""Text that the tested network wrote."""
TABLES_TAG = "mlflow.loggedArtifacts"
"""MLflow's own tag: the tables of a run."""
_COLUMNS = ("example", "truth", "answer", "right", "probability", "error", "asked", "lead")


def write_answers(folder: Path, answers: Mapping[str, Any]) -> None:
    """Write all files of a run's answers into a folder."""
    (folder / ANSWERS_ARTIFACT).write_text(strict_json.dumps(answers), encoding="utf-8")
    for name, table in tables(answers).items():
        (folder / name).write_text(strict_json.dumps(table, ensure_ascii=False), encoding="utf-8")
    if "sample" in answers:
        (folder / SAMPLE).write_text(answers["sample"], encoding="utf-8")
    pictures = {"predictions.svg": answers_picture(answers["examples"])}
    if "confusion" in answers:
        pictures["confusion_matrix.svg"] = confusion_picture(answers["confusion"])
    for name, picture in pictures.items():
        if picture is not None:
            (folder / name).write_text(picture, encoding="utf-8")


def tables_tag(answers: Mapping[str, Any]) -> str:
    """The value of the tag that names the tables."""
    return json.dumps([{"path": name, "type": "table"} for name in tables(answers)])


def tables(answers: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """By file name: the examples, the confusion matrix with the recall of each class, the error of each step ahead."""
    found: dict[str, dict[str, list[Any]]] = {}
    if examples := answers["examples"]:
        columns = [name for name in _COLUMNS if any(name in one for one in examples)]
        found[PREDICTIONS] = {"columns": columns, "data": [[one.get(name) for name in columns] for one in examples]}
    if confusion := answers.get("confusion"):
        names, counts = confusion["classes"], confusion["counts"]
        rows = zip(names, counts, recalls(counts), strict=True)
        found[CONFUSION] = {
            "columns": ["right class", *(f"answered {name}" for name in names), "examples", "recall"],
            "data": [
                [name, *row, sum(row), None if math.isnan(recall) else round(recall, 4)] for name, row, recall in rows
            ],
        }
    if ahead := answers.get("errors_ahead"):
        steps = range(1, len(ahead["mse"]) + 1)
        data = [list(row) for row in zip(steps, ahead["mse"], ahead["persistence"], strict=True)]
        found[AHEAD] = {"columns": ["steps ahead", "mse", "mse of persistence"], "data": data}
    return found

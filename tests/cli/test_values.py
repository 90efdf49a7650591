"""What commands say to other programs."""

from __future__ import annotations

import pytest

from rnnbench.checks.finding import Finding
from rnnbench.cli import values
from rnnbench.errors import UserError
from tests.cli.hostile_grid import FOUND, GRID


def test_status_as_plain_values() -> None:
    said = values.status(GRID, FOUND)
    assert said["counts"] == {"running": 2, "finished": len(GRID.runs) - 2}
    assert [run.get("step", "no") for run in said["runs"][:3]] == [None, 1500, "no"]
    assert [run.get("score", "no") for run in said["runs"][:3]] == [None, 0.25, "no"]
    assert said["runs"][0].keys() >= {"name", "signature", "task", "model", "lag", "filler", "seed", "state", "steps"}


def test_registered_things_as_plain_values() -> None:
    (lstm,) = values.registered(["lstm"])["models"].values()
    assert values.registered(["lstm"])["tasks"] == {}
    assert lstm["settings"]["units"]["default"] == 64
    assert lstm["settings"]["units"]["description"]
    assert {"copy_memory", "sentiment"} <= values.registered([])["tasks"].keys()
    with pytest.raises(UserError, match=r"unknown name .lstmm. \(did you mean .lstm.\?\)"):
        values.registered(["lstmm"])


def test_findings_as_plain_values() -> None:
    said = values.findings([Finding("a", "b", "c", "d", "e", passed) for passed in (True, False, None)])
    assert [row["verdict"] for row in said["findings"]] == ["passed", "failed", "not checked"]
    row = {"check": "a", "expected": "b", "found": "c", "tolerance": "d", "source": "e", "verdict": "passed"}
    assert said["findings"][0] == row
    assert said["counts"] == {"passed": 1, "failed": 1, "not checked": 1}

"""What commands say to other programs."""

from __future__ import annotations

import itertools

import pytest

from rnnbench.checks.finding import Finding
from rnnbench.cli import values
from rnnbench.errors import UserError
from rnnbench.grid.status import GridStatus
from tests.cli.hostile_grid import FOUND, GRID
from tests.refusing_grid import REASON, refusing


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


def test_models_come_in_their_families() -> None:
    families = [about["family"] for about in values.registered([])["models"].values()]
    assert [family for family, _ in itertools.groupby(families)][:3] == ["core", "cell", "baseline"]
    assert "family" not in values.registered(["adding"])["tasks"]["adding"]


def test_findings_as_plain_values() -> None:
    said = values.findings([Finding("a", "b", "c", "d", "e", passed) for passed in (True, False, None)])
    assert [row["verdict"] for row in said["findings"]] == ["passed", "failed", "not checked"]
    row = {"check": "a", "expected": "b", "found": "c", "tolerance": "d", "source": "e", "verdict": "passed"}
    assert said["findings"][0] == row
    assert said["counts"] == {"passed": 1, "failed": 1, "not checked": 1}


def test_skipped_runs_as_plain_values() -> None:
    grid = refusing()
    said = values.plan(grid, 2)
    assert (said["planned"], len(said["runs"])) == (8, 8)
    assert [(run["lag"], run["name"], run["reason"]) for run in said["skipped"]] == [
        (20, "short_rnn T20 s0 review", REASON),
        (20, "short_rnn T20 s0 review far", REASON),
    ]
    states = {spec.signature: "waiting" for spec in grid.runs} | {spec.key: "skipped" for spec in grid.skipped}
    said = values.status(grid, GridStatus(states, [], None))
    assert said["counts"] == {"waiting": 8, "skipped": 2}
    assert [run["reason"] for run in said["runs"] if run["state"] == "skipped"] == [REASON] * 2
    assert all("reason" not in run for run in said["runs"] if run["state"] != "skipped")
    assert values.plan(refusing(models={"both_ways": {}}), 2)["seconds"] == 0


def test_models_and_tasks_say_what_decides_on_skipping() -> None:
    refusing()
    found = values.registered(["both_ways", "lstm", "copy_memory"])
    assert {name: about["causal"] for name, about in found["models"].items()} == {"both_ways": False, "lstm": True}
    assert found["tasks"]["copy_memory"]["allows_lookahead"] is False
    assert "causal" not in values.registered(["training"])["groups"]["training"]

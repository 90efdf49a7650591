"""The committed reports are what their own `data/` gives, byte for byte, without a store and without training."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.grid.exported import answered
from rnnbench.grid.report import Source, write

REPORTS = Path(__file__).parents[2] / "reports"
WITH_DATA = sorted(place.parents[1] for place in REPORTS.glob("*/data/manifest.json"))
_MOST_BYTES = 60 * 2**20


@pytest.mark.parametrize("report", WITH_DATA, ids=lambda report: report.name)
def test_a_report_is_made_again_from_its_data(report: Path, tmp_path: Path) -> None:
    (found,) = answered([report])
    write([Source(found.experiment, found.location, found.made_by)], tmp_path)
    made, kept = contents(tmp_path), contents(report)
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == []


def test_reports_do_not_burden_a_clone() -> None:
    assert sum(path.stat().st_size for path in REPORTS.rglob("*") if path.is_file()) < _MOST_BYTES


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

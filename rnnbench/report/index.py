"""A folder of reports: its README.md and index.html, which list every report with its headline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench.report.words import BRACKETS


@dataclass(frozen=True)
class Entry:
    """One report of the folder."""

    folder: str
    title: str
    description: str
    headline: dict[str, str]
    runs: str
    picture: str | None


def write_index(folder: Path) -> None:
    """List the reports in the folders of `folder` by what their manifests say; the same reports, the same bytes."""
    from rnnbench.report.build import templates, tidy

    context = {"entries": entries(folder), "brackets": BRACKETS}
    for name in ("README.md", "index.html"):
        text = templates().get_template(f"{name}.j2").render(context)
        (folder / name).write_text(tidy(text), encoding="utf-8", newline="\n")


def entries(folder: Path) -> list[Entry]:
    """The reports in the folders of `folder`, by the names of these."""
    manifests = {path.parent: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*/manifest.json"))}
    return [_entry(path, manifest) for path, manifest in manifests.items() if "title" in manifest]


def _entry(folder: Path, manifest: dict[str, Any]) -> Entry:
    totals = manifest.get("totals", {})
    counts = [
        f"{totals[kind]} {kind}" for kind in ("finished", "diverged", "failed", "interrupted") if totals.get(kind)
    ]
    return Entry(
        folder.name,
        manifest["title"],
        manifest.get("description", ""),
        manifest.get("headline", {}),
        f"{totals.get('runs', 0)} runs: {', '.join(counts)}",
        "figures/overview.svg" if (folder / "figures" / "overview.svg").exists() else None,
    )

"""Results in, a folder of report files out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rnnbench.analysis.groups import attempted
from rnnbench.analysis.results import CHOICE_COLUMNS, COLUMNS, Results
from rnnbench.analysis.selection import EVALUATED
from rnnbench.errors import UserError
from rnnbench.experiment.skipped import SKIPPED
from rnnbench.files import write
from rnnbench.report import sections, tables, words
from rnnbench.report.data import ReportData
from rnnbench.report.definitions import DEFINITIONS, REFERENCES
from rnnbench.report.drawing.figure import VEGA_LITE, Figure
from rnnbench.report.drawing.style import MANY_MODELS, PAGE, vega_config
from rnnbench.report.glossary import models_table
from rnnbench.report.headlines import REACH
from rnnbench.report.horizons import horizon_tables
from rnnbench.report.rendering import packed, render, tidy
from rnnbench.report.sections import Contents
from rnnbench.text import strict_json

_WHOLE = [
    "lag", "seed", "generalises_to", "steps", "steps_to_solve", "parameters", "recurrent_parameters", "units",
]  # fmt: skip


def build(
    experiment: dict[str, Any],
    results: Results,
    out: Path,
    *,
    title: str,
    description: str = "",
    restriction: str = "",
    mixed: str = "",
    provenance: dict[str, Any],
    reproduce: list[str],
    planned: int | None = None,
    run_pages: Mapping[str, str] | None = None,
) -> Path:
    """Write `report.html`, `report.md`, `figures/*.svg`, `results.csv`, `lag_curve.csv` and `manifest.json` into `out`.

    `experiment`: the resolved experiment as plain values. `restriction`: what was left out on request. `mixed`: on
    results that are not all of one kind of machine. `provenance`: versions, commit and hardware, from the store.
    `reproduce`: the commands that make this report again. `planned`: how many runs the experiment has. `run_pages`: by
    experiment (the column `experiment` of the runs) the address in the MLflow UI to which a run's id is added. The same
    arguments give the same bytes. Returns the path of `report.html`; raises `UserError` if there is no run to report.
    """
    if results.runs.empty:
        raise UserError(f"nothing to report on '{title}': its store holds no run; `rnnbench run` makes some")
    if (reasons := _why_all_are_skipped(results.runs)) is not None:
        raise UserError(f"nothing to report on '{title}': every run is skipped: {reasons}")
    if not (results.runs["role"] == EVALUATED).any():
        raise UserError(f"nothing to report on '{title}' yet: the tuning runs, which choose, are not complete")
    data = ReportData(results, experiment.get("tasks"))
    contents = sections.contents(data)
    context = {
        "title": title,
        "description": description,
        "restriction": restriction,
        "run_counts": words.run_counts(data, planned),
        "models": models_table(experiment.get("models") or {}),
        "settings": tables.facts_table("The experiment as resolved.", experiment),
        "provenance": tables.facts_table("Where and with what it was run.", provenance),
        "reproduce": reproduce,
        **_said_of_all(data, mixed),
        "answer_figures": contents.answer,
        "sections": contents.sections,
        "page_config": vega_config(PAGE),
        "run_pages": _run_pages(data, run_pages or {}),
    }
    manifest = {
        "title": title,
        "description": description,
        "headline": {section.problem.label: " ".join(section.headlines) for section in contents.sections},
        "totals": _totals(data, planned),
        "experiment": experiment,
        "provenance": provenance,
    }
    out.mkdir(parents=True, exist_ok=True)
    _write_figures(contents.figures, out / "figures")
    write(out / "report.md", tidy(render("report.md.j2", context)))
    write(out / "results.csv", csv(results.runs))
    write(out / "lag_curve.csv", curves_csv(results.lag_curves))
    write(out / "manifest.json", strict_json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n")
    page = out / "report.html"
    write(page, render("report.html.j2", context | _drawing(contents)))
    return page


def figures(results: Results) -> dict[str, Figure]:
    """Every figure of the report by its name, without published scores."""
    return {figure.name: figure for figure in sections.contents(ReportData(results)).figures}


def csv(runs: pd.DataFrame) -> str:
    """A row for each run or skipped point, columns as `Results.runs`: integers as such, others exact, missing empty."""
    more = [name for name in runs if name not in (*COLUMNS, *CHOICE_COLUMNS)]
    table = runs.reindex(columns=[*COLUMNS, *more])
    whole = {name: pd.to_numeric(table[name]).round().astype("Int64") for name in _WHOLE}
    return table.assign(**whole, solved=table["solved"].astype("boolean")).to_csv(index=False, lineterminator="\n")


def curves_csv(curves: pd.DataFrame) -> str:
    """A row for each run and tested lag, columns as `Results.lag_curves`."""
    table = curves.assign(solved=curves["solved"].astype("boolean"))
    return table.to_csv(index=False, lineterminator="\n")


def _why_all_are_skipped(runs: pd.DataFrame) -> str | None:
    return None if len(attempted(runs)) else "; ".join(runs["message"].unique())


def _said_of_all(data: ReportData, mixed: str) -> dict[str, Any]:
    """What stands outside of the sections of the tasks and follows from the results alone."""
    return {
        "series": data.series,
        "caution": " ".join(part for part in (words.caution(data), mixed) if part),
        "reading": REACH,
        "horizons": horizon_tables(data),
        "many_models": MANY_MODELS,
        "levels": tables.levels_table(data),
        "selection": tables.selection_table(data),
        "published": tables.published_table(data),
        "failures": tables.failures_table(data),
        "skipped": tables.skipped_table(data),
        "definitions": DEFINITIONS,
        "references": REFERENCES,
    }


def _totals(data: ReportData, planned: int | None) -> dict[str, Any]:
    runs = data.all_runs.drop_duplicates("signature")
    statuses = runs["status"].value_counts(sort=False)
    return {
        "planned": planned,
        "runs": len(runs),
        **{str(status): int(count) for status, count in statuses.items()},
        **({SKIPPED: sum(group.runs for group in data.skipped_runs)} if len(data.skipped) else {}),
        "training_seconds": float(runs["seconds"].sum()),
    }


def _run_pages(data: ReportData, prefixes: Mapping[str, str]) -> dict[str, Any]:
    """The page of each run in the MLflow UI, in the order of `ReportData.all_runs`, without repetition."""
    runs = data.all_runs
    names = [name for name in runs["experiment"].unique() if name in prefixes]
    place = {name: at for at, name in enumerate(names)}
    found = [
        f"{place[row['experiment']]} {row['run_id']}" if row["experiment"] in place else ""
        for row in runs[["experiment", "run_id"]].to_dict("records")
    ]
    pages = [prefixes[name] for name in names]
    servers = list(dict.fromkeys(page.partition("/#")[0] for page in pages))
    return {"servers": servers, "prefixes": pages, "runs": found if names else []}


def _drawing(contents: Contents) -> dict[str, str]:
    """The panels of the page in its order, and the library that draws them."""
    panels = [panel for figure in contents.figures for panel in figure.page_specs()]
    return {"panels": packed(strict_json.dumps(panels, separators=(",", ":"))), "library": _library()}


def _library() -> str:
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]  # its stub is behind
    return packed(bundle)


def _write_figures(figures: list[Figure], folder: Path) -> None:
    texts = {f"{figure.name}.svg": figure.svg() for figure in figures}
    for figure in figures:
        if figure.numbers is not None:
            numbers = figure.numbers.to_csv(index=False, lineterminator="\n", float_format="%.6g")
            texts[f"{figure.name}.csv"] = numbers
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        write(folder / name, text)
    for file in [*folder.glob("*.svg"), *folder.glob("*.csv"), *folder.glob("*.new")]:
        if file.name not in texts:
            file.unlink()

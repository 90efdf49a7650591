"""Results in, a folder of report files out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from rnnbench.errors import UserError
from rnnbench.report import drawings, published, tables, words
from rnnbench.report.diagnostics import diagnostics_table
from rnnbench.report.figures import VEGA_LITE, Figure
from rnnbench.report.material import Material, Problem
from rnnbench.report.style import PAGE, Series, vega_config
from rnnbench.report.tables import Table
from rnnbench.results import COLUMNS, Results
from rnnbench.selection import EVALUATED

_WHOLE = ["lag", "seed", "steps", "steps_to_solve", "parameters", "recurrent_parameters", "units"]


@dataclass(frozen=True)
class Section:
    """What the report says of one task at one setting."""

    problem: Problem
    answers: list[str]
    gradient_answer: str
    score: Figure | None
    tables: list[Table | None]
    gradients: list[Figure]
    gradient_tables: list[Table | None]
    curves: list[Figure]

    @property
    def figures(self) -> list[Figure]:
        return [figure for figure in [self.score, *self.gradients, *self.curves] if figure]


def build(
    experiment: dict[str, Any],
    results: Results,
    out: Path,
    *,
    title: str,
    description: str = "",
    provenance: dict[str, Any],
    reproduce: list[str],
    planned: int | None = None,
) -> Path:
    """Write `report.html`, `report.md`, `figures/*.svg`, `results.csv` and `manifest.json` into `out`.

    `experiment`: the resolved experiment as plain values. `provenance`: versions, commit, hardware, as the store knows
    them. `reproduce`: the commands that make this report again. `planned`: how many runs the experiment has. The same
    arguments give the same bytes. Returns the path of `report.html`; raises `UserError` if there is no run to report.
    """
    if results.runs.empty:
        raise UserError(f"nothing to report on '{title}': its store holds no run; `rnnbench run` makes some")
    if not (results.runs["role"] == EVALUATED).any():
        raise UserError(f"nothing to report on '{title}' yet: the runs that choose a learning rate are not complete")
    material = Material(results)
    context = _context(experiment, material, title, description, provenance, reproduce, planned)
    figures = [context["overview"], context["survival"], *(f for s in context["sections"] for f in s.figures)]
    out.mkdir(parents=True, exist_ok=True)
    _write_figures([figure for figure in figures if figure], out / "figures")
    _write(out / "report.md", _tidy(_templates().get_template("report.md.j2").render(context)))
    _write(out / "results.csv", csv(results.runs))
    manifest = {"title": title, "experiment": experiment, "provenance": provenance, "totals": context["totals"]}
    _write(out / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n")
    page = out / "report.html"
    _write(page, _templates().get_template("report.html.j2").render(context, bundle=_bundle()))
    return page


def csv(runs: pd.DataFrame) -> str:
    """One row a run, columns as `results.COLUMNS`: whole numbers whole, others exact, missing values empty."""
    table = runs.reindex(columns=COLUMNS)
    whole = {name: pd.to_numeric(table[name]).round().astype("Int64") for name in _WHOLE}
    return table.assign(**whole, solved=table["solved"].astype("boolean")).to_csv(index=False, lineterminator="\n")


def _context(
    experiment: dict[str, Any],
    material: Material,
    title: str,
    description: str,
    provenance: dict[str, Any],
    reproduce: list[str],
    planned: int | None,
) -> dict[str, Any]:
    tasks = experiment.get("tasks") or {}
    statuses = material.all_runs["status"].value_counts(sort=False)
    return {
        "title": title,
        "description": description,
        "caution": words.caution(material),
        "run_counts": words.run_counts(material, planned),
        "totals": {
            "planned": planned,
            "runs": len(material.all_runs),
            **{str(status): int(count) for status, count in statuses.items()},
            "training_seconds": float(material.all_runs["seconds"].sum()),
        },
        "horizon": tables.horizon_table(material),
        "overview": drawings.overview(material),
        "survival": drawings.survival(material),
        "sections": [_section(material, problem, tasks) for problem in material.problems],
        "series": material.series,
        "levels": tables.levels_table(material),
        "selection": tables.selection_table(material),
        "published": tables.published_table(material, tasks),
        "failures": tables.failures_table(material),
        "models": tables.models_table(material),
        "settings": tables.facts_table("The experiment as resolved.", experiment),
        "provenance": tables.facts_table("Where and with what it was run.", provenance),
        "reproduce": reproduce,
        "definitions": words.DEFINITIONS,
        "page_config": vega_config(PAGE),
    }


def _section(material: Material, problem: Problem, tasks: published.Described) -> Section:
    return Section(
        problem=problem,
        answers=words.answers(material, problem),
        gradient_answer=words.gradient_answer(material, problem),
        score=drawings.scores(material, problem, published.points(problem, tasks)),
        tables=[
            tables.score_table(material, problem),
            tables.success_table(material, problem),
            tables.comparison_table(material, problem),
        ],
        gradients=drawings.gradients(material, problem),
        gradient_tables=[tables.gradient_table(material, problem), diagnostics_table(material, problem)],
        curves=drawings.curves(material, problem),
    )


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rnnbench.report"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters |= {"markdown": markdown, "slug": drawings.slug, "swatch": swatch}
    return environment


def markdown(text: str) -> str:
    """A user's string as plain text inside Markdown, also within a table."""
    text = re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"^(\d+)([.)])(?= |$)", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", text))


def swatch(series: Series) -> str:
    """SVG path of a point of about 9 x 9 units around the origin."""
    return {
        "circle": "M-4.5,0A4.5,4.5,0,1,1,4.5,0A4.5,4.5,0,1,1,-4.5,0Z",
        "square": "M-4,-4H4V4H-4Z",
        "triangle-up": "M0,-5L5,4H-5Z",
        "diamond": "M0,-5.5L4.5,0L0,5.5L-4.5,0Z",
        "triangle-down": "M0,5L5,-4H-5Z",
        "triangle-right": "M5,0L-4,5V-5Z",
        "triangle-left": "M-5,0L4,5V-5Z",
    }[series.shape]


def _bundle() -> str:
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]  # its stub is behind
    # Inside a script element only this sequence could end it early.
    return bundle.replace("</script", "<\\/script")


def _write_figures(figures: list[Figure], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for stale in folder.glob("*.svg"):
        stale.unlink()
    for figure in figures:
        _write(folder / f"{figure.name}.svg", figure.svg())


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", text)).strip() + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

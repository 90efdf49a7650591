"""Results in, a folder of report files out."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from rnnbench.analysis.results import COLUMNS, Results
from rnnbench.analysis.selection import EVALUATED
from rnnbench.errors import UserError
from rnnbench.files import write
from rnnbench.report import published, tables, words
from rnnbench.report.data import Problem, ReportData
from rnnbench.report.definitions import DEFINITIONS, REFERENCES
from rnnbench.report.diagnostics import diagnostics_table
from rnnbench.report.drawing.figure import VEGA_LITE, Figure
from rnnbench.report.drawing.style import PAGE, Series, vega_config
from rnnbench.report.figures import gradients as gradient_figures
from rnnbench.report.figures import learning_curves as training_figures
from rnnbench.report.figures import scores as score_figures
from rnnbench.report.tables import Table
from rnnbench.text import strict_json

_WHOLE = ["lag", "seed", "steps", "steps_to_solve", "parameters", "recurrent_parameters", "units"]


@dataclass(frozen=True)
class Part:
    """Figures that belong together, and the tables of their numbers by name."""

    title: str
    figures: list[Figure]
    tables: dict[str, Table]


@dataclass(frozen=True)
class Section:
    """What the report says of one task at one setting."""

    problem: Problem
    headline: str
    answers: list[str]
    parts: list[Part]


def build(
    experiment: dict[str, Any],
    results: Results,
    out: Path,
    *,
    title: str,
    description: str = "",
    restriction: str = "",
    provenance: dict[str, Any],
    reproduce: list[str],
    planned: int | None = None,
    run_pages: Mapping[str, str] | None = None,
) -> Path:
    """Write `report.html`, `report.md`, `figures/*.svg`, `results.csv` and `manifest.json` into `out`.

    `experiment`: the resolved experiment as plain values. `restriction`: what was left out on request. `provenance`:
    versions, commit, hardware, as the store knows them. `reproduce`: the commands that make this report again.
    `planned`: how many runs the experiment has. `run_pages`: for each experiment (the column `experiment` of the runs)
    the address in the MLflow UI to which a run's id is added. The same arguments give the same bytes. Returns the path
    of `report.html`; raises `UserError` if there is no run to report.
    """
    if results.runs.empty:
        raise UserError(f"nothing to report on '{title}': its store holds no run; `rnnbench run` makes some")
    if not (results.runs["role"] == EVALUATED).any():
        raise UserError(f"nothing to report on '{title}' yet: the runs that choose a learning rate are not complete")
    data = ReportData(results)
    tasks = experiment.get("tasks") or {}
    sections = [_section(data, problem, tasks) for problem in data.problems]
    overview = score_figures.overview(data)
    context = {
        "title": title,
        "description": description,
        "restriction": restriction,
        "caution": words.caution(data),
        "brackets": words.BRACKETS,
        "run_counts": words.run_counts(data, planned),
        "horizon": tables.horizon_table(data),
        "overview": overview,
        "sections": sections,
        "series": data.series,
        "levels": tables.levels_table(data),
        "selection": tables.selection_table(data),
        "published": tables.published_table(data, tasks),
        "failures": tables.failures_table(data),
        "settings": tables.facts_table("The experiment as resolved.", experiment),
        "provenance": tables.facts_table("Where and with what it was run.", provenance),
        "reproduce": reproduce,
        "definitions": DEFINITIONS,
        "references": REFERENCES,
        "page_config": vega_config(PAGE),
        "run_pages": _run_pages(data, run_pages or {}),
    }
    drawn = _drawn(overview, sections)
    out.mkdir(parents=True, exist_ok=True)
    _write_figures(drawn, out / "figures")
    write(out / "report.md", tidy(templates().get_template("report.md.j2").render(context)))
    write(out / "results.csv", csv(results.runs))
    manifest = {
        "title": title,
        "description": description,
        "headline": {section.problem.label: section.headline for section in sections},
        "totals": _totals(data, planned),
        "experiment": experiment,
        "provenance": provenance,
    }
    write(out / "manifest.json", strict_json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n")
    page = out / "report.html"
    specs = [spec for figure in drawn for spec in figure.page_specs()]
    panels = packed(strict_json.dumps(specs, separators=(",", ":")))
    template = templates().get_template("report.html.j2")
    write(page, template.render(context, library=_library(), panels=panels))
    return page


def figures(results: Results, tasks: published.Described | None = None) -> dict[str, Figure]:
    """Every figure of the report by its name; `tasks`: label to settings, for published figures to be beside ours."""
    data = ReportData(results)
    sections = [_section(data, problem, tasks or {}) for problem in data.problems]
    return {figure.name: figure for figure in _drawn(score_figures.overview(data), sections)}


def csv(runs: pd.DataFrame) -> str:
    """One row a run, columns as `results.COLUMNS`: whole numbers whole, others exact, missing values empty."""
    table = runs.reindex(columns=COLUMNS)
    whole = {name: pd.to_numeric(table[name]).round().astype("Int64") for name in _WHOLE}
    return table.assign(**whole, solved=table["solved"].astype("boolean")).to_csv(index=False, lineterminator="\n")


def _drawn(overview: Figure | None, sections: list[Section]) -> list[Figure]:
    figures = [figure for section in sections for part in section.parts for figure in part.figures]
    return [overview, *figures] if overview else figures


def _totals(data: ReportData, planned: int | None) -> dict[str, Any]:
    runs = data.all_runs.drop_duplicates("signature")
    statuses = runs["status"].value_counts(sort=False)
    return {
        "planned": planned,
        "runs": len(runs),
        **{str(status): int(count) for status, count in statuses.items()},
        "training_seconds": float(runs["seconds"].sum()),
    }


def _section(data: ReportData, problem: Problem, tasks: published.Described) -> Section:
    def part(title: str, figures: list[Figure | None], shown: dict[str, Table | None]) -> Part:
        return Part(
            title, [figure for figure in figures if figure], {name: table for name, table in shown.items() if table}
        )

    return Section(
        problem,
        words.headline(data, problem),
        words.answers(data, problem),
        [
            part(
                "Score",
                [score_figures.scores(data, problem, published.points(problem, tasks))],
                {
                    "Score at each lag": tables.score_table(data, problem),
                    "Success rate and steps to solve": tables.success_table(data, problem),
                    "Models against each other": tables.comparison_table(data, problem),
                },
            ),
            part(
                "Gradients",
                [
                    *gradient_figures.gradients(data, problem),
                    gradient_figures.survival(data, problem),
                    gradient_figures.prediction(data, problem),
                ],
                {
                    "Survival and decay at each lag": tables.gradient_table(data, problem),
                    "What training did to the network": diagnostics_table(data, problem),
                },
            ),
            part(
                "Training",
                [*training_figures.curves(data, problem), *training_figures.solving(data, problem)],
                {},
            ),
            part(
                "Cost",
                [training_figures.cost(data, problem)],
                {"Size and cost": tables.cost_table(data, problem)},
            ),
        ],
    )


def _run_pages(data: ReportData, prefixes: Mapping[str, str]) -> dict[str, Any]:
    """The page of each run in the MLflow UI, in the order of `ReportData.all_runs`, written short."""
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


def templates() -> jinja2.Environment:
    """The templates, which escape what they set into HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rnnbench.report"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_function"] = strict_json.dumps
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters |= {"markdown": markdown, "swatch": swatch}
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


def packed(text: str) -> str:
    """Gzip in base 64: what the page unpacks by itself, a third of the size of the drawing library and less of data."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


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


def tidy(text: str) -> str:
    """No space at the end of a line, no two empty lines together, one line break at the end."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", text)).strip() + "\n"

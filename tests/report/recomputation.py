"""Every horizon, count, interval and headline number of a report, computed again from its CSV files.

Pandas and SciPy only; nothing here comes from the package, so that a mistake there is not made here too. As a script:
`python -m tests.report.recomputation reports/NAME ...` prints what disagrees.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tests.report.read_headlines import check_headlines, names_in, section_of
from tests.report.recomputed import (
    close,
    counts,
    exact_interval,
    horizon,
    horizon_counts,
    horizon_text,
    median_steps,
    outcomes,
    read,
)


def check(folder: Path) -> list[str]:
    """What in a report does not follow from its `results.csv` and `lag_curve.csv`; empty where all does."""
    runs = read(folder / "results.csv")
    curves = pd.read_csv(folder / "lag_curve.csv", dtype={"signature": str})
    text = (folder / "report.md").read_text("utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    found = [*check_horizons(runs, text), *check_successes(runs, text), *check_scores(runs, text)]
    found += [*check_answers(runs, text), *check_curves(runs, curves), *check_budgets(runs, folder / "figures")]
    for problem, block in runs.groupby("problem", sort=False):
        said = manifest["headline"].get(problem)
        if said is None:
            found.append(f"{problem}: no headline")
        elif len(outcomes(block)):
            stateless = set(re.findall(r"No states in (.+?): gradients", section_of(plain(text), problem)))
            names = {name for told in stateless for name in names_in(told)}
            found += [f"{problem}: {wrong}" for wrong in check_headlines(said, block, names)]
    return found


@dataclass(frozen=True)
class Cells:
    """A table of a Markdown report: its head, and for each row the lines of each cell."""

    head: list[str]
    rows: list[list[list[str]]]


def tables(text: str, caption: str) -> Iterator[tuple[str, Cells]]:
    """(heading of the section, table) of each table whose caption has these words."""
    section, lines = "", text.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("## "):
            section = plain(line[3:])
        if caption in plain(line) and lines[at + 1 : at + 2] == [""] and lines[at + 2].startswith("| "):
            rows = lines[at + 2 :][: lines[at + 2 :].index("")]
            cells = [[plain(cell).split("<br>") for cell in split(row)] for row in rows]
            yield section, Cells([cell[0] for cell in cells[0]], cells[2:])


def plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).strip()


def split(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def ends(text: str) -> tuple[str, str]:
    low, high = re.fullmatch(r"\[(\S+), (\S+)\]", text).groups()  # type: ignore[union-attr]
    return low, high


def check_horizons(runs: pd.DataFrame, text: str) -> Iterator[str]:
    told = {
        (setup.partition("; ")[0], row[0][0]): cell
        for _, table in tables(text, "Memory horizon")
        for row in table.rows
        for setup, cell in zip(table.head[1:], row[1:], strict=True)
    }
    for (problem, setup, series), one in runs.groupby(["problem", "setup", "series"]):
        solved, where = counts(one), f"horizon of {series}, {problem}, {setup}"
        cell = told[f"{problem}, {setup}", series]
        if cell[0] != horizon_text(solved):
            yield f"{where}: {cell[0]}, not {horizon_text(solved)}"
        # With more models the counts stand in the answers alone.
        if solved and runs["series"].nunique() <= 6 and horizon_counts(solved) not in cell:
            yield f"{where}: {cell}, not {horizon_counts(solved)}"
        reached = horizon(solved)
        at = outcomes(one[one["lag"] == reached]) if reached is not None else one.iloc[:0]
        clocks = [line for line in cell if line.startswith("clock: ")]
        expected = f"clock: {at['is_clock'].sum()} of {at['solved'].sum()}"
        if bool(clocks) != bool(at["is_clock"].any()) or (clocks and not clocks[0].startswith(expected)):
            yield f"{where}: {clocks}, not {expected}"


def by_lag(runs: pd.DataFrame, text: str, caption: str) -> Iterator[tuple[str, list[str], pd.DataFrame]]:
    """(where, cell, ended runs) of each cell of the tables with a row a series and a column a lag."""
    for section, table in tables(text, caption):
        mine = runs[runs["problem"] == section]
        for row in table.rows:
            series, setup = row[0]
            for head, cell in zip(table.head[1:], row[1:], strict=True):
                lag = int(head.split()[-1])
                at = mine[(mine["series"] == series) & (mine["setup"] == setup) & (mine["lag"] == lag)]
                if cell[0] not in ("skipped", "not run"):
                    yield f"{section}, {series}, {setup}, lag {lag}", cell, outcomes(at)


def check_successes(runs: pd.DataFrame, text: str) -> Iterator[str]:
    for where, cell, at in by_lag(runs, text, "Runs that solved the task, with the 95% Clopper"):
        if at.empty:
            continue
        k, n = int((at["solved"] & (at["status"] == "finished")).sum()), len(at)
        low, high = exact_interval(k, n)
        if cell[0] != f"{k} of {n}":
            yield f"{where}: {cell[0]} solved, not {k} of {n}"
        if not (close(ends(cell[1])[0], low, 2) and close(ends(cell[1])[1], high, 2)):
            yield f"{where}: interval {cell[1]}, not {low} to {high}"
        steps = median_steps(at)
        if not close(cell[2].removesuffix(" steps") if len(cell) > 2 else "", steps, 6):
            yield f"{where}: {cell[2:]}, not {steps} steps"


def check_scores(runs: pd.DataFrame, text: str) -> Iterator[str]:
    for where, cell, at in by_lag(runs, text, "on the test split: mean over seeds"):
        scores = at["score"].astype(float)
        known = len(scores) and scores.notna().all()
        if not close(cell[0], scores.mean() if known else math.nan):
            yield f"{where}: mean {cell[0]}, not {scores.mean()}"
        bands = [line for line in cell if line.startswith("[")]
        # From ten seeds on the band is a bootstrap, whose resamples are its own.
        if known and 2 <= len(scores) < 10:
            low, high = ends(bands[0])
            if not (close(low, scores.min()) and close(high, scores.max())):
                yield f"{where}: range {bands[0]}, not {scores.min()} to {scores.max()}"
        elif bands and not (known and len(scores) >= 10):
            yield f"{where}: a band {bands[0]} of nothing"
        solved, clocks = int((at["solved"] & (at["status"] == "finished")).sum()), int(at["is_clock"].sum())
        told = next((line for line in cell if " solved" in line), "")
        if len(at) and not told.startswith(f"{solved}/{len(at)} solved"):
            yield f"{where}: {told}, not {solved}/{len(at)}"
        if (f"{clocks} by a clock" in told) != (clocks > 0):
            yield f"{where}: {told}, but {clocks} clocks"


def check_answers(runs: pd.DataFrame, text: str) -> Iterator[str]:
    said = plain(text)
    for (problem, setup), block in runs.groupby(["problem", "setup"], sort=False):
        if not len(outcomes(runs[runs["problem"] == problem])):
            continue
        for series, one in block.groupby("series", sort=False):
            solved = counts(one)
            if not solved:
                continue
            reached = horizon(solved)
            told = horizon_counts(solved)
            told = f"none: {told}" if reached is None else f"{'at least ' * (reached == max(solved))}{told}"
            section = said[said.index(f"## {problem}\n") :]
            sentence = section[section.index(f"Memory horizons, {setup}: ") :]
            if f"{series} {told}" not in sentence:
                yield f"answer of {problem}, {setup}: no '{series} {told}'"


def check_curves(runs: pd.DataFrame, curves: pd.DataFrame) -> Iterator[str]:
    """`clock`, `generalises_to` and the own lag of each run, again from its lag curve."""
    one_each = runs.drop_duplicates("signature").set_index("signature")
    for signature, curve in curves.drop_duplicates(["signature", "test_lag"]).groupby("signature"):
        if signature not in one_each.index:
            continue
        run, at = one_each.loc[signature], curve.set_index("test_lag")
        lag = int(run["lag"])
        # A run keeps six digits of its score, the curve all.
        if lag in at.index and not same(at.at[lag, "score"], run["score"], digits=5):
            yield f"{signature}: the lag curve has {at.at[lag, 'score']} at its own lag, not {run['score']}"
        if not run["solved"] or lag not in at.index:
            continue
        skill = {int(k): max(0.0, 0.0 if pd.isna(v) else float(v)) for k, v in at["skill"].items()}
        beside = [skill[k] for k in (lag - 1, lag + 1) if k in skill]
        clock = (skill[lag] - min(beside)) / skill[lag] if beside and skill[lag] > 0 else math.nan
        if not same(run["clock"], clock) and not pd.isna(run["clock"]):
            yield f"{signature}: clock {run['clock']}, not {clock}"
        if "solved" in at and not pd.isna(run["generalises_to"]):
            reached = lag
            for tested in sorted(k for k in at.index if k > lag):
                if str(at.at[tested, "solved"]) != "True":
                    break
                reached = tested
            if int(run["generalises_to"]) != reached:
                yield f"{signature}: generalises to {run['generalises_to']}, not {reached}"


def same(first: Any, second: Any, digits: int = 6) -> bool:
    a, b = float(first), float(second)
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=10.0**-digits, abs_tol=1e-9)


def check_budgets(runs: pd.DataFrame, figures: Path) -> Iterator[str]:
    files = {file.stem: pd.read_csv(file, dtype={"horizon": str}) for file in figures.glob("budget-*.csv")}
    for name, told in files.items():
        problem = next(p for p in runs["problem"].unique() if same_slug(name.removeprefix("budget-"), p))
        mine = outcomes(runs[runs["problem"] == problem])
        for row in told.to_dict("records"):
            one = mine[(mine["setup"] == row["setup"]) & (mine["series"] == row["series"])]
            steps = one["steps_to_solve"].astype(float).fillna(one["steps"].astype(float))
            by_then = one["solved"] & (one["status"] == "finished") & (steps <= row["budget"])
            solved = {int(lag): (int(by_then[at.index].sum()), len(at)) for lag, at in one.groupby("lag")}
            reached = horizon(solved)
            if row["horizon"] != ("none" if reached is None else str(reached)):
                yield f"{name}, {row['setup']}, {row['series']} after {row['budget']}: {row['horizon']}, not {reached}"


def same_slug(slug: str, problem: str) -> bool:
    return re.sub(r"[^a-z0-9_]+", "-", problem.lower()).strip("-")[:60] == re.sub(r"-[0-9a-f]{8}$", "", slug)[:60]


if __name__ == "__main__":
    mistakes = [f"{folder}: {wrong}" for folder in sys.argv[1:] for wrong in check(Path(folder))]
    print("\n".join(mistakes) or "all numbers agree")
    sys.exit(bool(mistakes))

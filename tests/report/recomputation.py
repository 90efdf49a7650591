"""Every horizon, count, interval and headline number of a report, computed again from its CSV files.

Pandas and SciPy only; nothing here comes from the package, so that a mistake there is not made here too. As a script:
`python tests/report/recomputation.py reports/NAME ...` prints what disagrees.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats

PROTOCOLS = {"uniform": "uniform lags", "far": "far lags", "log": "log lags", "fixed": "one fixed lag"}
THROUGH = {"zeros": "zeros", "blank": "blanks", "distractor": "distractors", "decoy": "decoys"}
NEW = {"training_lags", "memoryless", "reference", "frozen", "test_se", "clock", "generalises_to", "start_shift"}


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


# The table of runs


def read(file: Path) -> pd.DataFrame:
    return labelled(pd.read_csv(file, dtype={"signature": str, "run_id": str}, keep_default_na=True))


def labelled(runs: pd.DataFrame) -> pd.DataFrame:
    """The evaluated runs with the names that a report gives them: `problem, setup, series`."""
    runs = runs[runs["role"] == "evaluated"].copy()
    for column in ("task_setting", "model_setting", "source"):
        runs[column] = runs[column].fillna("").astype(str)
    runs["training_lags"] = runs["training_lags"].astype(str)
    source = runs.groupby(["task", "task_setting"])["source"].transform(lambda values: next(filter(None, values), ""))
    runs["source"] = runs["source"].where(runs["source"] != "", source)
    runs["problem"] = [
        named_problem(*row) for row in runs[["task", "task_setting", "source"]].itertuples(index=False, name=None)
    ]
    runs["setup"] = runs["training_lags"].map(PROTOCOLS) + ", " + runs["filler"] + " filler"
    runs["series"] = [
        f"{model} ({setting})" if setting else model
        for model, setting in runs[["model", "model_setting"]].itertuples(index=False, name=None)
    ]
    runs["solved"] = [str(one) == "True" for one in runs["solved"]]
    runs["is_clock"] = runs["solved"] & (runs["clock"].astype(float) > 0.5)
    return runs


def named_problem(task: str, setting: str, source: str) -> str:
    name = f"{task}, {setting}" if setting else task
    if source == "synthetic":
        return f"{name} (synthetic stand-in)"
    return name if source in ("", "generated", task) else f"{name} ({source})"


def outcomes(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["status"].isin(["finished", "diverged"])]


# Statistics


def counts(runs: pd.DataFrame) -> dict[int, tuple[int, int]]:
    """Solved runs and all of them at each lag."""
    return {
        int(lag): (int((at["solved"] & (at["status"] == "finished")).sum()), len(at))
        for lag, at in outcomes(runs).groupby("lag")
    }


def fitted(solved: dict[int, tuple[int, int]]) -> dict[int, float]:
    """The falling fit by its min-max formula, without any algorithm."""
    lags = sorted(solved)

    def rate(first: int, last: int) -> float:
        part = [solved[lag] for lag in lags[first : last + 1]]
        return sum(k for k, _ in part) / sum(n for _, n in part)

    return {
        lags[at]: min(max(rate(a, b) for b in range(at, len(lags))) for a in range(at + 1)) for at in range(len(lags))
    }


def horizon(solved: dict[int, tuple[int, int]]) -> int | None:
    return max((lag for lag, value in fitted(solved).items() if value >= 0.5 - 1e-12), default=None)


def horizon_text(solved: dict[int, tuple[int, int]]) -> str:
    if not solved:
        return "?"
    found = horizon(solved)
    return "–" if found is None else f"≥ {found}" if found == max(solved) else str(found)


def horizon_counts(solved: dict[int, tuple[int, int]]) -> str:
    """`100, 5 of 5, then 200, 1 of 5`."""
    lags, found = sorted(solved), horizon(solved)
    start = 0 if found is None else lags.index(found)
    shown = lags[start : start + (1 if found is None else 2)]
    return ", then ".join(f"{lag}, {solved[lag][0]} of {solved[lag][1]}" for lag in shown)


def exact_interval(k: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson by quantiles of beta distributions."""
    low = 0.0 if k == 0 else float(stats.beta.ppf(0.025, k, n - k + 1))
    return low, 1.0 if k == n else float(stats.beta.ppf(0.975, k + 1, n - k))


def median_steps(runs: pd.DataFrame) -> float:
    """When half of the runs had solved their task, by the product of the shares that had not; NaN if never."""
    events = sorted(
        float(row["steps"] if pd.isna(row["steps_to_solve"]) else row["steps_to_solve"]) if solved else math.inf
        for row, solved in zip(runs.to_dict("records"), runs["solved"] & (runs["status"] == "finished"), strict=True)
    )
    ends = [
        (math.inf if status == "diverged" or pd.isna(steps) else float(steps))
        for status, steps, solved in zip(runs["status"], runs["steps"], runs["solved"], strict=True)
        if not (solved and status == "finished")
    ]
    share = 1.0
    for step in sorted({event for event in events if math.isfinite(event)}):
        at_risk = sum(math.isfinite(event) and event >= step for event in events) + sum(end >= step for end in ends)
        share *= 1 - events.count(step) / at_risk
        if share <= 0.5 + 1e-12:
            return step
    return math.nan


# The report


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
            rows = [row for row in lines[at + 2 :][: lines[at + 2 :].index("")]]
            cells = [[plain(cell).split("<br>") for cell in split(row)] for row in rows]
            yield section, Cells([cell[0] for cell in cells[0]], cells[2:])


def plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).strip()


def split(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def parsed(text: str) -> float:
    text = text.replace("−", "-").replace(",", "")
    return math.nan if text in ("–", "") else float(text)


def close(text: str, value: float, digits: int = 3) -> bool:
    """Whether a printed number is that value, rounded to so many digits."""
    shown = parsed(text)
    if math.isnan(shown) or math.isnan(value):
        return math.isnan(shown) and math.isnan(value)
    return math.isclose(shown, value, rel_tol=0.51 * 10 ** (1 - digits), abs_tol=1e-12)


def ends(text: str) -> tuple[str, str]:
    low, high = re.fullmatch(r"\[(\S+), (\S+)\]", text).groups()  # type: ignore[union-attr]
    return low, high


def check_horizons(runs: pd.DataFrame, text: str) -> Iterator[str]:
    ((_, table),) = tables(text, "Memory horizon: the longest lag")
    told = {
        (row[0][0], series): cell for row in table.rows for series, cell in zip(table.head[1:], row[1:], strict=True)
    }
    for (problem, setup, series), one in runs.groupby(["problem", "setup", "series"]):
        solved, where = counts(one), f"horizon of {series}, {problem}, {setup}"
        cell = told[f"{problem}, {setup}", series]
        if cell[0] != horizon_text(solved):
            yield f"{where}: {cell[0]}, not {horizon_text(solved)}"
        if solved and horizon_counts(solved) not in cell:
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
        if lag in at.index and not same(at.at[lag, "score"], run["score"]):
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


def same(first: Any, second: Any) -> bool:
    a, b = float(first), float(second)
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


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


# Headlines


def section_of(text: str, problem: str) -> str:
    start = text.index(f"## {problem}\n")
    return text[start : text.find("\n## ", start + 1)]


def check_headlines(text: str, runs: pd.DataFrame, stateless: Collection[str] = ()) -> Iterator[str]:
    """The claims of all protocols of one problem, sentence by sentence, against its runs."""
    opening = r"(?:^|(?<=\. ))(?=(?:One fixed lag|Uniform lags|Far lags|Log lags), at most )"
    paragraphs = [part.strip() for part in re.split(opening, text) if part.strip()]
    names = {value: key for key, value in PROTOCOLS.items()}
    told = [names[part.split(", at most")[0].lower()] for part in paragraphs]
    expected = [lags for lags, block in runs.groupby("training_lags", sort=False) if len(outcomes(block))]
    if told != expected:
        yield f"protocols {told}, not {expected}"
        return
    for lags, paragraph in zip(told, paragraphs, strict=True):
        if len(paragraph.split()) > 60:
            yield f"{len(paragraph.split())} words: {paragraph}"
        if re.search(r"[()\[\]]", paragraph):
            yield f"a bracket in: {paragraph}"
        yield from Headline(runs[runs["training_lags"] == lags], stateless).wrong(paragraph)


class Headline:
    """What one paragraph may say of the runs of one problem under one protocol."""

    def __init__(self, runs: pd.DataFrame, stateless: Collection[str] = ()) -> None:
        """`stateless`: the series whose gradients are by the input, which are on another scale."""
        self.ended = outcomes(runs)
        self.stateless = stateless
        self.name = str(self.ended["distance"].iloc[0])
        self.lags = sorted(int(lag) for lag in self.ended["lag"].unique())
        self.fillers = list(dict.fromkeys(self.ended["filler"]))
        self.solved = {
            (THROUGH.get(filler, filler), without_brackets(series)): counts(block)
            for (filler, series), block in self.ended.groupby(["filler", "series"], sort=False)
        }
        self.models = list(dict.fromkeys(model for _, model in self.solved))
        self.left: dict[str, dict[str, Any]] = {}
        self.between: dict[str, int] = {}

    def wrong(self, paragraph: str) -> Iterator[str]:
        opening, *rest = [one.rstrip(".") for one in re.split(r"(?<=[^ .])\. (?=[A-Z])|\.$", paragraph) if one]
        yield from self._opening(opening)
        said = {"reach": 0, "gradient": 0}
        for sentence in rest:
            for kind, start, judge in (
                ("reach", "Through ", self._through), ("reach", "Furthest: ", self._furthest),
                ("reach", "Least: ", self._least), ("reach", "Memory horizons: ", self._range),
                ("clock", "A clock", self._clocks), ("gradient", "Initial gradient left at ", self._gradient),
                ("none", "These data ask no memory", self._no_memory),
                ("score", "", self._scores),
            ):  # fmt: skip
                if sentence.startswith(start):
                    said[kind] = said.get(kind, 0) + 1
                    yield from (f"{wrong} in: {sentence}" for wrong in judge(sentence))
                    break
        for filler in self.left.keys() & {THROUGH.get(one, one) for one in self.fillers}:
            if len(self.left[filler]) != self.between.get(filler, 0):
                yield f"nothing is said of {sorted(self.left[filler])} through {filler}"
        if self.left and len(self.left) != len(self.fillers):
            yield f"only {sorted(self.left)} are told of {self.fillers}"
        if not said["reach"] and "none" not in said:
            yield f"nothing is said of the reach in: {paragraph}"
        timed = self._timed()
        if timed and "clock" not in said and "none" not in said:
            yield f"no word of the clocks {sorted(timed)} in: {paragraph}"
        known = self.ended[(self.ended["lag"] == self.lags[-1]) & ~self.ended["series"].isin(self.stateless)]
        if known["survival_initial"].notna().any() and not said["gradient"] and "none" not in said:
            yield f"no word of the gradient in: {paragraph}"

    def _opening(self, sentence: str) -> Iterator[str]:
        found = re.fullmatch(
            r".+, at most ([\d,]+) steps, (?:(\d+) to )?(\d+) seeds?(?:, best of \d+ [\w ]+s)?", sentence
        )
        if not found:
            yield f"no opening: {sentence}"
            return
        steps, low, high = found.groups()
        n = [n for solved in self.solved.values() for _, n in solved.values()]
        if parsed(steps) != self.ended["steps"].astype(float).fillna(0).max():
            yield f"{steps} steps, not {self.ended['steps'].max()}"
        if (int(low or high), int(high)) != (min(n), max(n)):
            yield f"{low or high} to {high} seeds, not {min(n)} to {max(n)}"

    def _through(self, sentence: str) -> Iterator[str]:
        one = "|".join(THROUGH.get(filler, filler) for filler in self.fillers)
        found = re.fullmatch(rf"Through ((?:{one})(?:, (?:{one}))*(?: and (?:{one}))?), (.+ reached .+)", sentence)
        if not found:
            yield f"fillers are {one}"
            return
        fillers, groups = found.groups()
        for filler in names_in(fillers):
            here = {model: solved for (where, model), solved in self.solved.items() if where == filler}
            left = self.left.setdefault(filler, dict(here))
            for group in groups.split("; "):
                if counted := re.fullmatch(r"(\d+) between", group):
                    self.between[filler] = int(counted[1])
                    continue
                who, reach = self._group(group.replace(" reached", ""), here)
                if isinstance(who, int):
                    wanted = [model for model, solved in here.items() if self._fits(reach, solved)]
                    if len(wanted) != who:
                        yield f"{who} models, but {wanted} reach {reach}"
                    who = wanted
                for model in who:
                    if model not in left or not self._fits(reach, here[model]):
                        yield f"{model} does not reach {reach} but {here.get(model)}, or is named twice"
                    left.pop(model, None)

    def _group(self, group: str, here: dict[str, Any]) -> tuple[list[str] | int, str]:
        """The models at the start of a clause, and the rest of it."""
        if found := re.match(r"(\d+) of (\d+) models ", group):
            assert int(found[2]) == len(here), group
            return int(found[1]), group[found.end() :]
        reach = re.search(rf" (?=(?:{self.name} )?\d+(?: in all runs|,|$)|no {self.name})", group)
        if not reach:
            return [group], "?"
        return names_in(group[: reach.start()], here), group[reach.end() :]

    def _fits(self, reach: str, solved: dict[int, tuple[int, int]]) -> bool:
        """Whether a model with these counts reaches what is said."""
        found, last = horizon(solved), max(solved)
        if reach == f"no {self.name}":
            return found is None
        match = re.fullmatch(
            rf"(?:{self.name} )?(\d+)(, the longest|, the only one)?(,? in all runs)?(?:, never (\d+) or more)?", reach
        )
        if not match:
            return False
        lag, longest, all_runs, never = match.groups()
        fits = found == int(lag)
        if longest:
            fits &= found == last == self.lags[-1] and (len(self.lags) == 1) == longest.endswith("only one")
        if all_runs:
            fits &= all(k == n for at, (k, n) in solved.items() if at <= int(lag))
        if never:
            beyond = {at: k for at, (k, _) in solved.items() if at > int(lag)}
            fits &= min(beyond, default=None) == int(never) and not any(beyond.values())
        return fits

    def _extreme(self, sentence: str, best: bool) -> Iterator[str]:
        clause = sentence.split(": ", 1)[1]
        found = re.fullmatch(r"(.+) through (\w+), (.+)", clause)
        assert found, sentence
        who, filler, reach = found.groups()
        far = [-1 if (lag := horizon(solved)) is None else lag for solved in self.solved.values()]
        bound = max(far) if best else min(far)
        here = {model: solved for (where, model), solved in self.solved.items() if where == filler}
        fitting = [model for model, solved in here.items() if self._fits(reach, solved)]
        if counted := re.fullmatch(r"(\d+) of (\d+) models", who):
            named = fitting if (int(counted[1]), int(counted[2])) == (len(fitting), len(self.models)) else ["?"]
        else:
            named = names_in(who, here)
        if sorted(named) != sorted(fitting):
            yield f"{named} and not {fitting} reach that"
        if any((-1 if (lag := horizon(here[model])) is None else lag) != bound for model in fitting):
            yield f"{fitting} are not the {'furthest' if best else 'least'}"

    def _furthest(self, sentence: str) -> Iterator[str]:
        yield from self._extreme(sentence, best=True)

    def _least(self, sentence: str) -> Iterator[str]:
        yield from self._extreme(sentence, best=False)

    def _range(self, sentence: str) -> Iterator[str]:
        found = [horizon(solved) for solved in self.solved.values()]
        known = [lag for lag in found if lag is not None]
        least = "none" if None in found else str(min(known))
        if sentence != f"Memory horizons: from {least} to {max(known, default='none')}":
            yield f"horizons are {found}"

    def _timed(self) -> dict[tuple[str, str], list[int]]:
        """(model, filler) to the lags at which most runs that solve them are clocks."""
        timed: dict[tuple[str, str], list[int]] = {}
        for (series, filler, lag), at in self.ended.groupby(["series", "filler", "lag"], sort=False):
            if 2 * at["is_clock"].sum() > (at["solved"] & (at["status"] == "finished")).sum():
                timed.setdefault((without_brackets(series), THROUGH.get(filler, filler)), []).append(int(lag))
        return timed

    def _clocks(self, sentence: str) -> Iterator[str]:
        timed = self._timed()
        models = sorted({model for model, _ in timed})
        if sentence.startswith("A clock at some lag: "):
            who = sentence.split(": ", 1)[1]
            counted = re.fullmatch(r"(\d+) models?", who)
            named = len(models) if counted and int(counted[1]) == len(models) else names_in(who, models)
            if named not in (len(models), models) and sorted(named) != models:  # type: ignore[arg-type]
                yield f"clocks are {models}"
            return
        told: dict[tuple[str, str], Any] = {}
        for clause in sentence.removeprefix("A clock: ").split("; "):
            pattern = rf"(.+) through (\w+)(?: at (?:{self.name} ([\d, and]+)|(\d+) lags))?"
            model, filler, lags, n = re.fullmatch(pattern, clause).groups()  # type: ignore[union-attr]
            told[model, filler] = [int(lag) for lag in re.findall(r"\d+", lags)] if lags else int(n) if n else None
        expected = {key: sorted(lags) for key, lags in timed.items()}
        if told.keys() != expected.keys() or any(
            lags not in (expected[key], len(expected[key]), None) for key, lags in told.items()
        ):
            yield f"clocks are {expected}, not {told}"

    def _means(self) -> pd.DataFrame:
        """Mean scores by series and filler (rows) at each lag (columns); NaN where a run has none."""
        grouped = self.ended.groupby(["series", "filler", "lag"], sort=False)["score"]
        return grouped.apply(lambda scores: scores.astype(float).mean(skipna=False)).unstack("lag")

    def _scores(self, sentence: str) -> Iterator[str]:
        found = re.fullmatch(
            rf"([A-Z][\w ]+?) (?:from {self.name} (\d+) to (\d+)|at {self.name} (\d+)): (.+)", sentence
        )
        if not found:
            yield "nothing of the kind may be said"
            return
        _, first, last, only, clauses = found.groups()
        last = last or only
        if int(last) != self.lags[-1] or (first and int(first) != self.lags[0]):
            yield f"lags are {self.lags}"
            return
        table = self._means()
        known = table[[self.lags[0], self.lags[-1]]].dropna().iloc[:, -1]
        rises = str(self.ended["higher_is_better"].iloc[0]) == "True"
        ordered = known.sort_values(ascending=not rises)
        values = [ordered.iloc[0], *([ordered.iloc[-1]] if len(ordered) > 1 else [])]
        if level := re.search(r", without memory (\S+)$", clauses):
            memoryless = self.ended.loc[self.ended["lag"] == self.lags[-1], "memoryless"].astype(float).median()
            if not close(level[1], memoryless, 2):
                yield f"memoryless is {memoryless}"
            clauses = clauses[: level.start()]
        told = clauses.split(", ")
        if len(told) != len(values):
            yield f"{told}, not {values}"
        for clause, value in zip(told, values, strict=False):
            found = re.fullmatch(r"(.+?)(?: through (\w+))? (?:(\S+) to )?(\S+)", clause)
            assert found, clause
            model, filler, began, ended = found.groups()
            rows = table[[
                without_brackets(series) == model and filler in (None, THROUGH.get(where, where))
                for series, where in table.index
            ]]  # fmt: skip
            if not close(ended, float(value), 2) or not any(close(ended, float(one), 2) for one in rows[self.lags[-1]]):
                yield f"{model} ends at {rows[self.lags[-1]].tolist()}, the extreme is {value}"
            if began and not any(close(began, float(one), 2) for one in rows[self.lags[0]]):
                yield f"{model} begins at {rows[self.lags[0]].tolist()}"

    def _gradient(self, sentence: str) -> Iterator[str]:
        found = re.fullmatch(rf"Initial gradient left at {self.name} (\d+): (.+)", sentence)
        if not found or int(found[1]) != self.lags[-1]:
            yield f"lags are {self.lags}"
            return
        at = self.ended[(self.ended["lag"] == self.lags[-1]) & ~self.ended["series"].isin(self.stateless)]
        grouped = at.groupby(["series", "filler"], sort=False)["survival_initial"]
        medians = grouped.median().dropna()
        for clause, extreme in zip(found[2].split(", "), (medians.min(), medians.max()), strict=False):
            value, model = clause.split(" in ", 1)
            own = [float(one) for (series, _), one in medians.items() if without_brackets(series) == model]
            if not any(close(value, one, 2) for one in own) or not close(value, float(extreme), 2):
                yield f"{model} has {own}, the extreme is {extreme}"

    def _no_memory(self, _: str) -> Iterator[str]:
        if self.ended["skill"].notna().any():
            yield "some runs have a skill"


def without_brackets(series: str) -> str:
    return " ".join(re.sub(r"[()\[\]]", " ", series).split())


def names_in(text: str, known: Any = ()) -> list[str]:
    """`a, b and c` as a list."""
    found = [name for part in text.split(", ") for name in part.split(" and ")]
    return found if not known or set(found) <= set(known) else [text] if text in known else found


if __name__ == "__main__":
    mistakes = [f"{folder}: {wrong}" for folder in sys.argv[1:] for wrong in check(Path(folder))]
    print("\n".join(mistakes) or "all numbers agree")
    sys.exit(bool(mistakes))

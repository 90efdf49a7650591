"""Reads the sentences of a headline and judges each claim by the table of runs; nothing here comes from the package."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd

from tests.report.recomputed import PROTOCOLS, THROUGH, close, counts, horizon, outcomes, parsed


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

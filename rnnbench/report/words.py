"""The sentences of a report, made from its statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd

from rnnbench.report.material import FILLERS, Material, Problem, seeds_text
from rnnbench.report.style import number
from rnnbench.statistics import wilson

DEFINITIONS = [
    (
        "lag",
        "Steps between the last step that carries evidence and the step where the answer is read. For copy-"
        "memory the T of the literature (Arjovsky et al. 2016, section 5.1). For adding in the literature's form, "
        "whose evidence is spread over its T steps, T/2 − 1: what surely lies between the first addend's half and the "
        "readout.",
    ),
    (
        "filler",
        "What stands in the lag: the same empty step (blank) or random steps that say nothing of the answer "
        "(distractor).",
    ),
    (
        "skill",
        "(score − level) / (perfect − level), the level being chance or the naive forecast: 0 is no better "
        "than that, 1 is perfect.",
    ),
    (
        "solved",
        "A score at the task's threshold (copy-memory: recall accuracy of at least 0.99; adding: mean squared error "
        "of at most 0.01). For tasks without "
        "one: at least 90% of the model's own median skill at lag 0.",
    ),
    (
        "success rate",
        "Runs that solved the task among those that ended, with the 95% interval of Wilson 1927.",
    ),
    (
        "IQM",
        "Interquartile mean: the mean without the lowest and highest quarter of the seeds; 95% percentile "
        "bootstrap interval of 2000 seeded resamples (Agarwal et al. 2021). No interval where there is one "
        "seed or all seeds agree. A diverged run without a score ranks below all others; where trimming does "
        "not remove it there is no IQM.",
    ),
    (
        "memory horizon",
        "The longest lag at which at least half of the seeds solve the task within the budget and every "
        "shorter lag passes too.",
    ),
    (
        "steps to solve",
        "Training steps until the validation score reached the threshold; the median counts runs that never "
        "did as censored (Kaplan & Meier 1958).",
    ),
    (
        "gradient norm",
        "‖dl/dh_t‖₂, the total derivative of one example's readout loss by the state at step t, through all "
        "later steps, before any clipping; for LSTM by c_t too (Pascanu et al. 2013).",
    ),
    (
        "survival",
        "Mean gradient norm over the evidence steps divided by the norm at the readout step.",
    ),
    (
        "decay per step",
        "exp(slope of the log gradient norm over the lag): the factor a gradient keeps at each step back.",
    ),
    (
        "σ_max and spectral radius",
        "Largest singular value and largest modulus of an eigenvalue of the recurrent matrix U of a gate. For a tanh "
        "cell no gradient outlasts σ_max(U) to the power of the distance; the radius bounds nothing (Pascanu et al. "
        "2013, section 2).",
    ),
    (
        "saturation",
        "Share of gate values below 0.1 (closed) or above 0.9 (open) (Karpathy et al. 2015), and of tanh "
        "values beyond ±0.8, the same points of the curve, where its slope has fallen to 36%.",
    ),
    (
        "probability of improvement",
        "P(skill of one model > skill of another) over runs of the same lag and seed, ties counting half (after "
        "Agarwal et al. 2021, who compare all runs with all).",
    ),
    (
        "diverged",
        "The loss or a gradient stopped being finite. A result: the run counts as not solved.",
    ),
]
"""Term and meaning, with the source."""


def answers(material: Material, problem: Problem) -> list[str]:
    """What the statistics say of one problem: a sentence for each filler, the number of seeds, skill at lag 0."""
    mine = material.horizons[material.horizons["problem"] == problem.label]
    sentences = [
        _sentence(str(filler), block, problem.relative) for filler, block in mine.groupby("filler", sort=False)
    ]
    low, high = int(mine["n_low"].min()), int(mine["n_high"].max())
    if high == 0:
        return [*sentences, "No run has ended."]
    return [*sentences, f"n = {seeds_text(low, high)} a point.", *_skill_at_zero(material, problem)]


def gradient_answer(material: Material, problem: Problem) -> str:
    """Which model's gradient survives the longest lag best and worst, for each filler."""
    mine = material.summary[material.summary["problem"] == problem.label].dropna(subset=["survival"])
    sentences = []
    for filler, block in mine.groupby("filler", sort=False):
        at = block[block["lag"] == block["lag"].max()].sort_values("survival", kind="stable")
        best, worst = at.iloc[-1], at.iloc[0]
        ends = f"{best['series']} {number(best['survival'], 2)}"
        if len(at) > 1:
            ends = f"from {worst['series']} {number(worst['survival'], 2)} to {ends}"
        sentences.append(f"Gradient survival after training at lag {best['lag']}, {filler}: {ends}.")
    return " ".join(sentences)


def caution(material: Material) -> str:
    """What so few seeds can say at best."""
    most = int(material.horizons["n_high"].max())
    interval = wilson(most, most)
    if most >= 5 or interval is None:
        return ""
    return (
        f"Read with care: at {seeds_text(most, most)} a point even {most} solved of {most} "
        f"only says a success rate above {number(interval[0], 2)}."
    )


def run_counts(material: Material, planned: int | None) -> str:
    """`"60 runs: 58 finished, 1 diverged, 1 failed"`, and how many planned runs the store does not know."""
    runs = material.all_runs
    counts = runs["status"].value_counts(sort=False)
    parts = [f"{count} {status}" for status, count in counts.items()]
    text = f"{len(runs)} runs: {', '.join(parts)}."
    if material.selects:
        text += f" {len(material.runs)} of them are evaluated, the others served to choose the learning rates."
    missing = (planned or 0) - len(runs)
    return f"{text} {missing} planned runs have not been run." if missing > 0 else text


def selection(material: Material) -> str:
    """How the learning rates were chosen, and what that does to the figures."""
    seeds = material.choosing_seeds
    if seeds:
        who = f"seed{'s' * (len(seeds) > 1)} {listed(map(str, seeds))}"
        luck = f"The runs of {who} chose and enter no other figure or table, so the choice favours no seed that does."
    else:
        luck = (
            "The seeds that chose are those that are evaluated: the luck of the chosen runs is in their test scores "
            "too, so these are somewhat too good, the more so the more rates a model could choose from."
        )
    return (
        "Validation score of every learning rate that was tried: mean over the lags and the seeds that chose, of each "
        "run's best evaluation; a diverged run counts with its untrained network's score. One rate for all lags of a "
        f"line was chosen (●), on the validation split alone. {luck}"
    )


def _skill_at_zero(material: Material, problem: Problem) -> list[str]:
    # Where solved is relative to it, a horizon says little without it.
    table = material.summary
    at = table[(table["problem"] == problem.label) & (table["lag"] == 0)].dropna(subset=["skill"])
    if at.empty:
        return []
    best = at.groupby("model", sort=False)["skill"].max()
    skills = ", ".join(f"{model} {number(skill, 2)}" for model, skill in best.items())
    return [f"{'Best skill' if len(at) > len(best) else 'Skill'} at lag 0: {skills}."]


def _sentence(filler: str, block: pd.DataFrame, relative: bool) -> str:
    rows = sorted(block.to_dict("records"), key=_reach, reverse=True)
    groups: dict[str, list[dict[Any, Any]]] = {}
    for row in rows:
        groups.setdefault(_clause(row, relative), []).append(row)
    settings = block["model"].value_counts()
    clauses = []
    for clause, members in groups.items():
        names = _names(members, settings)
        clauses.append(f"{listed(names)} {clause.replace('*', 's' if len(names) == 1 else '')}")
    return f"Through {FILLERS.get(filler, filler)}, {'; '.join(clauses)}."


def _names(members: list[dict[Any, Any]], settings: pd.Series) -> list[str]:
    # A model all of whose settings fare alike is named once.
    here = Counter(row["model"] for row in members)
    return list(
        dict.fromkeys(
            row["model"] if here[row["model"]] == settings[row["model"]] else row["series"] for row in members
        )
    )


def _reach(row: dict[Any, Any]) -> tuple[bool, int]:
    horizon = row["horizon"]
    return horizon.beyond, -1 if horizon.lag is None else horizon.lag


def _clause(row: dict[Any, Any], relative: bool) -> str:
    """What a model does, with * where its verb takes an s; to solve a relative task is to keep one's own skill."""
    horizon = row["horizon"]
    verb = "keep* the skill of lag 0" if relative else "solve*"
    if horizon.beyond:
        return f"{verb} {'at ' if relative else ''}every lag tried, up to {horizon.lag}"
    unknown = "cannot be judged there for want of lag 0" if row["unjudged"] else "has no ended run"
    end = f" (lag {horizon.unknown} {unknown})" if horizon.unknown is not None else ""
    again = f" (and lag {listed(map(str, horizon.again))} again)" if horizon.again else ""
    if horizon.lag is None:
        none = "start* without skill at lag 0" if relative else "solve* not even the shortest lag"
        return f"{'cannot be judged' if end else none}{again}{end}"
    if relative and horizon.lag == 0:
        return f"lose* the skill of lag 0 at the next lag{again}{end}"
    return f"{verb} up to lag {horizon.lag}{again}{end}"


def listed(names: Iterable[str]) -> str:
    """`"a, b and c"`."""
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

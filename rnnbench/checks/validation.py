"""What `rnnbench validate` does: run the checks, show what they found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnbench import registry
from rnnbench.checks.finding import Finding
from rnnbench.cli import tables as terminal
from rnnbench.execution.base import quiet_tensorflow

if TYPE_CHECKING:
    from rnnbench.experiment.definition import Experiment

_VERDICTS = {True: "[green]passed[/]", False: "[bold red]FAILED[/]", None: "[yellow]not checked[/]"}
_WORDS = {True: "passed", False: "failed", None: "not checked"}
Checks = dict[str, Callable[[], Iterator[Finding]]]


def chosen(experiment: Experiment | None, plugins: bool, everything: bool, full: bool) -> Checks:
    """The checks that were asked for, by their subject: plug-ins first, then the suite, then what must be trained."""
    quiet_tensorflow()
    from rnnbench.checks import subjects

    checks: Checks = {}
    if experiment is not None:
        checks |= subjects.of_experiment(experiment)
    if plugins or everything:
        checks |= _new(subjects.of_registered(subjects.is_plug_in), checks)
    if everything:
        checks |= quick()
        checks |= _new(subjects.of_registered(lambda thing: not subjects.is_plug_in(thing)), checks)
    return checks | (trained() if full else {})


def _new(checks: Checks, known: Checks) -> Checks:
    """Those of subjects that the experiment has not judged by its own settings."""
    return {subject: check for subject, check in checks.items() if subject not in known}


def found(checks: Checks, console: Console | None) -> list[Finding]:
    """Run the checks; `console` shows meanwhile which."""
    from rnnbench.training import run as training

    training.configure(threads=1)
    findings: list[Finding] = []
    with console.status("") if console else contextlib.nullcontext() as status:
        for subject, check in checks.items():
            if status:
                status.update(f"checking {subject}")
            findings += _found(subject, check)
    return findings


def plain(findings: list[Finding]) -> dict[str, Any]:
    """The findings as plain values, for JSON: each with its `verdict`; and how many have which."""
    rows = [{**vars(finding), "verdict": _WORDS[finding.passed]} for finding in findings]
    for row in rows:
        del row["passed"]
    return {"findings": rows, "counts": _counts(findings)}


def show(findings: list[Finding], console: Console) -> None:
    """A table of what was found, and how many passed."""
    table = terminal.table("", ["check", "expected", "found", "tolerance", "source", "verdict"], [])
    for finding in findings:
        row = (finding.check, finding.expected, finding.found, finding.tolerance, finding.source)
        table.add_row(*row, Text.from_markup(_VERDICTS[finding.passed]))
    console.print(table if terminal.fits(table, console) else _narrow(findings))
    counts = _counts(findings)
    unchecked = f", {counts['not checked']} not checked" if counts["not checked"] else ""
    console.print(f"{counts['passed']} passed, {counts['failed']} failed{unchecked}")


def _counts(findings: list[Finding]) -> dict[str, int]:
    return {word: sum(finding.passed is verdict for finding in findings) for verdict, word in _WORDS.items()}


def quick() -> Checks:
    """What is checked in two minutes, by its subject."""
    from rnnbench.checks import subjects
    from rnnbench.checks import models, tables, tasks

    known = {name: registry.models[name] for name in registry.models if not subjects.is_plug_in(registry.models[name])}
    probes = {f"the gradient probe of {name}": partial(models.probe, name, model) for name, model in known.items()}
    return {
        "copy-memory": tasks.copy_memory,
        "adding": tasks.adding,
        "initial weights": models.initial_weights,
        **probes,
        "the bound of the gradient": models.bound,
        "the decay at initialisation": models.decay_at_initialisation,
        "naive forecasts": tasks.naive_forecasts,
        "the interquartile mean": tables.interquartile_mean,
        "success": tables.success,
        "steps to solve": tables.steps_to_solve,
        "memory horizons": tables.horizons,
    }


def trained() -> Checks:
    """What has to be trained first."""
    from rnnbench.checks import trained

    checks: Checks = {"simple_rnn on adding": trained.simple_rnn_stays_memoryless}
    for model, within in (("gru", 2000), ("lstm", 4000)):
        checks[f"{model} on adding"] = partial(trained.gated_cells_learn_to_add, model, within)
    for model in trained.CELLS:
        checks[f"{model} for leaks"] = partial(trained.nothing_leaks, model)
        checks[f"{model} on copy-memory"] = partial(trained.every_cell_can_learn, model)
    return checks


def _found(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    # One check that breaks must not hide what the others find.
    except Exception as error:
        yield Finding(subject, "no error", f"{type(error).__name__}: {error}", "exact", "", False)


def _narrow(findings: list[Finding]) -> Table:
    """Two lines a finding, for a terminal that is no place for six columns."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        source = f"; {finding.source}" if finding.source else ""
        tolerance = f", {finding.tolerance}" if finding.tolerance else ""
        detail = f"expected {finding.expected}, found {finding.found}{tolerance}{source}"
        words = Text.assemble(f"{finding.check}\n", (detail, "dim"))
        lines.add_row(Text.from_markup(_VERDICTS[finding.passed]), words)
    return lines

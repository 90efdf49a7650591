"""What `rnnbench validate` does: run the checks, show what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnbench import registry, terminal
from rnnbench.checks.finding import Finding
from rnnbench.execution.base import quiet_tensorflow

_VERDICTS = {True: "[green]passed[/]", False: "[bold red]FAILED[/]", None: "[yellow]not checked[/]"}
Checks = dict[str, Callable[[], Iterator[Finding]]]


def validate(console: Console, full: bool = False) -> bool:
    """Run the quick checks, or all; print a table of what they found. Whether none failed."""
    quiet_tensorflow()
    from rnnbench import training

    training.configure(threads=1)
    checks = quick() | (trained() if full else {})
    findings: list[Finding] = []
    with console.status("") as status:
        for subject, check in checks.items():
            status.update(f"checking {subject}")
            findings += _found(subject, check)
    _print(console, findings)
    return all(finding.passed is not False for finding in findings)


def quick() -> Checks:
    """What is checked in two minutes, by its subject."""
    from rnnbench.checks import models, registered, tables, tasks

    known = registry.models
    probes = {f"the gradient probe of {name}": partial(models.probe, name, known[name]) for name in known}
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
        "contracts": registered.contracts,
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


def _print(console: Console, findings: list[Finding]) -> None:
    table = terminal.table("", ["check", "expected", "found", "tolerance", "source", "verdict"], [])
    for finding in findings:
        row = (finding.check, finding.expected, finding.found, finding.tolerance, finding.source)
        table.add_row(*row, Text.from_markup(_VERDICTS[finding.passed]))
    console.print(table if terminal.fits(table, console) else _narrow(findings))
    counts = {verdict: sum(finding.passed is verdict for finding in findings) for verdict in (True, False, None)}
    unchecked = f", {counts[None]} not checked" if counts[None] else ""
    console.print(f"{counts[True]} passed, {counts[False]} failed{unchecked}")


def _narrow(findings: list[Finding]) -> Table:
    """Two lines a finding, for a terminal that is no place for six columns."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        source = f"; {finding.source}" if finding.source else ""
        detail = f"expected {finding.expected}, found {finding.found}, {finding.tolerance}{source}"
        words = Text.assemble(f"{finding.check}\n", (detail, "dim"))
        lines.add_row(Text.from_markup(_VERDICTS[finding.passed]), words)
    return lines

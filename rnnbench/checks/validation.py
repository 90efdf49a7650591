"""What `rnnbench validate` checks: which checks there are, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rnnbench.checks.finding import Checks, Finding
from rnnbench.execution.base import quiet_tensorflow

if TYPE_CHECKING:
    from rnnbench.experiment.definition import Experiment


def chosen(experiment: Experiment | None, *, plugins: bool, suite: bool, trained: bool) -> Checks:
    """The checks by their subject: plug-ins first, then the suite, then what must be trained.

    `experiment`: what it brings, at its settings. `plugins`: all that are loaded, at their defaults. `suite`: these,
    the suite itself and what is built in. `trained`: the checks that train networks first.
    """
    quiet_tensorflow()
    from rnnbench.checks.subjects import is_plug_in, of_experiment, of_registered
    from rnnbench.checks.suite import quick, training

    checks: Checks = of_experiment(experiment) if experiment else {}
    # A subject that the experiment has settings for is not checked at its defaults too.
    if plugins or suite:
        checks |= {subject: check for subject, check in of_registered(is_plug_in).items() if subject not in checks}
    if suite:
        checks |= quick()
        built_in = of_registered(lambda thing: not is_plug_in(thing), probes_are_checked=True)
        checks |= {subject: check for subject, check in built_in.items() if subject not in checks}
    return checks | (training() if trained else {})


def findings(checks: Checks, begin: Callable[[str], object] = lambda subject: None) -> list[Finding]:
    """Run the checks; `begin` is called with the subject of each before it runs."""
    from rnnbench.training.run import configure

    configure(threads=1)
    found: list[Finding] = []
    for subject, check in checks.items():
        begin(subject)
        found += _found(subject, check)
    return found


def _found(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    # A check that breaks must not hide what the others find.
    except Exception as error:
        yield Finding(subject, "no error", f"{type(error).__name__}: {error}", "exact", "", False)

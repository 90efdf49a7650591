"""What `rnnbench validate` shows."""

from __future__ import annotations

from rich.console import Console

from rnnbench.checks.finding import Finding, equal, near
from rnnbench.cli.views.findings import findings


def printed(found: list[Finding], width: int) -> str:
    console = Console(width=width, record=True, force_terminal=False)
    console.print(findings(found, console))
    return console.export_text()


def test_every_finding_is_shown_whole_and_counted() -> None:
    broken = Finding("second", "no error", "ValueError: out of order", "exact", "", False)
    unchecked = Finding("3 third", "1", "no data", "±1", "", None)
    text = printed([near("1 [first]", 2.0, 2.0, 1e-6, "someone 1999"), broken, unchecked], 120)
    assert "1 [first]" in text
    assert "ValueError: out of order" in text
    assert "1 passed, 1 failed, 1 not checked" in text


def test_a_narrow_terminal_gets_two_lines_a_finding() -> None:
    long = equal("1 copy-memory, T=100, K=10: length", 120, 120, "Arjovsky et al. 2016, section 5")
    lines = [line.rstrip() for line in printed([long], 80).splitlines()]
    assert "passed  1 copy-memory, T=100, K=10: length" in lines
    assert "        expected 120, found 120, exact; Arjovsky et al. 2016, section 5" in lines

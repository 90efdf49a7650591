"""What a check found, beside what it expected."""

from __future__ import annotations

from rnnbench.checks.finding import Finding, at_least, at_most, between, counts, equal, near


def test_a_finding_says_how_near() -> None:
    finding = near("a", 0.955, 0.9512, 0.02, "b")
    assert finding == Finding("a", "0.955", "0.951", "±0.02", "b", True)
    assert not near("a", 1.0, 1.02, 0.01, "b").passed
    assert not near("a", 1.0, float("nan"), 0.01, "b").passed
    assert near("a", 300.0, 300.0, 1e-12, "b").found == "300"
    assert [at_most("a", 1.0, found, "b").passed for found in (1.0, 1.1, float("nan"))] == [True, False, False]
    assert [at_least("a", 1.0, found, "b").passed for found in (1.0, 0.9, float("nan"))] == [True, False, False]
    assert [between("a", 1, 2, found, "b").passed for found in (0.9, 1.0, 2.0, 2.1)] == [False, True, True, False]
    assert not equal("a", "1", "2", "b").passed


def test_each_verdict_is_counted() -> None:
    findings = [Finding("a", "b", "c", "d", "e", passed) for passed in (True, None, True)]
    assert [finding.verdict for finding in findings] == ["passed", "not checked", "passed"]
    assert counts(findings) == {"passed": 2, "failed": 0, "not checked": 1}

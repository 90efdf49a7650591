"""The checks that a correct suite passes: those that train nothing, those that do, and that each can fail."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from rnnbench.checks import models, validation
from rnnbench.checks.finding import Finding, at_least, at_most, between, equal, near
from rnnbench.execution.base import quiet_tensorflow
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.training.probes.profile import GradientProbe

quiet_tensorflow()
QUICK, TRAINED = validation.quick(), validation.trained()


def failed(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.passed]


# The naive forecasts are tested below.
@pytest.mark.parametrize("subject", sorted(QUICK.keys() - {"naive forecasts"}))
def test_what_needs_no_training(subject: str) -> None:
    findings = list(QUICK[subject]())
    assert findings
    assert not failed(findings)


@pytest.mark.real_data
def test_naive_forecasts_of_etth1() -> None:
    findings = list(QUICK["naive forecasts"]())
    assert len(findings) == 4
    assert not failed(findings)


@pytest.mark.slow
@pytest.mark.parametrize("subject", TRAINED)
def test_what_must_be_trained(subject: str) -> None:
    findings = list(TRAINED[subject]())
    assert findings
    assert not failed(findings)


def test_numbers_1_to_12_are_all_there() -> None:
    from rnnbench import checks

    listed = [line.split(".")[0].strip() for line in (checks.__doc__ or "").splitlines() if ". " in line[:4]]
    assert listed == [str(number) for number in range(1, 13)]


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


def test_what_was_found_is_shown_whole_and_a_check_that_breaks_hides_no_other() -> None:
    def breaks():
        yield near("1 [first]", 2.0, 2.0, 1e-6, "someone 1999")
        raise ValueError("out of order")

    def unchecked():
        yield Finding("3 third", "1", "no data", "±1", "", None)

    console = Console(record=True, width=120, quiet=False)
    findings = validation.found({"second": breaks, "third": unchecked}, console)
    validation.show(findings, console)
    text = console.export_text()
    assert [finding.passed for finding in findings] == [True, False, None]
    assert "1 [first]" in text
    assert "ValueError: out of order" in text
    assert "1 passed, 1 failed, 1 not checked" in text


def test_a_narrow_terminal_gets_two_lines_a_finding() -> None:
    long = equal("1 copy-memory, T=100, K=10: length", 120, 120, "Arjovsky et al. 2016, section 5")
    console = Console(width=80, record=True, force_terminal=False)
    validation.show([long], console)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert "passed  1 copy-memory, T=100, K=10: length" in lines
    assert "        expected 120, found 120, exact; Arjovsky et al. 2016, section 5" in lines


def test_a_gradient_that_is_no_number_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    right = GradientProbe.gradient
    monkeypatch.setattr(GradientProbe, "gradient", lambda probe, batch: right(probe, batch) * np.nan)
    assert not any(finding.passed for finding in models.probe("simple_rnn", SimpleRNN))

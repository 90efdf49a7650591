"""The checks that a correct suite passes: those that train nothing, those that do, and that each can fail."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench.checks import models, suite
from rnnbench.checks.finding import Finding
from rnnbench.execution.base import quiet_tensorflow
from rnnbench.models.simple_rnn import SimpleRNN
from rnnbench.training.probes.gradient_probe import GradientProbe

quiet_tensorflow()
QUICK, TRAINED = suite.quick(), suite.training()


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
    assert len(findings) == 11
    assert not failed(findings)


@pytest.mark.slow
@pytest.mark.parametrize("subject", TRAINED)
def test_what_must_be_trained(subject: str) -> None:
    findings = list(TRAINED[subject]())
    assert findings
    assert not failed(findings)


def test_numbers_1_to_20_are_all_there() -> None:
    from rnnbench import checks

    listed = [line.split(".")[0].strip() for line in (checks.__doc__ or "").splitlines() if ". " in line[:4]]
    assert listed == [str(number) for number in range(1, 21)]


def test_a_gradient_that_is_no_number_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    right = GradientProbe.gradient
    monkeypatch.setattr(GradientProbe, "gradient", lambda probe, batch: right(probe, batch) * np.nan)
    assert not any(finding.passed for finding in models.probe("simple_rnn", SimpleRNN))


def test_a_model_that_reads_later_steps_has_no_gradient_probe_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleRNN, "causal", False, raising=False)
    assert "the gradient probe of lstm" in suite.quick()
    assert "the gradient probe of simple_rnn" not in suite.quick()

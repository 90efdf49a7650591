"""Checks 1, 2 and 11: the data of the tasks, and the scores of memoryless answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnbench.checks.finding import Finding, equal, near
from rnnbench.datasets import catalogue
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.forecasting import Forecasting, naive_errors

_ARJOVSKY = "Arjovsky et al. 2016, section 5"
_BAI = "Bai et al. 2018, TCN's utils.py"
_BATCHES, _BATCH = 10, 200_000
"""The error of one batch has a standard deviation of .0005: one in 25 would lie beyond a tolerance of .001."""


_ETTH1_LEVELS = {
    "univariate": {"training mean": 1.9084, "persistence": 0.0343, "seasonal naive": 0.0458, "ridge": 0.0264},
    "multivariate": {"persistence": 1.222, "seasonal naive": 0.424, "ridge": 0.297},
}


def copy_memory() -> Iterator[Finding]:
    """Check 1: the layout of copy-memory, and the cross entropy of a memoryless oracle."""
    for lag in (100, 200, 500, 1000, 2000):
        task = CopyMemory(lag=lag, symbols=10, objective="all", examples=20)
        (stream,) = task.split("test")
        inputs, targets = stream.inputs, stream.targets
        scores = {name: values.mean() for name, values in task.scores(stream, _memoryless_logits(task, 20)).items()}
        if lag == 100:
            yield equal("1 copy-memory, T=100, K=10: length", "120", str(inputs.shape[1]), _ARJOVSKY)
            yield equal("1 copy-memory, T=100, K=10: index of the marker", "109", _marker(inputs), _ARJOVSKY)
            yield equal("1 copy-memory: asks for what it showed", True, _recalls(inputs, targets), _ARJOVSKY)
            found = scores["recall_loss"]
            yield near("1 copy-memory: recall cross entropy without memory", np.log(8), found, 1e-6, "ln 8")
        expected = 10 * np.log(8) / (lag + 20)
        name = f"1 copy-memory, T={lag}, K=10: cross entropy without memory"
        yield near(name, expected, scores["all_position_loss"], 1e-6, "K ln 8 / (T + 2K)")


def adding() -> Iterator[Finding]:
    """Check 2: the marks of the adding problem in each of its forms, and the error of answering 1."""
    forms = {
        "lag": (Adding(lag=3, evidence=10), "one mark in each half of the evidence", _ARJOVSKY),
        "urnn": (Adding(form="urnn", lag=10), "one mark in each half", _ARJOVSKY),
        "bai": (Adding(form="bai", lag=10), "two marks, everywhere alike", _BAI),
    }
    for form, (task, asks, source) in forms.items():
        errors, off, marked = [], 0.0, True
        counts = np.zeros(10)
        for step in range(_BATCHES):
            stream = task.train_batch(0, step, _BATCH)
            inputs, targets = stream.inputs, stream.targets
            errors.append(task.scores(stream, np.ones_like(targets))["mse"].mean())
            marks = inputs[:, :10, 1]
            counts += marks.sum(axis=0)
            each = marks if form == "bai" else marks.reshape(_BATCH, 2, 5)
            marked &= bool((each.sum(axis=-1) == (2 if form == "bai" else 1)).all()) and not inputs[:, 10:, 1].any()
            sums = (inputs[..., 0] * inputs[..., 1]).sum(axis=-1, keepdims=True)
            off = float(np.maximum(off, np.abs(sums - targets[:, 0]).max()))
        check = f"2 adding, {form}: error of answering 1, {_BATCHES * _BATCH:,} draws"
        yield near(check, 1 / 6, float(np.mean(errors)), 1e-3, "variance of the sum")
        even = bool(np.abs(counts / (_BATCHES * _BATCH) - 0.2).max() < 2e-3)
        yield equal(f"2 adding, {form}: {asks}", True, marked and even, source)
        yield near(f"2 adding, {form}: target less the sum of the marked values", 0.0, off, 1e-6, source)


def naive_forecasts() -> Iterator[Finding]:
    """Check 11: simple forecasts on every test window of ETTh1, on scaled data."""
    for variables, of_column in _ETTH1_LEVELS.items():
        if not _etth1_is_there():
            break
        levels = Forecasting(lag=0, variables=variables).levels()  # type: ignore[arg-type]
        for name, expected in of_column.items():
            yield near(f"11 ETTh1, {variables}, H=24: MSE of {name}", expected, levels[name], 5e-4, "measured")
    for horizon, (mse, mae) in {96: (1.2944, 0.7132), 720: (1.3351, 0.7550)}.items():
        for name, expected in (("mse", mse), ("mae", mae)):
            check, source = f"11 ETTh1, repeat, H={horizon}: {name.upper()}", "LTSF-Linear protocol, measured"
            if not _etth1_is_there():
                why = "not checked: rnnbench data --prepare ETTh1"
                yield Finding(check, str(expected), why, "±0.0005", source, None)
                continue
            found = naive_errors("ETTh1", "multivariate", 96, horizon)["persistence"]
            yield near(check, expected, found[name], 5e-4, source)


def _etth1_is_there() -> bool:
    return catalogue.state("ETTh1").status in ("present", "at hand")


def _memoryless_logits(task: CopyMemory, n: int) -> np.ndarray:
    """Certain blanks until the marker, then all symbols equally likely."""
    logits = np.full((n, task.layout.length, task.outputs), -1e4)
    logits[:, : -task.symbols, 0] = 0
    logits[:, -task.symbols :, 1:] = 0
    return logits


def _marker(inputs: np.ndarray) -> str:
    """The index of symbol 9, or several if sequences differ."""
    return ", ".join(str(step) for step in np.unique(np.argwhere(inputs[..., 9])[:, 1]))


def _recalls(inputs: np.ndarray, targets: np.ndarray) -> bool:
    """Ten symbols of 1..8, then blanks and one marker; as answers blanks, then the ten symbols."""
    symbols = inputs.argmax(axis=-1)
    shown, rest = symbols[:, :10], symbols[:, 10:]
    blanks = np.isin(rest, (0, 9)).all() and ((rest == 9).sum(axis=1) == 1).all() and (targets[:, :-10] == 0).all()
    return bool(blanks and (shown >= 1).all() and (shown <= 8).all() and (targets[:, -10:] == shown).all())

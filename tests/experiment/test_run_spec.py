"""Which points of a grid are skipped, and that nothing takes them for runs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from rnnbench import register_task
from rnnbench.errors import UserError
from rnnbench.experiment.yaml_file import load
from rnnbench.tasks.copy_memory import CopyMemory
from rnnbench.tasks.sentiment import Sentiment
from tests.refusing_grid import REASON, refusing

PLUG_IN = """\
from rnnbench import register_model
from rnnbench.models.simple_rnn import SimpleRNN

@register_model("odd")
class Odd(SimpleRNN):
    {what}
"""


@register_task("looks_ahead")
class LooksAhead(CopyMemory):
    """Copy-memory of which a model may read all before it answers."""

    allows_lookahead: ClassVar[bool] = True


def test_a_point_that_the_model_refuses_is_no_run() -> None:
    grid = refusing()
    assert [spec.name for spec in grid.skipped] == ["short_rnn T20 s0 review", "short_rnn T20 s0 review far"]
    assert {spec.skipped for spec in grid.skipped} == {REASON}
    assert (len(grid.all_points), len(grid.points)) == (12, 10)
    # The protocols are one run at lag 0.
    assert (len(grid.whole_grid), len(grid.runs)) == (10, 8)
    assert [spec for spec in grid.whole_grid if spec not in grid.skipped] == list(grid.runs)
    assert all(spec.skipped is None for spec in (*grid.runs, *grid.points))
    assert grid.resolved()["tasks"]["review"]["lag"] == [0, 10, 20]


def test_a_skip_changes_no_signature() -> None:
    both, alone = refusing(), refusing(models={"simple_rnn": {"units": 8}})
    assert [spec.signature for spec in both.runs if spec.model_label == "simple_rnn"] == [
        spec.signature for spec in alone.runs
    ]


def test_points_that_are_one_run_are_skipped_together() -> None:
    """The model is asked about the computation, whatever the point is called."""
    refused = [point for point in refusing(models={"fussy_rnn": {}}).all_points if point.skipped]
    assert {(point.task.lag, point.task.training_lags) for point in refused} == {(10, "far"), (20, "far")}


def test_what_looks_ahead_is_skipped_unless_the_task_allows_it() -> None:
    grid = refusing(
        tasks={"copy": {"task": "copy_memory", "lag": 5}, "free": {"task": "looks_ahead", "lag": [5, 20]}},
        models={"both_ways": {}, "simple_rnn": {}},
    )
    (skipped,) = grid.skipped
    assert (skipped.task_label, skipped.model_label) == ("copy", "both_ways")
    assert skipped.skipped == "its layer reads later steps too, which shortcuts the lag"
    assert {spec.task_label for spec in grid.runs if spec.model_label == "both_ways"} == {"free"}


def test_the_data_of_a_skipped_run_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sentiment, "fingerprint", lambda self: pytest.fail("the data are read"))
    grid = refusing(models={"both_ways": {}})
    assert grid.runs == ()
    # Lag 0 is one run for both fillers.
    assert len({spec.key for spec in grid.all_points}) == len(grid.skipped) == 5


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("def unsupported(self, spec): return 1 / 0", "unsupported raised ZeroDivisionError: division by zero at "),
        ("def unsupported(self, spec): type(self)(units=0)", "unsupported raised ValidationError: 1 validation error"),
        ("def unsupported(self, spec): return 'a\\nb'", "unsupported returned 'a\\nb' but must return None or a "),
        ("def unsupported(self, spec): return False", "unsupported returned False but must return None or a reason"),
        ("def unsupported(self, spec): return ' '", "unsupported returned ' ' but must return None or a reason in"),
        ("def unsupported(self): return None", "unsupported cannot be called as unsupported(spec)"),
        ("causal: ClassVar = 'no'", "causal is 'no' but must be True or False"),
    ],
)
def test_a_model_that_cannot_say_it_is_one_line_with_its_place(tmp_path: Path, what: str, said: str) -> None:
    (tmp_path / "odd.py").write_text("from typing import ClassVar\n" + PLUG_IN.replace("{what}", what))
    file = tmp_path / "grid.yaml"
    file.write_text("name: grid\nplugins: [odd.py]\ntasks: {copy_memory: {lag: 5}}\nmodels:\n  odd: {}\n")
    with pytest.raises(UserError) as raised:
        load(file)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{file}:5: models.odd: ")
    assert said in line

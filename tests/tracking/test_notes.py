"""What MLflow shows of people's words is text, fits, and says where to go on."""

from __future__ import annotations

import html

from rnnbench.text.markdown import escaped
from rnnbench.tracking import notes as mlflow_words
from tests.event_streams import experiment

HOSTILE = '<script>alert("x")</script> [l](javascript:alert(1)) **b** `c` | ![i](http://h) مرحبا'


def test_escaped_text_keeps_every_character_and_no_sign_that_means_something() -> None:
    assert html.unescape(escaped(HOSTILE)) == HOSTILE
    assert not set("<>*`[]()|_!") & set(escaped(HOSTILE))
    assert escaped("a\n\n# b") == "a # b"


def test_the_note_of_an_experiment() -> None:
    grid = experiment(description=HOSTILE)
    first, _, asked = mlflow_words.experiment_note(grid, "7").split("\n")
    assert first.startswith(
        "Views: [results](#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=results)"
    )
    assert html.unescape(asked) == HOSTILE
    note = mlflow_words.experiment_note(grid, "7", "r1", "It **is** carried.").split("\n\n")
    assert note[0].startswith(
        "**[Report](#/experiments/7/runs/r1/artifacts/report.html?workflowType=machine_learning)**"
    )
    assert "[curves](" in note[0]
    assert "[gradients](" in note[0]
    assert note[2:] == [
        "![skill against lag](get-artifact?path=figures/overview.svg&run_uuid=r1)",
        "It **is** carried.",
    ]


def test_what_is_too_long_for_mlflow_is_cut_at_a_line() -> None:
    grid = experiment(description="<" * 100_000)
    note = mlflow_words.experiment_note(grid, "7", "r1", "a line\n" * 100_000)
    assert len(note) <= 20_000
    assert note.endswith("\na line")
    long = experiment(models={"m" * 300: {"model": "gru"}}).runs[0]
    assert len(mlflow_words.run_name(long)) == 250
    assert len(mlflow_words.failure_note("<" * 9000, "x" * 9000)) < 8000


def test_the_note_of_a_run() -> None:
    run = experiment(models={"l*stm": {"model": "lstm"}}).runs[0]
    metrics = {"score": 0.75, "solved": 0.0, "survival": 0.031, "steps": 20.0}
    asked, picture = mlflow_words.run_note(run, "r1", "finished", metrics).split("\n\n")
    assert html.unescape(asked) == (
        "Does **l*stm** still solve copy after 5 steps of blanks? "
        "Test accuracy 0.75, not solved, 0.031 of the gradient reaches the evidence, finished after 20 steps."
    )
    assert picture == "![gradient profile](get-artifact?path=gradient_profile.svg&run_uuid=r1)"
    assert "No test score, not solved" in mlflow_words.run_note(
        run, "r1", "finished", metrics | {"score": float("nan")}
    )

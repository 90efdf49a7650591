"""`rnnbench generate`: from a run to its text, and one line for whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnbench.cli.app import app
from rnnbench.errors import UserError
from rnnbench.experiment.definition import Experiment
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from rnnbench.training import run as training

GRID = Experiment.model_validate(
    {
        "name": "written",
        "tasks": {
            "language_model": {"source": "synthetic", "lag": 1, "context": 8, "embedding": 4, "test_examples": 20,
                               "validation_examples": 20},
            "copy_memory": {"lag": 2, "symbols": 1, "examples": 20},
        },
        "models": {"gru": {"units": 4}},
        "seeds": [0],
        "training": {"steps": 2, "evaluate_every": 1, "batch_size": 8, "implementation": "stock"},
        "log_model": "best",
    }
)  # fmt: skip
TEXT, COPY = GRID.runs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with Tracker(Location.resolve(folder), GRID) as tracker:
        for spec in GRID.runs:
            for event in training.run(spec):
                tracker.write(event)
    return folder


def run_of(store: Path, spec) -> str:
    return Location.resolve(store).reader.newest_runs(GRID.name)[spec.signature].run_id


def generate(store: Path, run: str, prompt: str = "abc", *options: str) -> None:
    app(["generate", run, "--prompt", prompt, "--store", str(store), *options], standalone_mode=False)


def test_a_text_goes_on_and_is_the_same_for_a_seed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for options in ([], [], ["--seed", "1"], ["--temperature", "0", "--top-k", "3"]):
        generate(store, run_of(store, TEXT), "good day", "--length", "40", *options)
        found.append(capsys.readouterr().out)
    assert found[0] == found[1] != found[2]
    for text in found:
        assert text.startswith("good day")
        assert len(text) == 8 + 40 + 1


def test_a_run_goes_by_its_name(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client = Location.resolve(store).client()
    generate(store, client.get_run(run_of(store, TEXT)).info.run_name, "abc", "--length", "3")
    assert len(capsys.readouterr().out) == 7


def test_each_run_has_a_sample(store: Path) -> None:
    reader = Location.resolve(store).reader
    sample = reader.artifact(GRID.name, run_of(store, TEXT), "sample.txt").decode()
    beginning = "".join(TEXT.task.alphabet[token] for token in TEXT.task.text("test")[:8])
    assert sample.startswith(f"{beginning} >>> ")
    assert len(sample) == 8 + 5 + 300
    assert reader.artifact(GRID.name, run_of(store, COPY), "sample.txt") is None


@pytest.mark.parametrize(
    ("run", "prompt", "expected"),
    [
        ("nobody", "abc", "there is no run 'nobody'; give the name or the id of one"),
        ("it's", "abc", "there is no run 'it's'"),
        (COPY, "abc", "is no language model: its task is CopyMemory"),
        (TEXT, "abC!", "--prompt: these characters are not in the alphabet: '!' 'C'"),
        (TEXT, "", "the prompt is empty"),
    ],
)
def test_what_is_wrong_is_one_line(store: Path, run, prompt: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        generate(store, run if isinstance(run, str) else run_of(store, run), prompt)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_without_a_model_says_how_to_keep_one(store: Path) -> None:
    from rnnbench.tracking.logged_model import forget_models

    location = Location.resolve(store)
    run_id = run_of(store, COPY)
    client = location.client()
    forget_models(client, client.get_run(run_id).info.experiment_id, run_id)
    with pytest.raises(UserError, match="kept no model: run its experiment with `--set log_model=best --fresh`"):
        generate(store, run_id)


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no runs yet"):
        generate(tmp_path / "none", "x")

"""A label that is changed in the experiment file is changed in MLflow, whatever else is stored there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnbench.events import Failed, Saved
from rnnbench.tracking.database import Database
from rnnbench.tracking.location import Location
from rnnbench.tracking.palette import colours
from rnnbench.tracking.writer import Tracker
from tests.event_streams import experiment, new_store, whole_run, write

OLD = experiment(log_model="best")
TASK = {"task": "copy_memory", "lag": [5, 10], "symbols": 1}
NOTE = "mlflow.note.content"


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return new_store(tmp_path)


def renamed(task: str, rnn: str, lstm: str, **changes: Any) -> Any:
    models = {rnn: {"model": "simple_rnn", "units": 8}, lstm: {"model": "lstm", "units": 4, "learning_rate": 0.01}}
    return experiment(log_model="best", tasks={task: TASK}, models=models, **changes)


def shown(location: Location, signature: str) -> tuple[str, ...]:
    """Task, model, name, colour, and the beginning of the note of a run."""
    run = location.reader.newest_runs(OLD.name)[signature]
    tags = [run.tags.get(tag, "") for tag in ("task", "model", "mlflow.runName", "mlflow.runColor", NOTE)]
    assert location.client().get_run(run.run_id).info.run_name == tags[2]
    return (*tags[:4], tags[4].partition(" after")[0])


def file(location: Location, signature: str, name: str) -> str:
    assert location.artifacts is not None
    run = location.reader.newest_runs(OLD.name)[signature]
    return (location.artifacts / OLD.name / run.run_id / "artifacts" / name).read_text()


def test_labels_that_are_swapped_and_renamed(location: Location) -> None:
    rnn, lstm = OLD.runs[0], OLD.runs[2]
    network = Saved(rnn.signature, b"x", {"tensorflow": "2", "keras": "3", "numpy": "2"})
    *begun, ending = whole_run(rnn)
    write(location, OLD, *begun, network, ending, *whole_run(lstm))
    picture = file(location, rnn.signature, "gradient_profile.svg")
    assert rnn.name in picture
    client = location.client()
    first = location.reader.newest_runs(OLD.name)[rnn.signature]
    client.set_tag(first.run_id, NOTE, f"{first.tags[NOTE]}\n\nNoted by hand.")
    other = experiment(models={"simple_rnn": {"units": 9}})
    write(location, other, *whole_run(other.runs[0]))
    before = location.reader.newest_runs(OLD.name)[other.runs[0].signature]

    new = renamed("carry on", rnn="lstm", lstm="simple_rnn")
    assert [spec.signature for spec in new.runs] == [spec.signature for spec in OLD.runs]
    with Tracker(location, new) as tracker:
        tracker.relabel()
    colour = colours(new.models)
    assert shown(location, rnn.signature) == (
        "carry on", "lstm", "lstm T5 s0 carry on", colour["lstm"], "Does **lstm** still solve carry on"
    )  # fmt: skip
    assert shown(location, lstm.signature)[:3] == ("carry on", "simple_rnn", "simple_rnn T5 s0 carry on")
    note = location.reader.newest_runs(OLD.name)[rnn.signature].tags[NOTE]
    assert note.endswith("Noted by hand.")
    assert "Test accuracy 0.75" in note
    assert json.loads(file(location, rnn.signature, "run.json"))["name"] == "lstm T5 s0 carry on"
    assert file(location, rnn.signature, "gradient_profile.svg") == picture.replace(rnn.name, "lstm T5 s0 carry on")
    (model,) = client.search_logged_models([client.get_experiment_by_name(OLD.name).experiment_id])
    assert (model.tags["task"], model.tags["model"]) == ("carry on", "lstm")
    assert location.reader.newest_runs(OLD.name)[other.runs[0].signature] == before
    assert all(run.status == "finished" for run in location.reader.runs(OLD.name))


def test_what_says_the_same_is_not_written(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = OLD.runs[1]
    write(location, OLD, *whole_run(OLD.runs[0]), Failed(failed.signature, "boom", "Traceback"))
    with Tracker(location, renamed("copy", "simple_rnn", "mine")) as tracker:
        monkeypatch.setattr(Database, "client", lambda _: pytest.fail("written"))
        tracker.relabel()


def test_a_run_that_goes_on_under_another_label(location: Location) -> None:
    """MLflow refuses to change a parameter; the note of a failure goes."""
    first = OLD.runs[0]
    write(location, OLD, *list(whole_run(first))[:3], Failed(first.signature, "boom", "Traceback"))
    new = renamed("carry on", rnn="mine", lstm="lstm")
    with Tracker(location, new) as tracker:
        tracker.relabel()
        assert shown(location, first.signature)[:3] == ("carry on", "mine", "mine T5 s0 carry on")
        tracker.begin(new.runs[0], resumed=True)
        for event in whole_run(new.runs[0]):
            tracker.write(event)
    assert shown(location, first.signature)[2:] == (
        "mine T5 s0 carry on", colours(new.models)["mine"], "Does **mine** still solve carry on"
    )  # fmt: skip
    assert len(location.reader.runs(OLD.name)) == 1


def test_the_run_of_another_driver_keeps_its_label_while_it_goes_on(location: Location) -> None:
    with Tracker(location, OLD) as other:
        other.begin(OLD.runs[0])
        with Tracker(location, renamed("copy", "mine", "lstm")) as tracker:
            tracker.relabel()
        assert shown(location, OLD.runs[0].signature)[1] == "simple_rnn"

"""`log_model: best`: what a worker saves, what MLflow holds of it, and that plain Keras can load it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rnnbench import environment
from rnnbench.events import Saved, Warned
from rnnbench.experiment.definition import Experiment
from rnnbench.tasks.stream import joined
from rnnbench.tracking.location import Location
from rnnbench.tracking.writer import Tracker
from rnnbench.training import run as training
from tests.event_streams import experiment, new_store, whole_run, write

VERSIONS = {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6"}
GRID = experiment(log_model="best")
FIRST, SECOND = GRID.runs[:2]


def with_model(spec, file=b"weights"):
    *events, ending = whole_run(spec)
    return [*events, Saved(spec.signature, file, VERSIONS), ending]


def models(location: Location):
    client = location.client()
    found = client.get_experiment_by_name(GRID.name)
    return client.search_logged_models([found.experiment_id])


def test_keeping_a_model_changes_no_signature() -> None:
    assert [run.signature for run in GRID.runs] == [run.signature for run in experiment().runs]
    assert [run.log_model for run in (GRID.runs[0], experiment().runs[0])] == [True, False]


def test_a_run_has_its_model_with_signature_and_requirements(tmp_path: Path) -> None:
    from mlflow.models import Model

    location = new_store(tmp_path / "store")
    write(location, GRID, *with_model(FIRST), *whole_run(SECOND))
    (model,) = models(location)
    run_id = location.reader.newest_runs(GRID.name)[FIRST.signature].run_id
    assert (model.name, model.source_run_id, str(model.status)) == ("model", run_id, "READY")
    assert model.tags.items() >= {"task": "copy", "model": "simple_rnn"}.items()
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert (folder / "data" / "model.keras").read_bytes() == b"weights"
    assert (folder / "requirements.txt").read_text().split() == [f"{n}=={v}" for n, v in VERSIONS.items()]
    described = Model.load(str(folder))
    width = FIRST.task.ports.features
    assert [(str(spec.type), spec.shape) for spec in described.signature.inputs] == [("float32", (-1, -1, width))]
    assert [spec.shape for spec in described.signature.outputs] == [(-1, -1, FIRST.task.outputs)]
    assert {"keras", "python_function"} == described.flavors.keys()


def test_a_run_that_goes_on_has_one_model(tmp_path: Path) -> None:
    location = new_store(tmp_path)
    *events, _ = with_model(FIRST, b"first")
    write(location, GRID, *events)
    with Tracker(location, GRID) as tracker:
        tracker.begin(FIRST, resumed=True)
        for event in with_model(FIRST, b"second"):
            tracker.write(event)
    (model,) = models(location)
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert (folder / "data" / "model.keras").read_bytes() == b"second"


def test_models_move_with_their_store_and_go_with_their_run(tmp_path: Path) -> None:
    location = new_store(tmp_path / "old")
    write(location, GRID, *with_model(FIRST))
    shutil.move(tmp_path / "old", tmp_path / "new")
    moved = Location.resolve(tmp_path / "new")
    (model,) = models(moved)
    assert model.artifact_location.startswith((tmp_path / "new" / "artifacts").as_uri())
    with Tracker(moved, GRID) as tracker:
        tracker.discard([FIRST.signature])
    assert models(moved) == []


def trained(model: str, **settings):
    grid = Experiment.model_validate(
        {
            "name": "kept",
            "tasks": {"copy_memory": {"lag": 2, "symbols": 1, "examples": 40}},
            "models": {model: {"units": 4, **settings}},
            "training": {"steps": 2, "evaluate_every": 1, "batch_size": 8},
            "log_model": "best",
        }
    )
    (spec,) = grid.runs
    return grid, spec, list(training.run(spec))


def test_a_worker_saves_stock_layers() -> None:
    *_, events = trained("lstm")
    saved, ending = events[-2:]
    assert isinstance(saved, Saved)
    assert saved.versions == {name: environment.versions()[name] for name in VERSIONS}
    assert ending.metrics["seconds/saving"] > 0
    with zipfile.ZipFile(io.BytesIO(saved.file)) as archive:
        config = archive.read("config.json").decode()
    layers = {layer["name"]: layer for layer in json.loads(config)["config"]["layers"]}
    recurrent = layers["layer_0"]
    assert (recurrent["module"], recurrent["class_name"], recurrent["registered_name"]) == (
        "keras.layers",
        "LSTM",
        None,
    )
    assert "rnnbench" not in config


def test_what_cannot_be_saved_is_told_and_costs_only_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def refuse(*_, **__):
        raise TypeError("no config")

    monkeypatch.setattr(keras.Model, "save", refuse)
    *_, warned, ending = trained("gru")[2]
    assert warned == Warned(ending.signature, "its network cannot be saved: no config")
    assert "score" in ending.metrics


@pytest.mark.slow
def test_plain_keras_loads_it_where_there_is_no_rnnbench(tmp_path: Path) -> None:
    grid, spec, events = trained("gru")
    location = new_store(tmp_path / "store")
    write(location, grid, *events)
    run_id = location.reader.newest_runs(grid.name)[spec.signature].run_id
    whole = joined(spec.task.split("test"))
    shape = (*whole.targets.shape, spec.task.outputs)
    program = f"""
import sys
sys.modules["rnnbench"] = None
import mlflow, numpy as np
mlflow.set_tracking_uri({location.uri!r})
network = mlflow.keras.load_model("runs:/{run_id}/model")
inputs = np.load("inputs.npy")
np.save("outputs.npy", network.predict(inputs, verbose=0))
assert mlflow.pyfunc.load_model("runs:/{run_id}/model").predict(inputs).shape == {shape}
"""
    np.save(tmp_path / "inputs.npy", whole.inputs)
    subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, env={"PATH": ""}, check=True)
    outputs = np.load(tmp_path / "outputs.npy")
    scores = spec.task.scores(whole, outputs)
    assert scores["accuracy"].mean() == pytest.approx(events[-1].metrics["score"])

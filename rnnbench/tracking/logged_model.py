"""A run's network as a model in MLflow, written without Keras, which takes a driver 10 s to import.

What `mlflow.keras.log_model` does for a model in memory is done here for the file that a worker saved.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.events import Saved
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.client import every_page

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

NAME = "model"
"""`runs:/RUN_ID/model` is its address."""


def log_model(client: MlflowClient, experiment_id: str, run_id: str, spec: RunSpec, event: Saved) -> None:
    """Store the network of a run as its only model, with its signature and the versions it was made with."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    # A resumed run may repeat what it said.
    forget_models(client, experiment_id, run_id)
    made = client.create_logged_model(experiment_id, name=NAME, source_run_id=run_id, tags=_tags(spec))
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), made, run_id, spec, event)
        client.log_model_artifacts(made.model_id, folder)
    client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, models=[LoggedModelOutput(made.model_id, step=0)])


def forget_models(client: MlflowClient, experiment_id: str, run_id: str) -> None:
    """Delete the models of a run (MLflow keeps deleted ones in its bin)."""
    for model in models_of(client, experiment_id, run_id):
        client.delete_logged_model(model.model_id)


def relabel_models(client: MlflowClient, experiment_id: str, run_id: str, spec: RunSpec) -> None:
    """Give the models of a run the labels of its spec."""
    for model in models_of(client, experiment_id, run_id):
        client.set_logged_model_tags(model.model_id, _tags(spec))


def _tags(spec: RunSpec) -> dict[str, str]:
    return {"task": spec.task_label, "model": spec.model_label}


def models_of(client: MlflowClient, experiment_id: str, run_id: str) -> list[LoggedModel]:
    """The models of a run that are not deleted."""
    chosen = f"source_run_id = '{run_id}'"
    return every_page(lambda token: client.search_logged_models([experiment_id], chosen, page_token=token))


def _write(folder: Path, made: Any, run_id: str, spec: RunSpec, event: Saved) -> None:
    """The files of a model in the flavour `keras`, which `mlflow.keras.load_model` and `mlflow.pyfunc` read."""
    from mlflow import pyfunc
    from mlflow.models import Model
    from mlflow.utils.environment import _PythonEnv

    (folder / "data").mkdir()
    (folder / "data" / "model.keras").write_bytes(event.file)
    (folder / "data" / "keras_module.txt").write_text("keras")
    requirements = [f"{name}=={version}" for name, version in event.versions.items()]
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
    _PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))
    model = Model(artifact_path=made.artifact_location, run_id=run_id, model_uuid=made.model_id, model_id=made.model_id)
    model.signature = _signature(spec)
    version = event.versions["keras"]
    model.add_flavor("keras", data="data", keras_version=version, keras_backend="tensorflow", save_exported_model=False)
    pyfunc.add_to_model(model, loader_module="mlflow.keras", python_env="python_env.yaml")
    model.model_size_bytes = len(event.file)
    model.save(str(folder / "MLmodel"))


def _signature(spec: RunSpec) -> ModelSignature:
    """Batch and time are free, as in `training.network`."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    ports, floats, whole = spec.task.ports, np.dtype("float32"), np.dtype("int32")
    given = {
        "features": TensorSpec(floats, (-1, -1, ports.features), "features") if ports.features else None,
        "tokens": TensorSpec(whole, (-1, -1), "tokens") if ports.vocabulary else None,
        "readout": TensorSpec(whole, (-1, -1), "readout") if spec.task.reads == "given" else None,
    }
    answer = TensorSpec(floats, (-1, -1, spec.task.outputs))
    return ModelSignature(Schema([one for one in given.values() if one]), Schema([answer]))

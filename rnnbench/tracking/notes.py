"""How experiments and runs are named and described in MLflow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnnbench import environment
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.text import strict_json
from rnnbench.text.markdown import escaped
from rnnbench.tracking.names import KIND_TAG, PICTURE_ARTIFACT, SETTINGS_TAG, SIGNATURE_TAG, STATUS_TAG
from rnnbench.tracking.views import VIEWS, link, views_of_tasks

NAME_TAG = "mlflow.runName"
NOTE_TAG = "mlflow.note.content"
"""The description of a run or an experiment: Markdown, of which the page of an experiment shows the first line."""
_NAME_LENGTH = 250
"""Characters that a database may keep of a run's name."""
_DESCRIPTION_LENGTH = 1500
_EXPERIMENT_NOTE_LENGTH = 20_000
"""Characters that MLflow takes."""
_MESSAGE_LENGTH = 500
_FILLERS = {"zeros": "zeros", "blank": "blanks", "distractor": "distractors", "decoy": "decoys"}
_NOTE_LENGTH = 4000
"""Characters of a traceback shown on the page of its run; the artifact has all of it."""


def run_name(spec: RunSpec) -> str:
    """The name of the spec, cut to what a database keeps."""
    return spec.name if len(spec.name) <= _NAME_LENGTH else f"{spec.name[: _NAME_LENGTH - 1]}…"


def label_tags(spec: RunSpec, colour: str) -> dict[str, str]:
    """The tags of a run that follow the labels in the experiment file; `colour`: that of its model."""
    labels = {"task": spec.task_label, "model": spec.model_label}
    return {NAME_TAG: run_name(spec), **labels, "mlflow.runColor": colour}


def run_tags(spec: RunSpec, colour: str) -> dict[str, str]:
    """The tags of a run that is going on."""
    return {
        SIGNATURE_TAG: spec.signature,
        SETTINGS_TAG: spec.settings_signature,
        STATUS_TAG: "running",
        KIND_TAG: "run",
        **label_tags(spec, colour),
        "source": spec.task.data_source,
        **origin(),
    }


def run_file(spec: RunSpec) -> dict[str, Any]:
    """The content of `run.json`: the run's name, and all that can change its result."""
    return {"name": spec.name, **spec.settings}


def run_note(spec: RunSpec, run_id: str, status: str, metrics: Mapping[str, float]) -> str:
    """The question that a run asks and its answer, with the picture of its gradient profile."""
    through = _FILLERS[spec.task.filler]
    asked = f"{question(spec.model_label, spec.task_label)} after {spec.task.lag} steps of {through}?"
    score = metrics.get("score", math.nan)
    found = [f"Test {spec.task.score.name} {score:.4g}" if math.isfinite(score) else "No test score"]
    found += ["solved" if metrics["solved"] else "not solved"] if "solved" in metrics else []
    found += [f"{metrics['survival']:.2g} of the gradient reaches the evidence"] if "survival" in metrics else []
    found += [f"{status} after {metrics.get('steps', 0):.0f} steps"]
    picture = f"![gradient profile](get-artifact?path={PICTURE_ARTIFACT}&run_uuid={run_id})"
    return f"{asked} {', '.join(found)}.\n\n{picture}"


def question(model_label: str, task_label: str) -> str:
    """The beginning of a run's note, which holds its labels."""
    return f"Does **{escaped(model_label)}** still solve {escaped(task_label)}"


def failure_note(message: str, traceback: str) -> str:
    """Why a run failed."""
    return f"{escaped(message[:_MESSAGE_LENGTH])}\n```\n{traceback[-_NOTE_LENGTH:]}\n```"


def experiment_note(experiment: Experiment, experiment_id: str, report_id: str | None = None, found: str = "") -> str:
    """Links to report and views on the first line, then the question, then what was found (Markdown)."""
    views = [f"[{name}]({link(experiment_id, name)})" for name in VIEWS]
    asked = escaped(experiment.description[:_DESCRIPTION_LENGTH])
    # Not on the first line, which is all that the page shows at first, and which should not be broken.
    of_tasks = _links_of_tasks(experiment, experiment_id)
    if report_id is None:
        return f"Views: {' · '.join(views)} (the report comes when the runs are done)\n\n{asked}{of_tasks}"
    page = f"#/experiments/{experiment_id}/runs/{report_id}/artifacts/report.html?workflowType=machine_learning"
    figure = f"![skill against lag](get-artifact?path=figures/overview.svg&run_uuid={report_id})"
    note = f"**[Report]({page})** · {' · '.join(views)}\n\n{asked}{of_tasks}\n\n{figure}\n\n{found}"
    return note[: note.rfind("\n", 0, _EXPERIMENT_NOTE_LENGTH)] if len(note) > _EXPERIMENT_NOTE_LENGTH else note


def _links_of_tasks(experiment: Experiment, experiment_id: str) -> str:
    lines = [
        f"{escaped(task)}: {' · '.join(f'[{kind}]({link(experiment_id, name)})' for kind, name in names.items())}"
        for task, names in views_of_tasks(experiment).items()
    ]
    return f"\n\nOf one task alone: {'; '.join(lines)}" if lines else ""


def parameters(spec: RunSpec) -> dict[str, str]:
    """Every setting of a run, under the names of the experiment file."""
    flat: dict[str, Any] = {
        "task": spec.task_label,
        "source": spec.task.data_source,
        "model": spec.model_label,
        "seed": spec.seed,
        "recurrent_parameters": spec.model.parameters(spec.task.ports.width),
        **({} if spec.test_lags is None else {"test_lags": list(spec.test_lags)}),
    }
    groups = {
        "task": {"name": spec.settings["task"], **spec.settings["task_settings"]},
        "model": {"name": spec.settings["model"], **spec.settings["model_settings"]},
        "training": spec.settings["training"],
        "gradients": spec.settings["gradients"],
    }
    for group, settings in groups.items():
        for key, value in settings.items():
            taken = key in flat and flat[key] != value
            flat[f"{group}_{key}" if taken or key == "name" or group == "gradients" else key] = value
    return {key: value if isinstance(value, str) else strict_json.dumps(value) for key, value in flat.items()}


def dataset(data: dict[str, str]) -> Any:
    """The data of a run for MLflow, identified by the digest of their test split."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = strict_json.dumps({"uri": data.get("source", "")})
    dataset = Dataset(data.get("name", "data"), data.get("digest", "")[:36] or "none", "external", source)
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "test")])


def origin() -> dict[str, str]:
    """The tags that say what wrote a run: version, commit, Python."""
    commit = environment.commit()
    return {
        "rnnbench.version": environment.__version__,
        "environment.python": environment.python(),
        "mlflow.source.name": "rnnbench",
        "mlflow.source.type": "LOCAL",
    } | ({"mlflow.source.git.commit": commit} if commit else {})

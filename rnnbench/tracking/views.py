"""The saved views in which our experiments open on the MLflow page: columns and charts that fit their questions.

A saved view is an experiment tag that MLflow 3.17 does not document, so tests/tracking/test_ui.py opens a browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.tracking.names import KIND_TAG, STATUS_TAG

RESULTS, CURVES, GRADIENTS = "results", "curves", "gradients"
VIEWS = (RESULTS, CURVES, GRADIENTS)
_MOST_TASKS = 6
Chart = dict[str, Any]

_METRICS = {
    RESULTS: ("score", "skill", "solved", "survival", "steps_to_solve", "steps", "seconds", "parameters"),
    CURVES: ("score", "best_step", "steps_to_solve", "steps", "train/loss", "validation/loss"),
    GRADIENTS: ("survival", "decay_per_step", "reach", "score", "gradient_norm/max", "gradient_norm/clipped"),
}
SUMMARY = {metric for shown in _METRICS.values() for metric in shown if "/" not in metric}
"""What the columns show of a run as a whole."""
_LABELS = ("task", "model")
"""Shown as tags, which follow the experiment file; a parameter never changes."""
_PARAMS = ("lag", "training_lags", "seed")
_OTHERS = ("filler", "units", "learning_rate")
_PAGE_COLUMNS = ("attributes.`Created`", "attributes.`Duration`")
_WIDTHS = {"task": 100, "model": 90, "lag": 45, "training_lags": 70, "seed": 45, "score": 70}
_NAME, _NARROW = 140, 90
"""Widths of the run's name and of any other column, in pixels: at 1400 what tells runs apart and the score are seen."""
_GENERATED = (
    "Model metrics", "gradient_norm", "gradient_norm/bias", "gradient_norm/kernel", "gradient_norm/recurrent_kernel",
    "gradient_profile", "gradient_profile_c", "gradient_profile_h", "gradient_share", "lag_curve", "level", "no_marker",
    "readable_final", "readable_initial", "recurrent_kernel/sigma_max", "recurrent_kernel/spectral_radius",
    "saturation/closed", "saturation/open", "saturation/tanh", "seconds", "start_shift", "system", "test",
    "time_constant/forget", "time_constant/update", "train", "validation",
)  # fmt: skip
"""Sections that the page makes on its own, one chart for each metric: kept, but closed."""


def view_tag(name: str) -> str:
    """Name of the experiment tag that holds a view."""
    return f"mlflow.sharedViewState.{name}"


def link(experiment_id: str, view: str) -> str:
    """Where a view is, relative to the address of the server: that of all results as a table, the others as charts."""
    charts = "" if view == RESULTS else "&compareRunsMode=CHART"
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={view}{charts}"


def views(experiment: Experiment) -> dict[str, str]:
    """The tags that install the saved views of an experiment."""
    whole = {view_tag(kind): _view(kind, experiment) for kind in VIEWS}
    return whole | {
        view_tag(name): _view(kind, experiment, task)
        for task, names in views_of_tasks(experiment).items()
        for kind, name in names.items()
    }


def views_of_tasks(experiment: Experiment) -> dict[str, dict[str, str]]:
    """Names of the views of a single task, by task and kind, since a chart cannot choose its runs; none for one task,
    or for more than fit a line of links."""
    tasks = list(dict.fromkeys(spec.task_label for spec in experiment.runs))
    if not 1 < len(tasks) <= _MOST_TASKS:
        return {}
    # A filter has no way to write both quotes.
    fit = [(at, task) for at, task in enumerate(tasks, 1) if not {"'", '"'} <= set(task)]
    return {task: {kind: f"{kind}-{at}" for kind in VIEWS} for at, task in fit}


def _view(kind: str, experiment: Experiment, task: str | None = None) -> str:
    columns = [
        *(f"tags.`{label}`" for label in _LABELS),
        *(f"params.`{param}`" for param in _PARAMS),
        *(f"metrics.`{metric}`" for metric in _METRICS[kind]),
        *(f"params.`{other}`" for other in _OTHERS),
        f"tags.`{STATUS_TAG}`",
    ]
    widths = {column: _WIDTHS.get(column.split("`")[1], _NARROW) for column in columns}
    runs = [spec for spec in experiment.runs if task in (None, spec.task_label)]
    charts = list(_CHARTS[kind](runs))
    state = {
        "searchFilter": _filter(kind, task),
        # The one score of which more is better in every task.
        "orderByKey": "metrics.`skill`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": ["attributes.`Run Name`", *columns, *_PAGE_COLUMNS],
        "columnWidths": {"attributes.`Run Name`": _NAME} | widths,
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": charts,
        "compareRunSections": [
            *(_section(found, display=True) for found in dict.fromkeys(chart["metricSectionId"] for chart in charts)),
            *(_section(found, display=False) for found in _GENERATED),
        ],
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "groupBy": _LIKE_SCORES if kind == RESULTS else None,
        "groupsExpanded": {},
        # A chart of single runs shows lag and luck; a mean over all lags would show neither.
        "useGroupedValuesInCharts": False,
        "hideEmptyCharts": True,
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }
    # A fixed date, so that the same experiment has the same view.
    return json.dumps(
        {"name": f"{kind} of {task}" if task else kind, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)}
    )


def _filter(kind: str, task: str | None) -> str:
    if task is not None:
        quote = '"' if "'" in task else "'"
        return f"tags.`{KIND_TAG}` = 'run' AND tags.`task` = {quote}{task}{quote}"
    # In a chart the report would be a series without points.
    return "" if kind == RESULTS else f"tags.`{KIND_TAG}` = 'run'"


_LIKE_SCORES = {
    "aggregateFunction": "average",
    "groupByKeys": [{"mode": "tag", "groupByData": "task"}, {"mode": "param", "groupByData": "lag"}],
}
"""Within a group the page shows means: of one task at one lag alone do they mean something."""


def _results(runs: list[RunSpec]) -> Iterator[Chart]:
    for metric in ("skill", "score", "steps_to_solve", "survival"):
        yield _against("Against the lag", metric)
    yield _against("Does the gradient predict success?", "skill", {"key": "survival", "type": "METRIC"})


def _curves(runs: list[RunSpec]) -> Iterator[Chart]:
    scores = dict.fromkeys(f"validation/{spec.task.score.name}" for spec in runs)
    for metric in (*scores, "validation/loss", "train/loss"):
        yield _line("Learning", metric)
    for score in dict.fromkeys(spec.task.score.name for spec in runs):
        yield _line("At other lags: the step is the tested lag", f"lag_curve/{score}")


def _gradients(runs: list[RunSpec]) -> Iterator[Chart]:
    yield _line("Backwards through time", "gradient_profile/survival", "log")
    yield _line("Backwards through time", "gradient_profile/decay_per_step")
    for metric in ("survival", "decay_per_step", "reach"):
        yield _against("Against the lag, after training", metric)
    for metric in ("gradient_norm/median", "gradient_norm/max", "gradient_norm/clipped"):
        yield _line("Norm before clipping", metric, "linear" if metric.endswith("clipped") else "log")


_CHARTS = {RESULTS: _results, CURVES: _curves, GRADIENTS: _gradients}


def _section(name: str, display: bool) -> dict[str, Any]:
    return {
        "uuid": name,
        "name": name,
        "display": display,
        "isReordered": False,
        "deleted": False,
        "isGenerated": not display,
        "columns": 2,
        "cardHeight": 360,
    }


def _chart(section: str, title: str, kind: str) -> Chart:
    return {
        "uuid": f"{kind} {title}",
        "type": kind,
        "runsCountToCompare": 100,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "displayName": title,
    }


_LAG = {"key": "lag", "type": "PARAM"}


def _against(section: str, metric: str, across: dict[str, str] = _LAG) -> Chart:
    axes = {"xaxis": across, "yaxis": {"key": metric, "type": "METRIC"}}
    return _chart(section, f"{metric} against {across['key']}", "SCATTER") | axes


def _line(section: str, metric: str, scale: str = "linear") -> Chart:
    return _chart(section, metric, "LINE") | {
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": scale,
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }

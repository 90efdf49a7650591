"""rnnbench: how SimpleRNN, LSTM and GRU cope as the dependency length grows.

For notebooks: `load_experiment`, `run_experiment`, `load_results`, `memory_horizons` and `figures`, imported on first
use. The other names are for writing your own tasks, models and report figures.
"""

from typing import TYPE_CHECKING, Any

from rnnbench.environment import __version__
from rnnbench.models.base import Model
from rnnbench.registry import register_model, register_task
from rnnbench.tasks.base import ClassificationTask, Features, Layout, RegressionTask, Task, Tokens
from rnnbench.tasks.dataset import DatasetTask, Examples

if TYPE_CHECKING:
    from rnnbench.analysis.results import Results
    from rnnbench.api import figures, load_experiment, load_results, memory_horizons, run_experiment
    from rnnbench.experiment.definition import Experiment
    from rnnbench.report.figures.base import AnswerFigure, ReportFigure, TaskFigure, register_figure

__all__ = [
    "AnswerFigure",
    "ClassificationTask",
    "DatasetTask",
    "Examples",
    "Experiment",
    "Features",
    "Layout",
    "Model",
    "RegressionTask",
    "ReportFigure",
    "Results",
    "Task",
    "TaskFigure",
    "Tokens",
    "__version__",
    "figures",
    "load_experiment",
    "load_results",
    "memory_horizons",
    "register_figure",
    "register_model",
    "register_task",
    "run_experiment",
]

_LAZY = (
    {"Experiment": "experiment.definition", "Results": "analysis.results"}
    | dict.fromkeys(("figures", "load_experiment", "load_results", "memory_horizons", "run_experiment"), "api")
    | dict.fromkeys(("AnswerFigure", "ReportFigure", "TaskFigure", "register_figure"), "report.figures.base")
)


def __getattr__(name: str) -> Any:
    # Importing pandas and the figures takes seconds; a worker and `rnnbench list` need neither.
    if name not in _LAZY:
        raise AttributeError(f"module 'rnnbench' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"rnnbench.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

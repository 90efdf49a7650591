"""rnnbench: how SimpleRNN, LSTM and GRU cope as the dependency length grows.

For notebooks: `load_experiment`, `run_experiment`, `load_results`, `memory_horizons`, `figures` and `columns`. The
other names are for writing your own tasks, models, optimisers and report figures. Each is imported on first use.
"""

from typing import TYPE_CHECKING, Any

from rnnbench.environment import __version__

if TYPE_CHECKING:
    from rnnbench.analysis.results import Results
    from rnnbench.api import columns, figures, load_experiment, load_results, memory_horizons, run_experiment
    from rnnbench.experiment.definition import Experiment
    from rnnbench.experiment.optimizers import register_optimizer
    from rnnbench.models.base import Model, RNNModel
    from rnnbench.registry import register_model, register_task
    from rnnbench.report.figures.base import AnswerFigure, ReportFigure, TaskFigure, register_figure
    from rnnbench.tasks.base import Score, Task
    from rnnbench.tasks.dataset import DatasetTask, Examples
    from rnnbench.tasks.stream import Layout, Ports, Stream
    from rnnbench.tasks.supervised import ClassificationTask, RegressionTask

__all__ = [
    "AnswerFigure",
    "ClassificationTask",
    "DatasetTask",
    "Display",
    "Examples",
    "Experiment",
    "Layout",
    "Model",
    "Ports",
    "RNNModel",
    "RegressionTask",
    "ReportFigure",
    "Results",
    "Score",
    "Stream",
    "Task",
    "TaskFigure",
    "__version__",
    "columns",
    "figures",
    "load_experiment",
    "load_results",
    "memory_horizons",
    "register_figure",
    "register_model",
    "register_optimizer",
    "register_task",
    "run_experiment",
]

_MODULES = {
    "analysis.results": ["Results"],
    "api": ["columns", "figures", "load_experiment", "load_results", "memory_horizons", "run_experiment"],
    "experiment.definition": ["Experiment"],
    "experiment.optimizers": ["register_optimizer"],
    "models.base": ["Model", "RNNModel"],
    "registry": ["register_model", "register_task"],
    "report.figures.base": ["AnswerFigure", "ReportFigure", "TaskFigure", "register_figure"],
    "tasks.base": ["Score", "Task"],
    "tasks.dataset": ["DatasetTask", "Examples"],
    "tasks.display": ["Display"],
    "tasks.stream": ["Layout", "Ports", "Stream"],
    "tasks.supervised": ["ClassificationTask", "RegressionTask"],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    # NumPy, pandas and the figures take up to seconds to import, which a command need not wait for.
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'rnnbench' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"rnnbench.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""rnnbench: how SimpleRNN, LSTM and GRU cope as the dependency length grows.

The names below are what a task or a model of one's own needs.
"""

from rnnbench.models.base import Model
from rnnbench.registry import register_model, register_task
from rnnbench.tasks.base import ClassificationTask, Features, Layout, RegressionTask, Task, Tokens
from rnnbench.tasks.dataset import DatasetTask, Examples

__version__ = "0.1.0"

__all__ = [
    "ClassificationTask",
    "DatasetTask",
    "Examples",
    "Features",
    "Layout",
    "Model",
    "RegressionTask",
    "Task",
    "Tokens",
    "register_model",
    "register_task",
]

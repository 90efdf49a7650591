"""What the shell offers when Tab is pressed. Nothing here may raise or take long."""

from __future__ import annotations

import glob
from collections.abc import Iterable


def experiment_files(incomplete: str) -> list[str]:
    """YAML files here and one folder down (`rnnbench run e<Tab>` gives those of `experiments/`), and what ships."""
    from rnnbench.experiment import shipped

    start = glob.escape(incomplete)
    found = [path for pattern in (f"{start}*.y*ml", f"{start}*/*.y*ml") for path in glob.glob(pattern)]
    return [*sorted(path for path in found if path.endswith((".yaml", ".yml"))), *_starting(shipped.NAMES, incomplete)]


def overrides(incomplete: str) -> list[str]:
    """`training.steps=` and its like."""
    from rnnbench.experiment.overrides import GROUPS

    keys = [f"{group}.{key}=" for group, settings in GROUPS.items() for key in settings.model_fields]
    return _starting(["seeds=", *keys], incomplete)


def registered(incomplete: str) -> list[str]:
    """Names of tasks, models and groups of settings."""
    from rnnbench import registry
    from rnnbench.experiment.overrides import GROUPS

    return _starting([*registry.tasks, *registry.models, *GROUPS], incomplete)


def shown(incomplete: str) -> list[str]:
    """Names of tasks, and experiment files."""
    from rnnbench import registry

    return [*_starting(registry.tasks, incomplete), *experiment_files(incomplete)]


def executors(incomplete: str) -> list[str]:
    """Names for `--executor`."""
    from rnnbench.execution.executors import executors

    return _starting(executors, incomplete)


def data_sets(incomplete: str) -> list[str]:
    """Names of the real data sets."""
    from rnnbench.datasets import catalogue

    return _starting(catalogue.DATA_SETS, incomplete)


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]

"""rnnbench from Python: load an experiment, run it, look at its results. Reached as `rnnbench.load_experiment` etc.

>>> import rnnbench
>>> experiment = rnnbench.load_experiment("experiments/quickstart.yaml", "seeds=1")
>>> results = rnnbench.run_experiment(experiment, workers=2)
quickstart: 32 runs, 32 finished before, nothing to run
>>> results.runs.query("model == 'lstm'").groupby("training_lags")["skill"].max()
training_lags
far        0.7
fixed      0.7
uniform    0.7
Name: skill, dtype: float64
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from rnnbench.analysis.results import Results
from rnnbench.cli.screen import Screen
from rnnbench.errors import UserError, note
from rnnbench.execution.executors import executor_factory
from rnnbench.execution.script import leave_if_unguarded
from rnnbench.experiment import yaml_file
from rnnbench.experiment.definition import Experiment
from rnnbench.grid.grid import Grid
from rnnbench.grid.process_state import preserve_process_state
from rnnbench.grid.remembered import with_last
from rnnbench.tracking.location import Location

if TYPE_CHECKING:
    import pandas as pd

    from rnnbench.analysis.columns import Described
    from rnnbench.report.drawing.figure import Figure


def load_experiment(file: str | Path, *overrides: str) -> Experiment:
    """The experiment of a YAML file; `overrides` as for `rnnbench run --set`.

    Raises `rnnbench.errors.UserError`, one line that names file, line and key, for the first mistake.

    >>> import rnnbench
    >>> experiment = rnnbench.load_experiment("experiments/quickstart.yaml", "training.steps=500", "seeds=[0]")
    >>> len(experiment.runs), experiment.runs[0].name
    (32, 'simple_rnn T20 s0 copy_memory')

    An experiment can be written in Python just as well:

    >>> experiment = rnnbench.Experiment(
    ...     name="first",
    ...     tasks={"copy_memory": {"lag": [5, 10], "symbols": 1}},
    ...     models={"gru": {}, "lstm": {"units": 32}},
    ... )
    >>> [run.name for run in experiment.runs][:2]
    ['gru T5 s0 copy_memory', 'gru T10 s0 copy_memory']
    """
    return yaml_file.load(Path(file), overrides)


@preserve_process_state()
def run_experiment(
    experiment: Experiment,
    store: str | Path | None = None,
    *,
    tracking_uri: str | None = None,
    workers: int | None = None,
    report: str | Path | None = None,
    fresh: bool = False,
    quiet: bool = False,
) -> Results:
    """Do every run that the store does not have yet, as `rnnbench run` does, and return all results.

    `store`: a directory (default `./store`), or `tracking_uri`: an MLflow server. `workers`: processes (default: one
    per core); 0 runs in this process, which then imports TensorFlow. `report`: a directory for the report. `fresh`:
    start over. `quiet`: print nothing. A script that defines tasks or models itself and has workers run them needs the
    usual `if __name__ == "__main__":`.

    The session is left as it was: its random generators, Keras' settings, environment, loggers. One thing cannot be
    restored: if `workers=0` is the first to use TensorFlow, TensorFlow stays on one thread.

    A failed run is reported and becomes a row with its `message`; so does a point that is skipped, with the reason.
    Raises `UserError` for what cannot work, and `KeyboardInterrupt` after Ctrl-C (or the notebook's stop button); the
    same call then resumes.

    >>> import rnnbench
    >>> experiment = rnnbench.load_experiment("experiments/quickstart.yaml", "seeds=1")
    >>> results = rnnbench.run_experiment(experiment, workers=0, quiet=True)
    >>> results.runs[["model", "lag", "training_lags", "seed", "score"]].head(2)
            model  lag training_lags  seed  score
    0  simple_rnn   20       uniform     0   0.75
    1  simple_rnn   20           far     0   0.75
    """
    leave_if_unguarded()
    grid = _grid(experiment, store, tracking_uri)
    console = Console(highlight=False, quiet=quiet)
    out = None if report is None else Path(report)
    outcome = grid.run(executor_factory(workers), Screen(console, errors=console), out, fresh)
    if outcome.signal is not None:
        raise KeyboardInterrupt
    return grid.results()


@preserve_process_state()
def load_results(
    experiment: Experiment, store: str | Path | None = None, *, tracking_uri: str | None = None, last: bool = False
) -> Results:
    """The stored results of an experiment as tidy tables: `runs`, `history`, `profiles`, `levels`, `lag_curves`.

    `last`: add the overrides of the last run of its file, as `rnnbench report --last` does. Raises `UserError` if the
    store is missing or has none of its runs; the message names the overrides under which it has some. Where a task's
    data are absent, its runs are matched by their settings alone, with a note.

    >>> import rnnbench
    >>> experiment = rnnbench.load_experiment("experiments/quickstart.yaml", "seeds=1")
    >>> results = rnnbench.load_results(experiment, "store")
    >>> results.history.query("metric == 'train/loss'").groupby("step")["value"].mean()
    step
    10    2.0
    20    1.0
    Name: value, dtype: float64
    """
    grid = _grid(experiment, store, tracking_uri)
    if last:
        if experiment.file is None:
            raise UserError("last=True: the experiment was made in Python; only a file has overrides")
        overrides = with_last(experiment.file, experiment.overrides, grid.location)
        grid = _grid(yaml_file.load(experiment.file, overrides), store, tracking_uri)
    results = grid.results()
    if results.note:
        note(results.note)
    return results


@preserve_process_state()
def memory_horizons(results: Results) -> pd.DataFrame:
    """The memory horizon of each series: the longest lag at which a falling fit of the success rate is at least 1/2.

    A row per series. `horizon` has it in words: `50`, `>= 200` (the longest lag tested), `-` (not even the shortest) or
    `?` (no run has ended). `horizon_lag` has it as a number, missing for the last two, with `at_least` where the
    longest lag passes; `counts` are the runs on which it stands. `columns()` describes the others. The horizons are
    `rnnbench.analysis.horizon.Horizon` objects, with the counts at every lag.

    >>> import rnnbench
    >>> experiment = rnnbench.load_experiment("experiments/quickstart.yaml", "seeds=1")
    >>> horizons = rnnbench.memory_horizons(rnnbench.load_results(experiment))
    >>> fixed = horizons.query("task == 'copy_memory' and training_lags == 'fixed'")
    >>> print(fixed[["model", "horizon", "horizon_lag", "counts"]].to_string(index=False))
          model horizon  horizon_lag     counts
     simple_rnn       -         <NA> 20, 0 of 1
           lstm       -         <NA> 20, 0 of 1
            gru       -         <NA> 20, 0 of 1
    lstm_chrono       -         <NA> 20, 0 of 1
    """
    from rnnbench.analysis.in_a_notebook import horizon_table

    return horizon_table(results.runs)


def columns() -> Described:
    """What every column of the tables says: `table`, `name`, `meaning`, `unit`, and `empty`, when it has no value.

    `table` is one of `Results` (`runs`, `history`, ...) or `horizons`, for `memory_horizons`.

    >>> import rnnbench
    >>> print(rnnbench.columns().query("name == 'clock'").iloc[0].meaning)
    Share of the skill at `lag` that is lost one step beside it; above .5 the run is called a clock.
    """
    from rnnbench.analysis.columns import described

    return described()


@preserve_process_state()
def figures(results: Results) -> dict[str, Figure]:
    """The figures of the report by name; a notebook shows one that is the last line of a cell.

    >>> import rnnbench
    >>> experiment = rnnbench.load_experiment("experiments/quickstart.yaml", "seeds=1")
    >>> shown = rnnbench.figures(rnnbench.load_results(experiment))
    >>> shown["overview"].title
    'Skill and gradient survival against lag'
    >>> shown["overview"].svg()[:4]
    '<svg'
    """
    from rnnbench.report import build

    return build.figures(results)


def _grid(experiment: Experiment, store: str | Path | None, tracking_uri: str | None) -> Grid:
    place = None if store is None else Path(store)
    return Grid(experiment, Location.resolve(place, tracking_uri), place)

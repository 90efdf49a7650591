"""The checks of the suite itself, by their subject."""

from __future__ import annotations

from functools import partial

from rnnbench import registry
from rnnbench.checks import clocks, memory, models, tables, tasks, trained
from rnnbench.checks.contracts.sized import causal
from rnnbench.checks.finding import Checks
from rnnbench.checks.subjects import is_plug_in


def quick() -> Checks:
    """Checks 1 to 6, 11 to 13 and 17 to 19; they take some minutes."""
    built_in = {name: registry.models[name] for name in registry.models if not is_plug_in(registry.models[name])}
    # Of a model that reads later steps no gradient profile is taken.
    probed = {name: model for name, model in built_in.items() if causal(model)}
    probes = {f"the gradient probe of {name}": partial(models.probe, name, model) for name, model in probed.items()}
    return {
        "copy-memory": tasks.copy_memory,
        "adding": tasks.adding,
        "initial weights": models.initial_weights,
        **probes,
        "the bound of the gradient": models.bound,
        "the decay at initialisation": models.decay_at_initialisation,
        "naive forecasts": tasks.naive_forecasts,
        "means and their bands": tables.means,
        "success": tables.success,
        "steps to solve": tables.steps_to_solve,
        "memory horizons": tables.horizons,
        **memory.nothing_learnt(),
        "the frozen level": clocks.the_frozen_level,
        "degenerate data": memory.degenerate,
        "networks set by hand": clocks.verdicts_by_hand,
    }


def training() -> Checks:
    """Checks 7 to 10, 14 to 16 and 20, which train networks first."""
    checks: Checks = {"simple_rnn on adding": trained.simple_rnn_stays_memoryless}
    for model, within in (("gru", 2000), ("lstm", 4000)):
        checks[f"{model} on adding"] = partial(trained.gated_cells_learn_to_add, model, within)
    for model in trained.CELLS:
        checks[f"{model} for leaks"] = partial(trained.nothing_leaks, model)
        checks[f"{model} on copy-memory"] = partial(trained.every_cell_can_learn, model)
    return checks | {
        "a clock": clocks.a_clock_is_called_one,
        "a memory": clocks.a_memory_is_none,
        "the marker": clocks.the_marker_binds,
        "the order of learning": clocks.order_of_learning,
    }

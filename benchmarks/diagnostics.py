"""What the diagnostics cost: share of a run's time that goes into probes, at default settings.

    python benchmarks/diagnostics.py [--lag 50] [--units 64] [--steps 2000] [--model lstm]...

Times two whole runs of each model in this process, the first with its compilation, and in them what the gradient
profile takes and what spectra and saturation take. The norms by weight are part of the training step: their price is
the difference of a step with and one without them, in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from rnnbench.execution.base import quiet_tensorflow
from rnnbench.experiment import Experiment, RunSpec

quiet_tensorflow()

import tensorflow as tf  # noqa: E402

from rnnbench import training  # noqa: E402

ROUNDS, STEPS = 7, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lag", type=int, default=50)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--model", action="append", dest="models")
    options = parser.parse_args()
    training.configure(threads=1)
    print("model       run      seconds  profile  spectra, saturation  norms by weight     all")
    for model in options.models or ["simple_rnn", "lstm", "gru"]:
        specs = Experiment(
            name="cost",
            tasks={"copy_memory": {"lag": options.lag, "symbols": 1}},
            models={model: {"units": options.units}},
            seeds=2,  # type: ignore[arg-type]  # a count
            training={"steps": options.steps, "stop_when_solved": False},
        ).runs
        norms = price_of_norms(specs[0])
        training._compiled.cache_clear()
        for spec, name in zip(specs, ("first", "next"), strict=True):
            whole, profile, others = seconds_of(spec)
            shares = (profile / whole, others / whole, norms, (profile + others) / whole + norms)
            print(f"{model:12}{name:6}{whole:10.1f}" + "{:9.1%}{:21.1%}{:17.1%}{:8.1%}".format(*shares), flush=True)


def seconds_of(spec: RunSpec) -> tuple[float, float, float]:
    """A run, its profiles, and its spectra and saturation."""
    compiled = training._compiled(*spec.network)
    spent = {"profile": 0.0, "measure": 0.0}

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: Any) -> Any:
            began = time.perf_counter()
            result = call(*arguments)
            spent[call.__name__] += time.perf_counter() - began
            return result

        return timing

    probe, diagnostics = compiled.probe, compiled.diagnostics
    profile, measure = probe.profile, diagnostics.measure
    probe.profile, diagnostics.measure = timed(profile), timed(measure)  # type: ignore[method-assign]
    began = time.perf_counter()
    for _ in training.run(spec):
        pass
    whole = time.perf_counter() - began
    probe.profile, diagnostics.measure = profile, measure  # type: ignore[method-assign]
    return whole, spent["profile"], spent["measure"]


def price_of_norms(spec: RunSpec) -> float:
    """Share of a training step that goes into the norms by weight."""
    with_norms, without = (training.CompiledNetwork(*spec.network[:2], *spec.network[3:]) for _ in range(2))
    zeros = tf.zeros(len(without.network.weight_norms.names))
    without.network.weight_norms = lambda gradients: zeros
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(ROUNDS + 1):
        for compiled in (with_norms, without):
            began = time.perf_counter()
            compiled.fit(spec.task, 0, spec.training, 0, STEPS)
            if turn:  # The first one compiles.
                seconds[compiled is with_norms].append(time.perf_counter() - began)
    pairs = zip(seconds[True], seconds[False], strict=True)
    return statistics.median(1 - plain / full for full, plain in pairs)


if __name__ == "__main__":
    main()

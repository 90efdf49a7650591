"""What the diagnostics cost at default settings: `python benchmarks/diagnostics.py [--lag 50] [--model lstm]...`.

Two whole runs of each model in this process, the first with its compilation, and the share of them that goes into
probes: gradient profile, spectra and saturation. The norms by weight are part of the training step; their cost is the
difference between a step with them and one without, timed in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time

from rnnbench.execution.base import quiet_tensorflow
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.run_spec import RunSpec

quiet_tensorflow()

import tensorflow as tf  # noqa: E402

from rnnbench.training import run as training  # noqa: E402
from rnnbench.training.program import Program  # noqa: E402

ROUNDS, STEPS = 9, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lag", type=int, default=50)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--model", action="append", dest="models")
    options = parser.parse_args()
    training.configure(threads=1)
    print("model       run      seconds   probes   norms by weight    total")
    for model in options.models or ["simple_rnn", "lstm", "gru"]:
        specs = Experiment(
            name="cost",
            tasks={"copy_memory": {"lag": options.lag, "symbols": 1}},
            models={model: {"units": options.units}},
            seeds=2,  # type: ignore[arg-type]  # a count
            training={"steps": options.steps, "stop_when_solved": False},
        ).runs
        norms = price_of_norms(specs[0])
        for spec, name in zip(specs, ("first", "next"), strict=True):
            metrics = list(training.run(spec))[-1].metrics
            probes = metrics["seconds/probes"] / metrics["seconds"]
            training_share = metrics["seconds/training"] / metrics["seconds"]
            in_all = probes + norms * training_share
            print(f"{model:12}{name:6}{metrics['seconds']:10.1f}{probes:9.1%}{norms:18.1%}{in_all:9.1%}", flush=True)


def price_of_norms(spec: RunSpec) -> float:
    """Share of a training step that goes into the norms by weight."""
    with_norms, without = (Program(spec.compile_key) for _ in range(2))
    zeros = tf.zeros(len(without.network.gradient_norms.names))
    without.network.gradient_norms = lambda gradients: tf.concat([[tf.linalg.global_norm(gradients)], zeros], axis=0)
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

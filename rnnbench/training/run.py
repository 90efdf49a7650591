"""One run: a RunSpec goes in, a stream of events comes out. Knows neither MLflow nor where it is executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import tensorflow as tf

from rnnbench.events import Event
from rnnbench.experiment.run_spec import RunSpec
from rnnbench.training.memory import Memory
from rnnbench.training.run_in_progress import RunInProgress
from rnnbench.training.session import set_keras
from rnnbench.training.snapshot import Snapshot
from rnnbench.training.stopwatch import Stopwatch


def configure(threads: int) -> bool:
    """Set the process up: `threads` threads, one for each shard of its runs, deterministic kernels, Keras in float32.

    Shards are operations of their own (inter-op), but XLA does parts of each in the other pool (intra-op): with fewer
    threads there, shards wait for each other. It also cuts matrix products by the number of these threads, where they
    are summed, so last digits depend on it: it is that of the shards, whatever the machine has.

    False if the threads could not be set, because TensorFlow was in use before and has others.
    """
    tf.config.experimental.enable_op_determinism()
    set_keras()
    setting = tf.config.threading
    try:
        setting.set_intra_op_parallelism_threads(threads)
        setting.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        return False
    return True


def run(
    spec: RunSpec,
    snapshot: Snapshot | None = None,
    save: Callable[[Snapshot], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train, evaluate and probe one network.

    Yields `Started`; `Measured` at step 0 and after every `evaluate_every` steps; `Profiled` at step 0, at 1, 2 and 4
    times `evaluate_every`, and at the weights that are tested; the tests of these, at the run's own lag, at other lags
    and behind other leads; at last `Finished`, or `Diverged` from the first step whose loss or gradient is not finite.
    Both carry the test scores of the best validation weights.

    A run that is solved early trains on to the last step where gradients are measured, so that runs are compared at
    equal steps. Its outcome stays.

    `save` is given a snapshot after an evaluation, as often as `memory.SAVING_SHARE` allows; when `stopped()` is true
    it is given one more, and the run breaks off. From a `snapshot` the run repeats what it said and continues; its
    result is bit-identical to that of an uninterrupted run.
    """
    stopwatch = Stopwatch(snapshot.seconds if snapshot else None)
    memory = Memory(spec.signature, stopwatch, save)
    current = RunInProgress(spec, stopwatch)
    current.prepare(resumed=snapshot is not None)
    if snapshot is None:
        yield from memory.keep(current.begin())
    else:
        current.resume(snapshot)
        yield from memory.keep(snapshot.events)
    while not current.trained:
        stop = stopped()
        yield from memory.save(current.program, current.progress, now=stop)
        if stop:
            return
        yield from memory.keep(current.train_until_evaluation())
    yield from memory.save(current.program, current.progress, now=False)
    yield from current.conclude()

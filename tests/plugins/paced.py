"""A plug-in whose runs take their time when they are asked to, so that there is something to interrupt."""

import os
import time

from rnnbench import register_task
from rnnbench.tasks.copy_memory import CopyMemory


@register_task("paced")
class Paced(CopyMemory):
    """Copy-memory that waits `RNNBENCH_TEST_PACE` seconds for each batch."""

    def train_batch(self, seed, step, batch_size):
        time.sleep(float(os.environ.get("RNNBENCH_TEST_PACE", "0")))
        return super().train_batch(seed, step, batch_size)

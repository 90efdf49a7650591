"""How the program of a key is made: under names of its own, and from the machine's cache where that has it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import nullcontext

import tensorflow as tf

from rnnbench.experiment.run_spec import CompileKey
from rnnbench.training.compilation_cache import CompilationCache, enabled
from rnnbench.training.names import Names

_cache: CompilationCache | None = None


class Making:
    """Of one program."""

    def __init__(self, key: CompileKey) -> None:
        # A dataclass of settings: its text is the same in every process.
        self._program = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        self.names = Names(self._program)
        """Those of all that the program consists of: `with making.names.given(): ...` around what builds it."""

    def compiled(self, compile_program: Callable[[], None]) -> None:
        """Call `compile_program` with names and the cache; once more if the cache could not take what it compiled."""
        with self.names.given(), _cache.serving(self._program) if _cache else nullcontext():
            try:
                compile_program()
            except tf.errors.OpError:
                if _cache is None or not _cache.moves():
                    raise
                compile_program()


def use_cache(threads: int) -> None:
    """Have the programs of this process come from the machine's cache, and go there: see `compilation_cache.enabled`.

    Call it before TensorFlow computes anything, in a process that does nothing but runs.
    """
    global _cache
    _cache = enabled(threads)

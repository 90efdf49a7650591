"""The same names for the same program, whatever the process has built before.

TensorFlow's cache of compiled programs knows a program by all that is in it, names included. Both libraries number
what they name through the process: Keras its layers and networks, TensorFlow its functions and the bodies of loops.
Only names are numbered anew here: TensorFlow's own counter, by which a tape tells tensors apart, counts on.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from keras.src.backend.common import global_state
from tensorflow.python.eager.polymorphic_function import concrete_function
from tensorflow.python.ops import control_flow_util_v2, custom_gradient

_KERAS_NUMBERS = "object_name_uids"
"""Keras' global attribute that counts the names it has given."""


class Names:
    """The names of what one program consists of: `with names.given(): ...` around all that builds or traces it."""

    _built: ClassVar[Counter[str]] = Counter()

    def __init__(self, program: str) -> None:
        """`program`: letters and digits that tell it from every other program, the same in every process."""
        # TensorFlow refuses a second function of a name: a program that is built again has other names.
        again = self._built[program]
        self._built[program] += 1
        self._stem = f"{program}x{again}" if again else program
        self._numbers = itertools.count()
        self._keras: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def given(self) -> Iterator[None]:
        """Inside, both libraries take their numbers from here; afterwards they go on counting where they were."""
        with ExitStack() as stack:
            before = global_state.get_global_attribute(_KERAS_NUMBERS)
            stack.callback(global_state.set_global_attribute, _KERAS_NUMBERS, before)
            global_state.set_global_attribute(_KERAS_NUMBERS, self._keras)
            for module, function, make in self._makers():
                # Private parts of TensorFlow: without one, more programs are compiled anew, and nothing else changes.
                if hasattr(module, function):
                    stack.callback(setattr, module, function, getattr(module, function))
                    setattr(module, function, make)
            yield

    def _makers(self) -> list[tuple[Any, str, Callable[..., str]]]:
        return [
            (concrete_function, "_inference_name", lambda name: f"__inference_{name}_{self._next()}"),
            (concrete_function, "_forward_name", lambda name: f"__forward_{name}_{self._next()}"),
            (concrete_function, "_backward_name", lambda name: f"__backward_{name}_{self._next()}"),
            (control_flow_util_v2, "unique_fn_name", self._of_branch),
            (control_flow_util_v2, "unique_grad_fn_name", lambda forward: f"{forward}_grad_{self._next()}"),
            (custom_gradient, "generate_name", lambda: f"CustomGradient-{self._next()}"),
        ]

    def _of_branch(self, scope: str, name: str) -> str:
        """Of a loop's body or condition, or of one side of a condition."""
        return f"{scope}{name}_{self._next()}".replace("/", "_")

    def _next(self) -> str:
        return f"{self._stem}_{next(self._numbers)}"

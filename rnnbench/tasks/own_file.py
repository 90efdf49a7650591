"""Tasks over the user's own file, whose shapes and classes are found in the file."""

from __future__ import annotations

import contextlib
import hashlib
import json
from abc import abstractmethod
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from rnnbench.datasets import cache, location
from rnnbench.datasets.own import place
from rnnbench.datasets.own.place import DataFile
from rnnbench.errors import UserError, note
from rnnbench.files import write
from rnnbench.identity import class_code
from rnnbench.identity.signature import Unsigned, canonical_json
from rnnbench.tasks.dataset import DatasetTask

Facts = dict[str, Any]
"""JSON values by name."""
_VERSION = 2
"""Raise it when a task finds something else in a file: what is kept is then found again."""


class OwnFileTask(DatasetTask):
    """A task over a file or folder of the user's.

    `layout`, `ports`, `outputs` and `split_sizes` may depend on what is in the file: take it from `facts`, which hold
    what `found` has read. What is wrong with the file is said when the experiment is loaded, at `path`.
    """

    version: ClassVar[int] = 1

    source: Literal["file"] = "file"
    """The user's own file."""
    path: DataFile
    """The file, relative to the experiment file. Signatures hold its content, reports its name."""
    show_examples: Annotated[bool, Unsigned()] = False
    """Whether reports, MLflow and exports may show examples of the data. Default: aggregates alone."""
    recorded: Annotated[str | None, Unsigned()] = Field(None, exclude=True, repr=False)
    """What the file held when results were exported, as JSON: so a report of them does not need the file."""

    @abstractmethod
    def found(self) -> Facts:
        """What the shapes of the task depend on, read from the file, whatever the lag, filler and protocol.

        Sizes of splits are expected under `sizes`; what the user should know, a line each, under `notes`. Raises
        `UserError` for mistakes in the file: what, and in which line.
        """

    @property
    def facts(self) -> Facts:
        """What `found` gives; read once for each content of the file. Raises `UserError` if there is no file."""
        if self.recorded is not None:
            facts: Facts = self._recorded["facts"]
            return facts
        bare = self._bare
        return _facts(bare, canonical_json(class_code.identity(type(bare))))

    @property
    def data_source(self) -> str:
        return PurePath(self.path).name

    @property
    def data_key(self) -> str | None:
        # Of a plug-in it would have to hold its code too.
        return self.fingerprint() if class_code.is_built_in(type(self)) else None

    def look(self) -> None:
        self.fingerprint()
        # Facts outlive the place of the file, so their notes do not name it.
        for message in self.facts.get("notes", ()) if self.recorded is None else ():
            _say(f"{place.shown(self.path)}: {message}")

    def check_data(self) -> None:
        place.check(self.path)

    def fingerprint(self) -> str | None:
        """Digest of the content of the file; None if it is absent."""
        if self.recorded is not None:
            recorded: str | None = self._recorded["fingerprint"]
            return recorded
        digest = place.fingerprint(self.path)
        cache.forget_if_changed(self.path, digest)
        return digest

    def split_sizes(self) -> dict[str, int]:
        return dict(self.facts.get("sizes", {}))

    def record(self) -> dict[str, Any]:
        """An entry of `recorded`."""
        return {self._record_key: {"fingerprint": self.fingerprint(), "facts": self.facts}}

    @property
    def _recorded(self) -> dict[str, Any]:
        entries = json.loads(self.recorded or "{}")
        if self._record_key not in entries:
            raise UserError(f"nothing was recorded of {self.data_source} at these settings")
        entry: dict[str, Any] = entries[self._record_key]
        return entry

    @property
    def _record_key(self) -> str:
        settings = self._bare.model_dump(mode="json", exclude={"show_examples"})
        return hashlib.sha256(canonical_json(settings).encode()).hexdigest()[:16]

    @property
    def _bare(self) -> Self:
        """The task without what facts do not depend on."""
        update = {"lag": self.least_lag, "filler": type(self).fillers[0], "training_lags": "fixed", "lead": "none"}
        return self.model_copy(update=update | {"show_examples": False, "recorded": None})


@lru_cache(maxsize=64)
def _say(message: str) -> None:
    """Once a process, whatever the number of runs."""
    note(message)


@cache.in_memory(maxsize=64)
def _facts(task: OwnFileTask, code: str) -> Facts:
    """Kept on disk too: a large file is read once, not by every command."""
    content = place.fingerprint(task.path)
    if content is None:
        place.check(task.path)
    # The name counts, as messages and facts may hold it.
    key = canonical_json([_VERSION, content, code, task.model_dump(mode="json")])
    kept = location.cache_dir() / f"facts-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
    with contextlib.suppress(OSError, ValueError):
        stored: Facts = json.loads(kept.read_text("utf-8"))
        return stored
    facts = task.found()
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write(kept, json.dumps(facts))
    return facts

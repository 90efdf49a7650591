"""The machine's cache of compiled programs: what one process has compiled, the next one loads.

It is TensorFlow's persistent cache of XLA's programs, made safe. TensorFlow takes a file as it stands: from one that
was cut short it computes wrong results without a word. So TensorFlow never reads the shared directory. A worker has a
directory of its own, which is filled with copies whose checksums hold just before a program is made, published from
just after, and then removed; one left behind by a worker that was killed is swept away later.

    ~/.cache/rnnbench/compiled/MACHINE/PROGRAM/FILE     checksum, then TensorFlow's file
    ~/.cache/rnnbench/compiled/MACHINE/at-work/WORKER   as TensorFlow knows it

Nothing here can fail a run: whatever is damaged, foreign or unwritable is left alone, and the program is compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnbench import environment, files
from rnnbench.datasets import location

VARIABLE = "RNNBENCH_XLA_CACHE"
"""The environment variable that names the directory; `off`: no cache."""
LIMIT = 2**30
"""Bytes that the cache may take; then what has not been used for longest is dropped."""
_SPARE = 2**29
"""Bytes free on the disk, without which there is no cache: TensorFlow fails a run whose program it cannot write."""
_PROGRAM = 2**22
"""Bytes of a large program."""
_ABANDONED = 24 * 3600.0
"""Seconds after which a worker's directory counts as left behind; no program is in the making for so long."""
_FLAGS = "TF_XLA_FLAGS"
_AT_WORK = "at-work"
_DIGEST = hashlib.sha256
_DEVICE = "CPU"

_log = logging.getLogger(__name__)


class CompilationCache:
    """The cache as one process uses it. Made by `enabled`."""

    def __init__(self, shared: Path, private: Path) -> None:
        """`shared`: the directory of this kind of machine; `private`: the one that TensorFlow is told of."""
        self._shared, self._private = shared, private

    @contextmanager
    def serving(self, program: str) -> Iterator[None]:
        """Inside, what of a program the machine has compiled is loaded, and what it compiles is kept for others.

        `program`: a name for it, of letters and digits.
        """
        shared = self._shared / program
        with _forgiving():
            # The user may have cleared the cache.
            for directory in (self._shared.parent, self._shared, self._private.parent, self._private):
                _own(directory)
            _lend(shared, self._private)
        try:
            yield
        finally:
            with _forgiving():
                _publish(self._private, shared)
                trim(self._shared.parent)
            _remove(self._private)

    def moves(self) -> bool:
        """Where the disk takes no more, have TensorFlow write to the temporary directory; True if that is so.

        TensorFlow fails a program that it cannot write, and makes it when it is asked again.
        """
        try:
            _own(self._private)
            _try_to_write(self._private)
        except OSError as error:
            _log.debug("the cache of compiled programs cannot be written: %s", error)
        else:
            return False
        with _forgiving():
            _remove(self._private)
            self._private.symlink_to(tempfile.mkdtemp(prefix="rnnbench-compiled-"))
            return True
        return False


def enabled(threads: int) -> CompilationCache | None:
    """Tell TensorFlow of a cache, in a process that has not computed with it yet; None: there is none to be had.

    `threads`: TensorFlow's in this process, for which a program is compiled. Without a word there is no cache where
    `VARIABLE` is `off`, where `TF_XLA_FLAGS` names one already, and where the directory may be written by others or not
    by the user, or has little room left.
    """
    flags = os.environ.get(_FLAGS, "").strip()
    # TensorFlow takes what does not begin with a dash for the name of a file of flags.
    if "persistent_cache" in flags or (flags and not flags.startswith("-")):
        return None
    with _forgiving():
        root = _root()
        if root is None:
            return None
        shared = root / _machine(threads)
        _own(shared)
        _sweep(shared / _AT_WORK)
        private = shared / _AT_WORK / secrets.token_hex(8)
        ours = f"--tf_xla_persistent_cache_directory={private} --tf_xla_persistent_cache_device_types={_DEVICE}"
        os.environ[_FLAGS] = f"{flags} {ours}".strip()
        return CompilationCache(shared, private)
    return None


def trim(root: Path, limit: int = LIMIT) -> None:
    """Drop the programs that have not been used for longest until those of all machines take at most `limit` bytes."""
    found = []
    for path in root.glob("*/*/*.pb"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            found.append((status.st_mtime, status.st_size, path))
    excess = sum(size for _, size, _ in found) - limit
    for _, size, path in sorted(found):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size


def _root() -> Path | None:
    """The directory of the cache, the user's alone and with room; None: there is to be none. May raise `OSError`."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted == "off":
        return None
    root = Path(wanted).expanduser() if wanted else location.cache_dir() / "compiled"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = root.resolve()
    # TensorFlow's flags end at a space and may be quoted.
    if not str(root).isprintable() or set(str(root)) & set(" '\"\\"):
        raise OSError(f"{root}: no name for TensorFlow's flags")
    _own(root)
    if shutil.disk_usage(root).free < _SPARE:
        raise OSError(f"{root}: little room")
    _try_to_write(root)
    return root


def _try_to_write(directory: Path) -> None:
    """Raise `OSError` if a program would not find room in a directory: a quota shows in no other way."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(bytes(_PROGRAM))


def _remove(directory: Path) -> None:
    """A worker's own directory, wherever it is."""
    with _forgiving():
        if directory.is_symlink():
            shutil.rmtree(directory.readlink(), ignore_errors=True)
        if directory.is_dir() and not directory.is_symlink():
            shutil.rmtree(directory)
        else:
            directory.unlink(missing_ok=True)


def _own(directory: Path) -> None:
    """Create a directory, or raise `OSError` if others may write into the one that is there: a program is code."""
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{directory}: not the user's alone")


def _machine(threads: int) -> str:
    """A name for all that programs depend on beside themselves: they run on machines of the same name only."""
    depends = {
        "versions": {name: version for name, version in environment.versions().items() if name != "rnnbench"},
        "processor": [environment.system(), environment.processor(), environment.processor_features()],
        "flags": {name: os.environ.get(name, "") for name in ("XLA_FLAGS", _FLAGS, "TF_ENABLE_ONEDNN_OPTS")},
        "threads": threads,
    }
    return _DIGEST(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:16]


def _sweep(at_work: Path) -> None:
    """Remove what workers that were killed have left behind."""
    _own(at_work)
    for directory in at_work.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - directory.lstat().st_mtime > _ABANDONED:
                _remove(directory)


def _lend(shared: Path, private: Path) -> None:
    """Copy the files that are sound."""
    if not shared.is_dir():
        return
    _own(shared)
    for path in shared.glob("*.pb"):
        content = _sound(path)
        if content is not None:
            # A copy that the disk cut short would be loaded.
            with files.replacing(private / path.name) as file:
                file.write(content)


def _sound(path: Path) -> bytes | None:
    """What TensorFlow wrote to a file; None if that is not what it holds, and then it is dropped."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
                return None
            checksum, content = file.read(_DIGEST().digest_size), file.read()
    except OSError:
        return None
    with contextlib.suppress(OSError):
        if _DIGEST(content).digest() == checksum:
            os.utime(path)
            return content
        path.unlink()
    return None


def _publish(private: Path, shared: Path) -> None:
    """Put the files that TensorFlow has written where others find them."""
    known = {path.name for path in shared.glob("*.pb")} if shared.is_dir() else set()
    new = [path for path in private.glob("*.pb") if path.name not in known]
    if not new:
        return
    _own(shared)
    for path in new:
        content = path.read_bytes()
        with files.replacing(shared / path.name) as file:
            file.write(_DIGEST(content).digest() + content)


@contextmanager
def _forgiving() -> Iterator[None]:
    """Without the cache a program is compiled, no more."""
    try:
        yield
    except Exception as error:
        _log.debug("no use of the cache of compiled programs: %s", error)

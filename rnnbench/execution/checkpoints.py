"""Checkpoints of interrupted runs: one file per run, written atomically."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from rnnbench.files import replacing
from rnnbench.training.snapshot import Snapshot


class DamagedCheckpointError(Exception):
    """A checkpoint that cannot be used; the message is one line with the file and the reason."""


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one experiment's runs, by signature. Saving one creates the directory."""

    directory: Path

    def load(self, signature: str) -> Snapshot | None:
        """The run's last snapshot, or None if it has none. Raises `DamagedCheckpointError`."""
        path = self._path(signature)
        try:
            return Snapshot.from_bytes(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedCheckpointError(f"checkpoint {path} cannot be read ({error.strerror})") from None
        except Exception as error:
            raise DamagedCheckpointError(f"checkpoint {path} cannot be used ({error})") from None

    def save(self, signature: str, snapshot: Snapshot) -> None:
        """Replace the run's last snapshot; a crash or power failure leaves either the old or the new one intact.

        Raises `OSError` if it cannot be written; the old one is then kept.
        """
        path = self._path(signature)
        self.directory.mkdir(parents=True, exist_ok=True)
        with replacing(path, durable=True) as file:
            file.write(snapshot.to_bytes())

    def remove(self, signature: str) -> None:
        """Delete a run's checkpoint, if any, and partial files left by a killed worker."""
        with contextlib.suppress(OSError):
            for path in self.directory.glob(f"{signature}.*"):
                path.unlink(missing_ok=True)

    def _path(self, signature: str) -> Path:
        return self.directory / f"{signature}.checkpoint"

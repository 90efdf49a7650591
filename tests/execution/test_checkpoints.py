"""A checkpoint comes back as it was saved, or not at all."""

import errno
import os
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.events import Measured, Profiled, Started
from rnnbench.execution.checkpoints import Checkpoints, DamagedCheckpointError
from rnnbench.training.snapshot import Snapshot

RNG = np.random.default_rng(0)
SNAPSHOT = Snapshot(
    seconds={"seconds": 0.1 + 0.2},
    progress={"step": 20, "best_score": float("nan"), "best_loss": float("inf"), "solved_at": None},
    versions={"keras": "3"},
    events=[
        Started("s", 7, {"chance": 1 / 3}, {"name": "x"}, {"machine": "ä"}),
        Measured("s", 20, {"a": np.float32(0.1), "b": 5e-324, "c": float("-inf"), "d": 3}),
        Profiled("s", 20, "during", {"distance": [0, 1], "state": ["h", "h"], "median": [1e-300, 0.1]}),
    ],
    arrays={
        "network": [RNG.normal(size=(3, 4)).astype(np.float32) for _ in range(12)],
        "optimizer": [np.array(7), np.float32([np.nan, np.inf, -0.0])],
    },
)
DATA = SNAPSHOT.to_bytes()


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "a" / "b")


def test_a_snapshot_comes_back_bit_for_bit(checkpoints):
    assert checkpoints.load("s") is None
    checkpoints.save("s", SNAPSHOT)
    found = checkpoints.load("s")
    assert repr(found.progress) == repr(SNAPSHOT.progress)
    assert (found.seconds, found.versions) == (SNAPSHOT.seconds, SNAPSHOT.versions)
    assert repr(found.events[1]) == repr(SNAPSHOT.events[1]).replace("np.float32(0.1)", repr(float(np.float32(0.1))))
    assert (found.events[0], found.events[2]) == (SNAPSHOT.events[0], SNAPSHOT.events[2])
    assert found.arrays.keys() == SNAPSHOT.arrays.keys()
    for name, group in SNAPSHOT.arrays.items():
        for a, b in zip(group, found.arrays[name], strict=True):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


@settings(max_examples=200)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_always_seen(offset, flips):
    damaged = bytearray(DATA)
    damaged[offset] ^= flips
    with pytest.raises(ValueError, match=r"damaged or cut off|not a checkpoint"):
        Snapshot.from_bytes(bytes(damaged))


@settings(max_examples=100)
@given(st.integers(0, len(DATA) - 1))
def test_a_cut_is_always_seen(length):
    with pytest.raises(ValueError, match=r"damaged or cut off|not a checkpoint"):
        Snapshot.from_bytes(DATA[:length])


def test_a_damaged_file_is_one_line_that_names_it(checkpoints):
    checkpoints.save("s", SNAPSHOT)
    (path,) = checkpoints.directory.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        DamagedCheckpointError, match=r"checkpoint /.*s.checkpoint cannot be used \(damaged or cut off\)"
    ):
        checkpoints.load("s")
    path.unlink()
    path.mkdir()
    with pytest.raises(DamagedCheckpointError, match=r"cannot be read \(Is a directory\)"):
        checkpoints.load("s")


def test_a_failing_disk_leaves_the_last_checkpoint_and_nothing_else(checkpoints, monkeypatch):
    checkpoints.save("s", SNAPSHOT)

    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            checkpoints.save("s", Snapshot(99.0, {}, {}))
    assert checkpoints.load("s").seconds == SNAPSHOT.seconds
    assert [path.name for path in checkpoints.directory.iterdir()] == ["s.checkpoint"]


def test_remove_takes_what_a_killed_worker_left_half_written(checkpoints):
    checkpoints.remove("s")
    checkpoints.save("s", SNAPSHOT)
    checkpoints.save("t", SNAPSHOT)
    (checkpoints.directory / "s.12ab.new").write_bytes(b"half")
    checkpoints.remove("s")
    assert [path.name for path in checkpoints.directory.iterdir()] == ["t.checkpoint"]
    assert stat.S_ISREG((checkpoints.directory / "t.checkpoint").stat().st_mode)

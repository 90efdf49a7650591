"""What a process has compiled the next one loads, with equal bits; and nothing that happens to the cache does harm."""

from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path

import pytest

from rnnbench import environment
from rnnbench.events import Finished
from rnnbench.execution.local import LocalPool
from rnnbench.experiment.definition import Experiment
from rnnbench.training.compilation_cache import CompilationCache, enabled, trim
from tests.training.fresh_processes import fresh_processes

VARIABLE, FLAGS = "RNNBENCH_XLA_CACHE", "TF_XLA_FLAGS"


@pytest.fixture(scope="module")
def processes():
    with fresh_processes() as found:
        yield found


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv(FLAGS, raising=False)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "compiled"))
    return tmp_path / "compiled"


def fresh(threads: int = 1) -> CompilationCache | None:
    """The cache of another process."""
    os.environ.pop(FLAGS, None)
    return enabled(threads)


def private() -> Path:
    (directory,) = (word for word in os.environ.pop(FLAGS).split() if "cache_directory=" in word)
    return Path(directory.partition("=")[2])


def compiles(cache: CompilationCache, **contents: bytes) -> set[str]:
    """Have a process compile programs of these names; the names that it found instead."""
    ours = cache._private
    with cache.serving("p"):
        found = {path.stem: path.read_bytes() for path in ours.glob("*.pb")}
        assert all(contents[name] == content for name, content in found.items())
        for name in contents.keys() - found.keys():
            (ours / f"{name}.pb").write_bytes(contents[name])
    assert not ours.exists()
    return set(found)


def test_a_grid_compiles_training_and_evaluation_once_a_buffer_and_nothing_the_next_time(processes, root):
    def train(models, lags):
        return processes.call("tests.training.compiling", "train", {VARIABLE: str(root)}, models, lags)

    # Streams of 23, 24 and 28 steps: buffers of 24, 24 and 28.
    (first, a), (second, _), (third, _), (other, b) = train(["gru"], [21, 22, 26]) + train(["simple_rnn"], [21])
    # Training, evaluation, and the tests at other lags in a longer buffer.
    assert (first, second, third, other) == (3, 0, 3, 3)
    # In one process, where numbers in the names would be others.
    assert train(["simple_rnn", "gru"], [21]) == [[0, b], [0, a]]


@pytest.mark.slow
def test_results_have_equal_bits_from_one_worker_and_from_two_compiled_and_loaded(root):
    specs = Experiment(
        name="test",
        tasks={"copy_memory": {"lag": [5, 20], "symbols": 1, "examples": 20}},
        models={"gru": {"units": 4}, "simple_rnn": {"units": 4}},
        training={"steps": 4, "batch_size": 8, "evaluate_every": 2},
    ).runs

    def results(workers):
        endings = [event for event in LocalPool(workers).execute(specs) if isinstance(event, Finished)]
        return {
            (end.signature, name): value
            for end in endings
            for name, value in end.metrics.items()
            if not name.startswith("seconds")
        }

    compiled = results(2)
    files = set(root.glob("*/*/*.pb"))
    # Training and evaluation of two networks, each in one buffer, or in two where two workers shared its lags.
    assert 4 <= len(files) <= 8
    loaded = results(1)
    assert loaded == compiled
    assert set(root.glob("*/*/*.pb")) == files


@pytest.mark.parametrize("harm", ["truncate", "flip a bit", "link", "directory", "of another"])
def test_what_is_damaged_or_foreign_is_not_loaded(root, monkeypatch, harm):
    assert compiles(fresh(), a=b"program", b=b"other") == set()
    assert compiles(fresh(), a=b"program", b=b"other") == {"a", "b"}
    (path,) = root.glob("*/p/a.pb")
    whole = path.read_bytes()
    if harm == "truncate":
        path.write_bytes(whole[:-3])
    elif harm == "flip a bit":
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif harm == "of another":
        os.chown(path, 1234, -1) if os.getuid() == 0 else pytest.skip("only root gives files away")
    else:
        path.rename(root / "elsewhere")
        path.symlink_to(root / "elsewhere") if harm == "link" else path.mkdir()
    assert compiles(fresh(), a=b"program", b=b"other") == {"b"}
    if harm in ("truncate", "flip a bit"):
        assert path.read_bytes() == whole


def test_a_directory_that_others_may_write_into_is_not_used(root, monkeypatch):
    compiles(fresh(), a=b"program")
    (program,) = root.glob("*/p")
    program.chmod(0o777)
    assert compiles(fresh(), a=b"program") == set()
    root.chmod(0o770)
    assert fresh() is None
    root.chmod(0o700)
    assert fresh() is not None
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    assert fresh() is None


def test_a_link_to_the_cache_is_followed(root, tmp_path):
    (tmp_path / "large").mkdir(mode=0o700)
    root.symlink_to(tmp_path / "large")
    compiles(fresh(), a=b"program")
    assert compiles(fresh(), a=b"program") == {"a"}


@pytest.mark.parametrize("where", ["off", "/proc/nowhere", "/dev/null/x", "with a space"])
def test_without_a_place_there_is_no_cache(root, tmp_path, monkeypatch, where):
    monkeypatch.setenv(VARIABLE, str(tmp_path / where) if " " in where else where)
    assert enabled(1) is None
    assert FLAGS not in os.environ


def test_a_full_disk_has_no_cache(root, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - 2**20, 2**20))
    assert enabled(1) is None


def test_a_copy_that_the_disk_cuts_short_is_not_loaded(root):
    compiles(fresh(), a=bytes(1000))
    cache, limits = fresh(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with cache.serving("p"):
            assert not list(cache._private.glob("*.pb"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert compiles(fresh(), a=bytes(1000)) == {"a"}


@pytest.mark.parametrize("flags", ["--tf_xla_persistent_cache_directory=/mine", "flags.txt"])
def test_the_flags_of_the_user_are_kept(root, monkeypatch, flags):
    monkeypatch.setenv(FLAGS, flags)
    assert enabled(1) is None
    assert os.environ[FLAGS] == flags


def test_a_program_is_for_one_kind_of_machine_and_one_set_of_flags(root, monkeypatch):
    def directory(threads=1):
        enabled(threads)
        return private().parents[1]

    usual = directory()
    assert directory() == usual != directory(threads=2)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(environment, "processor_features", lambda: "avx512f")
        assert directory() != usual
    monkeypatch.setenv(FLAGS, "--tf_xla_clustering_debug")
    enabled(1)
    assert os.environ[FLAGS].startswith("--tf_xla_clustering_debug --tf_xla_persistent_cache_directory=")
    assert private().parents[1] != usual


def test_what_has_not_been_used_for_longest_is_dropped(root):
    compiles(fresh(), old=bytes(68), used=bytes(68), new=bytes(68))
    for age, name in enumerate(["new", "old", "used"]):
        (path,) = root.glob(f"*/p/{name}.pb")
        os.utime(path, (time.time() - 1000 * age,) * 2)
    trim(root, limit=250)
    assert {path.stem for path in root.glob("*/p/*.pb")} == {"new", "old"}
    # What is used becomes new.
    (path,) = root.glob("*/p/old.pb")
    assert compiles(fresh(), old=bytes(68), new=bytes(68)) == {"old", "new"}
    assert time.time() - path.stat().st_mtime < 500


def test_the_cache_may_be_cleared_while_it_is_used(root):
    cache = enabled(1)
    shutil.rmtree(root)
    assert compiles(cache, a=b"program") == set()
    assert compiles(cache, a=b"program") == {"a"}


def test_a_worker_that_was_killed_leaves_nothing_that_stays(processes, root):
    def compiled(*how):
        return processes.call("tests.training.compiling", "compile_small", {VARIABLE: str(root)}, *how)

    assert compiled(True) is None
    (left,) = root.glob("*/at-work/*")
    assert list(left.glob("*.pb"))
    expected = compiled()
    assert expected == compiled() == pytest.approx([0.25] * 9, abs=0.25)
    assert left.exists()
    os.utime(left, (0, 0))
    assert compiled() == expected
    assert not list(root.glob("*/at-work/*"))
    assert len(list(root.glob("*/*/*.pb"))) == 1


def test_where_no_program_can_be_written_it_is_compiled_all_the_same(processes, root):
    def compiled(cache, *how):
        return processes.call("tests.training.compiling", "compile_small", {VARIABLE: str(cache)}, *how)

    assert compiled(root, False, True) == compiled("off")
    assert not list(root.glob("*/at-work/*"))

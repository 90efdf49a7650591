"""How many workers a machine takes."""

from rnnbench.execution import machine
from rnnbench.execution.estimate import worker_bytes
from rnnbench.experiment.definition import Experiment
from tests.execution import stub_runs


def test_one_worker_a_core_one_a_gpu_and_fewer_where_memory_is_short(monkeypatch):
    runs = stub_runs.specs(1)
    monkeypatch.setattr(machine, "cores", lambda: 8)
    monkeypatch.setattr(machine, "gpus", list)
    monkeypatch.setattr(machine, "free_memory", lambda: 10**12)
    assert machine.default_workers(runs) == (8, "")
    monkeypatch.setattr(machine, "gpus", lambda: ["0", "1"])
    assert machine.default_workers(runs) == (2, "")
    monkeypatch.setattr(machine, "gpus", list)
    monkeypatch.setattr(machine, "free_memory", lambda: int(3.5 * worker_bytes(runs[0])))
    count, note = machine.default_workers(runs)
    assert count == 3
    assert note == "3 workers instead of 8: each needs about 1.0 GB of memory, and 3.5 GB is free"
    monkeypatch.setattr(machine, "free_memory", lambda: 0)
    assert machine.default_workers(runs)[0] == 1


def test_a_worker_takes_a_core_for_each_shard(monkeypatch):
    def workers(cores, **training):
        monkeypatch.setattr(machine, "cores", lambda: cores)
        monkeypatch.setattr(machine, "free_memory", lambda: 10**12)
        runs = Experiment(name="n", tasks={"copy_memory": {"lag": 3}}, models={"gru": {}}, training=training).runs
        return machine.default_workers(runs)[0]

    monkeypatch.setattr(machine, "gpus", list)
    assert [workers(8, shards=k) for k in (1, 2, 4)] == [8, 4, 2]
    assert workers(7, shards=[1, 2]) == 3
    assert workers(2, shards=4) == 1


def test_attention_needs_memory_for_each_pair_of_steps():
    def needed(model, lag):
        tasks = {"copy_memory": {"lag": lag, "symbols": 1}}
        (run,) = Experiment(name="n", tasks=tasks, models={model: {}}).runs
        return worker_bytes(run)

    growth = {model: needed(model, 1000) - needed(model, 500) for model in ("transformer", "tcn")}
    assert needed("transformer", 2000) - needed("transformer", 1500) > 1.5 * growth["transformer"]
    assert abs(needed("tcn", 2000) - needed("tcn", 1500) - growth["tcn"]) < 0.01 * growth["tcn"]


def test_gpus_are_those_that_are_visible(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-ab")
    assert machine.gpus.__wrapped__() == ["2", "GPU-ab"]
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert machine.gpus.__wrapped__() == []


def test_the_memory_of_a_container(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    free = machine.free_memory()
    assert free > 10**8
    for name, text in {
        "memory.max": "3000",
        "memory.current": "2500",
        "memory.stat": "anon 9\ninactive_file 400\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert machine.free_memory() == 900
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory() > 10**8

"""The report of the benchmark, to the letter."""

import json

import pandas as pd
import pytest

from rnnbench.bench import buffers, index, page, report
from rnnbench.bench.problem import Problem
from rnnbench.bench.table import frame

TIMES = {"rnnbench": 10.0, "keras": 80.0, "keras_no_jit": 24.0, "keras_jax": 18.0, "torch": None, "floor": 5.0}


def steps(cores=1, units=128, **times):
    problem = Problem("lstm", 32, 500, units)
    rows = [
        {"cores": cores, **problem.as_dict(), "peer": peer}
        | ({"status": "not installed"} if time is None else
           {"status": "measured", "step_ms": time, "low_ms": 0.98 * time, "high_ms": 1.04 * time,
            "times_ours": time / 10, "rounds": 9, "steps": 90, "first_step_seconds": 2.5})
        for peer, time in (TIMES | times).items()
    ]  # fmt: skip
    return frame(rows)


def test_a_table_shows_times_spreads_quotients_and_geometric_means():
    both = pd.concat([steps(), steps(units=64, keras_jax=72.0, keras_no_jit=96.0, floor=1.25)])
    (table,) = page.step_tables(both)
    assert table.title == "One core, ms a step"
    assert table.markdown().splitlines() == [
        "| cell | B,T,H | rnnbench | Keras/TF, default | Keras/TF, no jit | Keras/JAX | PyTorch | floor "
        "| fastest / ours | stock / ours | ours / floor |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| lstm | 32,500,128 | 10.0 ±3% | 80.0 ±3% | 24.0 ±3% | 18.0 ±3% | not installed | 5.00 ±3% "
        "| 1.80 | 2.40 | 2.00 |",
        "| lstm | 32,500,64 | 10.0 ±3% | 80.0 ±3% | 96.0 ±3% | 72.0 ±3% | not installed | 1.25 ±3% "
        "| 7.20 | 8.00 | 8.00 |",
        "| geometric mean |  |  |  |  |  |  |  | 3.60 | 4.38 | 4.00 |",
    ]


def test_a_narrow_terminal_does_without_the_peers():
    (table,) = page.step_tables(steps())
    assert table.narrow().head == ["cell", "B,T,H", "rnnbench", "fastest / ours", "stock / ours", "ours / floor"]
    assert table.narrow().rows[0] == ["lstm", "32,500,128", "10.0 ±3%", "1.80", "2.40", "2.00"]
    other = page.TextTable("Peak memory", ["cell", "cores", "MiB"], [["gru", "1", "554"]])
    assert other.narrow() == other


def test_each_number_of_cores_has_its_table():
    assert [table.title for table in page.step_tables(pd.concat([steps(), steps(cores=4)]))] == [
        "One core, ms a step",
        "4 cores, ms a step",
    ]


def test_lengths_are_told_per_time_step():
    rows = [
        {
            "cores": 1,
            **Problem("gru", 32, length, 128).as_dict(),
            "peer": "rnnbench",
            "status": "measured",
            "step_ms": ms,
        }
        for length, ms in ((100, 20.0), (200, 44.0), (1000, 210.0))
    ]
    table = page.length_table(frame(rows))
    assert table.head == ["cell", "cores", "T=100", "T=200", "T=1000", "largest over least"]
    assert table.rows == [["gru", "1", "200", "220", "210", "10%"]]


def test_steps_in_shards_are_told_at_the_head_of_their_column():
    found = steps(cores=2)
    found.loc[found["peer"] == "rnnbench", "shards"] = 2
    (table,) = page.step_tables(found)
    assert table.head[2:4] == ["rnnbench (shards: 2)", "Keras/TF, default"]


def test_buffers_are_told_with_their_quotient():
    problem = Problem("gru", 32, 110, 128, buffer=128).as_dict()
    times = {"static_ms": 20.0, "step_ms": 20.6, "quotient": 1.031}
    rows = [{"cores": 1, **problem, "peer": "rnnbench", "status": status, **times} for status in ("measured", "over")]
    table = page.buffer_table(frame(rows, buffers.COLUMNS))
    assert table.head == ["cell", "steps", "static, ms", "in a buffer, ms", "quotient"]
    assert table.rows == [["gru", "110 of 128", "20.0", "20.6", "1.03"]]


def test_memory_is_told_with_its_quotient():
    rows = [
        {"cores": 1, **Problem("gru", 128, 1000, 128).as_dict(), "peer": peer, "status": "measured", "peak_mib": mib}
        for peer, mib in (("rnnbench", 450.0), ("keras_no_jit", 600.0))
    ]
    table = page.memory_table(pd.DataFrame(rows))
    assert table.head == ["cell", "cores", "rnnbench, MiB", "Keras/TF, no jit, MiB", "quotient"]
    assert table.rows == [["gru", "1", "450", "600", "0.750"]]


def test_the_report_is_written_and_joined_with_what_was_measured_before(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "machine", lambda: {"processor": "abacus", "cores": "2"})
    report.write({"steps.csv": steps(cores=2)}, tmp_path)
    tables = report.write({"steps.csv": steps(cores=1)}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "benchmark.md", "buffers.csv", "cells.csv", "lengths.csv", "machine.json", "memory.csv",
        "steps-1-core.svg", "steps-2-cores.svg", "steps.csv",
    ]  # fmt: skip
    assert tables["steps.csv"]["cores"].tolist() == [1] * 6 + [2] * 6
    text = (tmp_path / "benchmark.md").read_text()
    assert "Machine: processor abacus, cores 2." in text
    assert "## One core, ms a step, abacus" in text
    assert "## 2 cores, ms a step, abacus" in text
    assert "- **PyTorch**: torch.nn.RNN, LSTM and GRU. **not installed**" in text
    assert "## Peak memory" not in text
    assert (tmp_path / "steps.csv").read_text().splitlines()[1] == (
        "1,lstm,32,500,128,rnnbench,measured,10,9.8,10.4,1,9,90,2.5,1"
    )


def test_a_part_may_be_reported_alone(tmp_path):
    found = {"cores": 1, **Problem("gru", 128, 1000, 128).as_dict(), "status": "measured"}
    memory = pd.DataFrame([found | {"peer": peer, "peak_mib": 500.0} for peer in ("rnnbench", "keras_no_jit")])
    report.write({"memory.csv": memory}, tmp_path)
    assert "| gru | 1 | 500 | 500 | 1.00 |" in (tmp_path / "benchmark.md").read_text()
    assert not list(tmp_path.glob("*.svg"))


def test_another_machine_or_other_versions_start_a_new_report(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "machine", lambda: {"processor": "abacus"})
    report.write({"steps.csv": steps(cores=2)}, tmp_path)
    monkeypatch.setattr(report, "machine", lambda: {"processor": "slide rule"})
    tables = report.write({"steps.csv": steps(cores=1)}, tmp_path)
    assert set(tables["steps.csv"]["cores"]) == {1}
    assert not (tmp_path / "steps-2-cores.svg").exists()
    assert json.loads((tmp_path / "machine.json").read_text()) == {"processor": "slide rule"}


def test_every_kind_of_processor_has_a_folder_and_a_line(tmp_path, monkeypatch):
    versions = {"tensorflow": "2.21.0", "keras": "3.15.1"}
    for processor in ("Abacus (R) 5", "slide rule"):
        monkeypatch.setattr(report, "machine", lambda processor=processor: {"processor": processor} | versions)
        folder = report.folder(tmp_path)
        tables = report.write({"steps.csv": steps()}, folder)
        assert all(table.title.endswith(processor) for table in page.text_tables(tables, processor))
    (tmp_path / "slide-rule" / "steps.csv").write_text("cut")
    said = []
    index.write(tmp_path, said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "abacus-r-5", "slide-rule"]
    assert said == [f"{tmp_path / 'slide-rule'} is damaged: it is not listed in {tmp_path / 'README.md'}"]
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert lines[-1] == "| [Abacus (R) 5](abacus-r-5/benchmark.md) | 1 | 1.80 | 2.40 | 2.21.0 | 3.15.1 |"


def test_the_machine_has_neither_name_nor_path():
    import os
    import platform

    told = report.machine()
    assert told["cores"] == str(len(os.sched_getaffinity(0)))
    assert platform.node() not in told.values()
    assert not any("/" in value for value in told.values())


@pytest.mark.parametrize("name", ["machine.json", "steps.csv"])
def test_a_damaged_file_of_before_costs_a_line_and_what_it_had(tmp_path, monkeypatch, name):
    monkeypatch.setattr(report, "machine", lambda: {"processor": "abacus"})
    report.write({"steps.csv": steps(cores=2)}, tmp_path)
    (tmp_path / name).write_bytes(b'{"cut\xff')
    said = []
    tables = report.write({"steps.csv": steps(cores=1)}, tmp_path, said.append)
    assert set(tables["steps.csv"]["cores"]) == {1}
    assert len(said) == 1
    assert f"{tmp_path / name} is damaged" in said[0]
    assert set(report.write({}, tmp_path)["steps.csv"]["cores"]) == {1}

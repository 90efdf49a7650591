"""What every task over the user's own file has: paths, content in signatures, mistakes at `plan`, exports."""

from __future__ import annotations

import json
import pickle
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnbench
from rnnbench.datasets.own import place
from rnnbench.errors import UserError, UserNote
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.written_out import written_out
from rnnbench.tasks.dataset import DatasetClassificationTask, Examples
from rnnbench.tasks.own_file import OwnFileTask
from rnnbench.tasks.stream import Layout, Ports

pytestmark = pytest.mark.filterwarnings("ignore::rnnbench.errors.UserNote")
reads: list[str] = []


class Digits(OwnFileTask, DatasetClassificationTask):
    """Lines of digits, each to be called odd or even by its first; all lines have one length."""

    fillers = ("blank",)

    def found(self) -> dict[str, Any]:
        reads.append(self.path)
        lines = Path(self.path).read_text().split()
        for at, line in enumerate(lines):
            if len(line) != len(lines[0]):
                raise UserError(f"{place.shown(self.path)}:{at + 1}: {len(line)} digits, but {len(lines[0])} before")
        notes = ["the first line is odd"] if int(lines[0]) % 2 else []
        return {
            "steps": len(lines[0]),
            "notes": notes,
            "sizes": {"train": len(lines), "validation": len(lines), "test": len(lines)},
        }

    @property
    def layout(self) -> Layout:
        return Layout(evidence=self.facts["steps"], lag=self.lag, readout=1)

    @property
    def ports(self) -> Ports:
        return self.token_ports(10, 4)

    @property
    def outputs(self) -> int:
        return 2

    def examples(self, split: str) -> Examples:
        tokens = np.array([[int(digit) for digit in line] for line in Path(self.path).read_text().split()], np.int32)
        return Examples(tokens, tokens[:, 0] % 2)


@pytest.fixture(autouse=True)
def _registered(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(rnnbench.registry.tasks._things, "digits", Digits)
    monkeypatch.setitem(rnnbench.registry.tasks._names, Digits, "digits")
    reads.clear()


def experiment(tmp_path: Path, text: str = "123\n456\n789\n", path: str = "data/digits.txt") -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "digits.txt").write_text(text)
    file = tmp_path / "digits.yaml"
    file.write_text(
        textwrap.dedent(
            f"""
            name: digits
            tasks:
              digits: {{lag: [0, 4], path: {path}}}
            models:
              gru: {{units: 4}}
            training: {{steps: 10, batch_size: 2}}
            """
        )
    )
    return file


def test_a_path_is_relative_to_the_experiment_file(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    runs = rnnbench.load_experiment(experiment(tmp_path)).runs
    assert {run.task.path for run in runs} == {str(tmp_path / "data" / "digits.txt")}
    assert runs[0].task.layout.evidence == 3


def test_the_file_is_read_once_whatever_the_lag_and_by_whatever_process(tmp_path):
    file = experiment(tmp_path)
    rnnbench.load_experiment(file)
    rnnbench.load_experiment(file)
    assert len(reads) == 1
    rnnbench.datasets.cache.forget_if_changed(str(tmp_path / "data" / "digits.txt"), "as in a new process")
    rnnbench.load_experiment(file)
    assert len(reads) == 1
    experiment(tmp_path, "123\n456\n780\n")
    rnnbench.load_experiment(file)
    assert len(reads) == 2


def test_content_is_signed_and_the_path_is_not(tmp_path):
    file = experiment(tmp_path)
    before = [run.signature for run in rnnbench.load_experiment(file).runs]
    (tmp_path / "data" / "digits.txt").rename(tmp_path / "data" / "moved.txt")
    file.write_text(file.read_text().replace("digits.txt", "moved.txt"))
    assert [run.signature for run in rnnbench.load_experiment(file).runs] == before
    (tmp_path / "data" / "moved.txt").write_text("123\n456\n780\n")
    assert not set(before) & {run.signature for run in rnnbench.load_experiment(file).runs}


def test_whether_examples_are_shown_is_not_signed(tmp_path):
    file = experiment(tmp_path)
    before = [run.signature for run in rnnbench.load_experiment(file).runs]
    shown = rnnbench.load_experiment(file, "tasks.digits.show_examples=true").runs
    assert [run.signature for run in shown] == before
    assert shown[0].task.show_examples


def test_what_is_wrong_with_the_file_is_said_when_it_is_loaded_at_its_key(tmp_path):
    file = experiment(tmp_path, "123\n45\n")
    with pytest.raises(UserError, match=r"digits.yaml:4: tasks.digits.path: .*digits.txt:2: 2 digits, but 3 before"):
        rnnbench.load_experiment(file)
    with pytest.raises(UserError, match=r"digits.yaml:4: tasks.digits.path: .*absent.txt: no such file or folder"):
        rnnbench.load_experiment(experiment(tmp_path, path="absent.txt"))


def test_two_files_of_one_name_are_two_tasks(tmp_path):
    file = experiment(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "digits.txt").write_text("123\n456\n780\n")
    file.write_text(file.read_text().replace("data/digits.txt", "[data/digits.txt, other/digits.txt]"))
    runs = rnnbench.load_experiment(file).runs
    assert len({run.signature for run in runs}) == len({run.question for run in runs}) == len(runs) == 4


def test_another_process_gets_the_whole_path(tmp_path):
    run = rnnbench.load_experiment(experiment(tmp_path)).runs[0]
    again = pickle.loads(pickle.dumps(run))
    assert again.task == run.task
    assert str(tmp_path) not in json.dumps(run.settings)


def test_an_experiment_written_out_needs_no_file_and_holds_no_path(tmp_path):
    loaded = rnnbench.load_experiment(experiment(tmp_path))
    values = written_out(loaded)
    assert str(tmp_path) not in json.dumps(values)
    (tmp_path / "data" / "digits.txt").unlink()
    again = Experiment.model_validate(values)
    assert [run.question for run in again.runs] == [run.question for run in loaded.runs]
    assert [run.signature for run in again.runs] == [run.signature for run in loaded.runs]
    assert again.runs[0].task.ports == loaded.runs[0].task.ports
    assert written_out(again) == values


def test_what_is_to_be_known_is_said_with_the_place_where_the_file_is_now(tmp_path):
    file = experiment(tmp_path)
    with pytest.warns(UserNote, match=r"digits.txt: the first line is odd"):
        rnnbench.load_experiment(file)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data" / "digits.txt").rename(tmp_path / "elsewhere" / "digits.txt")
    file.write_text(file.read_text().replace("data/digits.txt", "elsewhere/digits.txt"))
    with pytest.warns(UserNote, match=r"elsewhere/digits.txt: the first line is odd"):
        loaded = rnnbench.load_experiment(file)
    assert len(reads) == 1
    assert str(tmp_path) not in json.dumps(written_out(loaded))

"""Plug-ins: what is signed is what runs, also after an edit in the same session."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.execution.base import ChangedError, unpacked
from rnnbench.execution.executors import executor_factory
from rnnbench.experiment.yaml_file import load
from rnnbench.tasks.base import Task

TASK = """
import numpy as np
from rnnbench import ClassificationTask, Layout, Ports, Stream, register_task
{imports}

@register_task("{name}")
class Mine(ClassificationTask):
    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    ports = property(lambda self: Ports(features=2))
    outputs = property(lambda self: 2)

    def train_batch(self, seed, step, batch_size):
        return self._draw(np.random.default_rng([0, seed, step]), batch_size)

    def split(self, name):
        return [self._draw(np.random.default_rng([1, name == "test"]), 20)]

    def memoryless(self, split="test"):
        return {floor}

    def _draw(self, rng, n):
        x = np.zeros((n, self.layout.length, 2), np.float32)
        x[:, 0, 0] = rng.normal(size=n)
        x[:, -1, 1] = 1
        return Stream((x[:, :1, 0] > 0).astype(np.int32), x)
"""
READING = TASK.replace("rng.normal(size=n)", "rng.choice(rows(), size=n)")


@pytest.fixture(autouse=True)
def _modules_as_before():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("helper", "local_package")):
            del sys.modules[name]


def written(folder: Path, source: str, imports: str = "", floor: str = "0.5", plugin: str = "mine.py", **files: str):
    """An experiment file whose plug-in registers a task named after the folder."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        place = folder / f"{name}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    (folder / plugin).write_text(source.format(imports=imports, floor=floor, name="mine"))
    file = folder / "mine.yaml"
    file.write_text(
        f"name: mine\nplugins: [{plugin}]\ntasks: {{mine: {{lag: 1}}}}\nmodels: {{gru: {{units: 4}}}}\n"
        "training: {steps: 4}\n"
    )
    return file


def signature(file: Path) -> str:
    return load(file).runs[0].signature


def test_an_edited_plug_in_is_loaded_anew_even_if_size_and_time_stay(tmp_path):
    file = written(tmp_path, TASK, floor="0.5")
    first = load(file)
    plugin = tmp_path / "mine.py"
    times = os.stat(plugin)
    plugin.write_text(plugin.read_text().replace("0.5", "0.2"))
    os.utime(plugin, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = load(file)
    assert (first.runs[0].task.memoryless(), second.runs[0].task.memoryless()) == (0.5, 0.2)
    assert first.runs[0].signature != second.runs[0].signature
    plugin.write_text(plugin.read_text().replace("0.2", "0.5"))
    assert signature(file) == first.runs[0].signature


@pytest.mark.parametrize(
    ("imports", "helper"),
    [
        ("from helper_of_mine import FLOOR", "helper_of_mine"),
        ("import local_package.deep", "local_package/deep"),
        ("from local_package import deep", "local_package/deep"),
        ("from local_package.other import FLOOR", "local_package/deep"),
        ("def late():\n    import helper_of_mine", "helper_of_mine"),
    ],
)
def test_local_modules_are_part_of_the_signature(tmp_path, imports, helper):
    other = "from . import deep\nfrom .deep import FLOOR\n"
    package = {"local_package/__init__": "", "local_package/other": other, "local_package/deep": ""}
    file = written(tmp_path, TASK, imports, **(package | {helper: "FLOOR = 0.1\n"}))
    before = signature(file)
    assert signature(file) == before
    written(tmp_path, TASK, imports, **{helper: "FLOOR = 0.2\n"})
    assert signature(file) != before


def test_a_changed_helper_is_what_runs(tmp_path):
    imports = "from helper_of_mine import FLOOR"
    file = written(tmp_path, TASK, imports, floor="FLOOR", helper_of_mine="FLOOR = 0.1\n")
    assert load(file).runs[0].task.memoryless() == 0.1
    (tmp_path / "helper_of_mine.py").write_text("FLOOR = 0.2\n")  # of the same size and in the same second
    assert load(file).runs[0].task.memoryless() == 0.2


def test_a_helper_that_is_imported_late_is_the_one_that_was_signed(tmp_path):
    floor = "__import__('importlib').import_module('helper_of_mine').FLOOR"
    imports = "def late():\n    import helper_of_mine"
    file = written(tmp_path, TASK, imports, floor=floor, helper_of_mine="FLOOR = 0.1\n")
    grid = load(file)
    (tmp_path / "helper_of_mine.py").write_text("FLOOR = 0.2\n")
    assert grid.runs[0].task.memoryless() == 0.1


def test_two_copies_have_one_signature_and_each_its_own_helper(tmp_path):
    imports = "from helper_of_mine import FLOOR"
    files = [
        written(tmp_path / name, TASK, imports, floor="FLOOR", plugin=f"{name}.py", helper_of_mine="FLOOR = 0.1\n")
        for name in ("one", "two")
    ]
    assert signature(files[0]) == signature(files[1])
    (tmp_path / "two" / "helper_of_mine.py").write_text("FLOOR = 0.3\n")
    one, two = (load(file).runs[0] for file in files)
    assert (one.task.memoryless(), two.task.memoryless()) == (0.1, 0.3)
    with pytest.raises(UserError, match="another plug-in has been loaded"):
        one.check_current()
    two.check_current()


def test_what_python_and_installed_packages_hold_is_no_part(tmp_path):
    file = written(tmp_path, TASK, "import json, os.path, pydantic, collections.abc")
    sources = load(file).runs[0].settings["task_code"]["sources"]
    assert (
        sources
        == load(written(tmp_path, TASK, "import json, os.path, pydantic, collections.abc"))
        .runs[0]
        .settings["task_code"]["sources"]
    )
    assert [source.partition(" ")[0] for source in sources] == ["Mine"]


def test_a_plug_in_holds_the_versions_of_what_it_takes_from_us(tmp_path, monkeypatch):
    from rnnbench.tasks.adding import Adding
    from rnnbench.tasks.supervised import ClassificationTask

    file = written(tmp_path, TASK, "from rnnbench.tasks.adding import Adding")
    before = signature(file)
    for part in (ClassificationTask, Adding):
        with monkeypatch.context() as patch:
            patch.setattr(part, "version", 9, raising=False)
            assert signature(file) != before


def test_names_that_vanish_are_forgotten_and_a_failure_leaves_all_as_it_was(tmp_path):
    file = written(tmp_path, TASK)
    load(file)
    text = (tmp_path / "mine.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace('"mine"', '"renamed_by_an_edit"'))
    with pytest.raises(UserError, match="unknown task 'mine'"):
        load(file)
    assert "renamed_by_an_edit" in registry.tasks
    (tmp_path / "mine.py").write_text("1 / 0\n")
    with pytest.raises(UserError, match="cannot be loaded: ZeroDivisionError"):
        load(file)
    assert "renamed_by_an_edit" in registry.tasks
    (tmp_path / "mine.py").write_text(text)
    load(file)
    assert "renamed_by_an_edit" not in registry.tasks


def test_workers_are_refused_what_was_edited_since(tmp_path):
    file = written(tmp_path, TASK)
    runs = load(file).runs
    pickled = pickle.dumps(runs[0])
    assert unpacked(pickled, runs[0].signature).signature == runs[0].signature
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + "\n# edited\n")
    with pytest.raises(UserError, match=r"mine.py was edited after the experiment was loaded"):
        executor_factory(workers=2).check(runs)
    executor_factory(workers=0).check(runs)
    with pytest.raises(ChangedError):
        unpacked(pickled, runs[0].signature)


@pytest.mark.parametrize("cached", ["", "@functools.cache", "ROWS = "])
@pytest.mark.parametrize("dataset", [False, True])
def test_the_data_of_a_plug_in_are_part_of_the_signature(tmp_path, cached, dataset):
    data = tmp_path / "rows.csv"
    np.savetxt(data, np.arange(200) - 100.0)
    reading = f"np.loadtxt({str(data)!r})"
    imports = f"import functools\n{cached}\ndef rows():\n    return {reading}\n"
    if cached.startswith("ROWS"):
        imports = f"ROWS = {reading}\ndef rows():\n    return ROWS\n"
    source = DATASET if dataset else READING
    file = written(tmp_path, source, imports)
    grid = load(file)
    before = grid.runs[0].signature
    os.utime(data, (1, 1))
    assert signature(file) == before
    np.savetxt(data, np.arange(150) - 100.0)
    assert signature(file) != before
    if not cached:
        with pytest.raises(UserError, match="the data have changed since the experiment was loaded"):
            grid.runs[0].check_current()


DATASET = """
import numpy as np
from rnnbench import DatasetTask, Examples, Layout, Ports, register_task
from rnnbench.tasks.dataset import DatasetClassificationTask
{imports}

@register_task("{name}")
class Mine(DatasetClassificationTask):
    source: str = "mine"
    layout = property(lambda self: Layout(evidence=1, lag=self.lag, readout=1))
    ports = property(lambda self: self.feature_ports(1))
    outputs = property(lambda self: 2)

    def check_data(self):
        pass

    def examples(self, split):
        kept = rows()[["train", "validation", "test"].index(split)::3]
        return Examples(kept[:, None, None].astype(np.float32), (kept > 0).astype(np.int32))

    def distractors(self, rng, n, steps):
        return rng.normal(size=(n, steps, 1))

    # {floor}
"""


def test_where_the_data_are_absent_plan_works_and_run_says_why(tmp_path):
    file = written(tmp_path, READING, f"def rows():\n    return np.loadtxt({str(tmp_path / 'absent.csv')!r})\n")
    (run,) = load(file).runs
    assert run.fingerprint is None
    with pytest.raises(UserError, match=r"cannot read the data of task 'Mine': FileNotFoundError: .*absent.csv"):
        run.check_current()


def test_a_class_without_a_file_is_signed_by_its_code(monkeypatch):
    import types

    def made(floor: str, constant: int) -> type[Task]:
        module = types.ModuleType("__main__")
        module.__file__ = "<stdin>"  # as Python has it
        monkeypatch.setitem(sys.modules, "__main__", module)
        source = TASK.format(imports=f"CONSTANT = {constant}", floor=floor, name="typed_in")
        exec(compile(source, "<stdin>", "exec"), vars(module))
        return module.Mine

    from rnnbench.identity.class_code import check_reachable, identity

    base = identity(made("CONSTANT", 1))
    assert identity(made("CONSTANT", 1)) == base
    assert identity(made("CONSTANT", 2)) != base
    assert identity(made("CONSTANT + 1", 1)) != base
    with pytest.raises(UserError, match=r"class Mine is defined in __main__.* 'plugins:', or run it on this machine"):
        check_reachable(made("CONSTANT", 1))


def test_a_session_that_edits_a_plug_in_runs_the_edited_one(tmp_path):
    import rnnbench

    file = written(tmp_path, TASK, floor="0.5")
    settings = (
        "training: {steps: 2, batch_size: 4, evaluate_every: 2, implementation: stock}\ngradients: {examples: 2}\n"
    )
    file.write_text(file.read_text().replace("training: {steps: 4}\n", settings))
    for floor in ("0.5", "0.25"):
        written_again = (tmp_path / "mine.py").read_text().replace("return 0.5", f"return {floor}")
        (tmp_path / "mine.py").write_text(written_again)
        found = rnnbench.run_experiment(rnnbench.load_experiment(file), tmp_path / "store", workers=0, quiet=True)
        assert found.runs["status"].tolist() == ["finished"]
        assert found.levels.set_index("level")["value"]["memoryless"] == float(floor)

"""The wheel holds all that the package needs: it runs a grid in an environment and a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = [
    "datasets/checksums.tsv", "experiment/shipped/quickstart.yaml", "py.typed", "report/published.yaml",
    *(f"report/templates/{file.name}" for file in (ROOT / "rnnbench" / "report" / "templates").iterdir()),
]  # fmt: skip
OWN = """\
name: own
tasks: {copy_memory: {lag: [1, 3], symbols: 1, examples: 40}}
models: {gru: {units: 8}}
training: {steps: 4, batch_size: 8, evaluate_every: 2, implementation: stock}
gradients: {examples: 4}
"""

pytestmark = pytest.mark.slow


def called(*arguments: str | Path | None, cwd: Path) -> str:
    """What a program prints that knows nothing of the clone."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(argument) for argument in arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    # uv builds it from the source distribution, as a release would be.
    called(*([uv(), "build", "--out-dir"] if uv() else pip), folder, ROOT, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment in which nothing but the wheel is installed."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(home, with_pip=not uv())
    python = home / "bin" / "python"
    install = [uv(), "pip", "install", "--python", python] if uv() else [python, "-m", "pip", "install"]
    called(*install, "--quiet", "--constraint", ROOT / "constraints.txt", wheel, cwd=home)
    return home / "bin"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert {f"rnnbench/{name}" for name in DATA} <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"rnnbench"}


def test_an_experiment_of_ones_own_runs_from_it(binaries: Path, tmp_path: Path) -> None:
    where = called(binaries / "python", "-c", "import rnnbench; print(rnnbench.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(binaries.parent)
    (tmp_path / "own.yaml").write_text(OWN)
    rnnbench = binaries / "rnnbench"
    called(rnnbench, "run", "own.yaml", "--workers", "1", cwd=tmp_path)
    counts = json.loads(called(rnnbench, "status", "own.yaml", "--json", cwd=tmp_path))
    assert counts["counts"]["finished"] == 2
    assert "<svg" in (tmp_path / "reports" / "own" / "report.html").read_text("utf-8")
    assert (tmp_path / "reports" / "README.md").exists()


def test_the_quickstart_goes_by_its_name(binaries: Path, tmp_path: Path) -> None:
    small = ["tasks={copy_memory: {lag: 2, symbols: 1}}", "models={gru: {units: 4}}", "seeds=1", "training.steps=10"]
    overrides = [argument for override in small for argument in ("--set", override)]
    rnnbench = binaries / "rnnbench"
    assert json.loads(called(rnnbench, "plan", "quickstart", "--json", cwd=tmp_path))["planned"] == 64
    called(rnnbench, "run", "quickstart", "--workers", "1", *overrides, cwd=tmp_path)
    counts = json.loads(called(rnnbench, "status", "quickstart", "--last", "--json", cwd=tmp_path))
    assert counts["counts"]["finished"] == 1
    report = tmp_path / "reports" / "quickstart" / "report.html"
    report.unlink()
    called(rnnbench, "report", "quickstart", "--last", cwd=tmp_path)
    assert report.exists()


def test_the_schema_is_printed(binaries: Path, tmp_path: Path) -> None:
    assert json.loads(called(binaries / "rnnbench", "schema", cwd=tmp_path))["title"] == "Experiment"

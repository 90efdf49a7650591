"""What README and pages show works: the experiment is valid, task and model keep the contract and run, and a file of
one's own goes from the README to its report."""

import re
from pathlib import Path

from rnnbench import registry
from rnnbench.checks.contracts import check_model, check_task
from rnnbench.events import Finished
from rnnbench.experiment import yaml_file
from rnnbench.training import run as training
from tests.cli.test_app import rnnbench

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {"first_sign.py": "docs/own_task.md", "irnn.py": "docs/own_model.md"}
TINY = [
    'models={gru: {units: 4}}', "seeds=1", "training.steps=2", "training.evaluate_every=1", "training.batch_size=8",
    "training.implementation=stock", "gradients.examples=2", "test_lags=[0]",
]  # fmt: skip
"""Overrides with which a run of the README takes seconds: no command of it is left out."""


def blocks(language, page="README.md"):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)


def commands(page="README.md"):
    """What the blocks of a page have people type, without what is said of it."""
    lines = "\n".join(blocks("console", page)).splitlines()
    return [line.removeprefix("$ ").partition(" #")[0].split() for line in lines if line.startswith("$ ")]


def test_the_experiment_is_valid(tmp_path):
    (text,) = blocks("yaml")
    (tmp_path / "file.yaml").write_text(text)
    assert len(yaml_file.load(tmp_path / "file.yaml").runs) == 5 * 2 * 3 * 5


def test_the_task_and_the_model_keep_the_contract_and_run(tmp_path):
    for name, page in PAGES.items():
        (source,) = blocks("python", page)
        assert source.startswith(f"# {name}\n")
        assert len(source.splitlines()) <= 32
        (tmp_path / name).write_text(source)
    (tmp_path / "own.yaml").write_text(
        "name: own\nplugins: [first_sign.py, irnn.py]\ntasks: {first_sign: {lag: 2}}\nmodels: {irnn: {scale: 0.9}}\n"
        "training: {steps: 100, batch_size: 32, evaluate_every: 50, learning_rate: 0.01}\n"
    )
    (run,) = yaml_file.load(tmp_path / "own.yaml").runs
    check_task(registry.tasks["first_sign"])
    check_model(registry.models["irnn"])
    final = list(training.run(run))[-1]
    assert isinstance(final, Finished)
    assert final.metrics["score"] > 0.9


def test_the_readme_is_a_screen_and_a_half():
    assert len(README.splitlines()) <= 85


def test_from_the_readme_to_a_report_of_ones_own_file(tmp_path):
    days = [f"2024-{at // 28 % 12 + 1:02}-{at % 28 + 1:02},{at % 7 + 0.5}" for at in range(120)]
    (tmp_path / "sales.csv").write_text("date,sold\n" + "\n".join(days) + "\n")
    own = [words[1:] for words in commands() if words[0] == "rnnbench" and "sales" in words[-1]]
    assert [words[0] for words in own] == ["new", "run"]
    for words in own:
        overrides = [*TINY, "tasks.sales.lag=0"] if words[0] == "run" else []
        done = rnnbench(*words, *(part for one in overrides for part in ("--set", one)), cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "sales" in (tmp_path / "reports" / "sales" / "report.md").read_text()


def test_from_the_readme_to_a_plug_in_that_is_known(tmp_path):
    for words in commands():
        if words[1] in ("new", "run") and words[-1].partition(".")[0] in ("first_sign", "irnn"):
            words = ["rnnbench", "plan", *words[2:]] if words[1] == "run" else words
            done = rnnbench(*words[1:], cwd=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tmp_path.glob("*.*")} == {"first_sign.py", "first_sign.yaml", "irnn.py", "irnn.yaml"}


def test_every_command_of_the_readme_exists():
    from typer.main import get_command

    from rnnbench.cli.app import app

    known = set(get_command(app).commands)
    pages = ["README.md", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
    used = {words[1] for page in pages for words in commands(page) if words[0].endswith("rnnbench")}
    assert {"run", "plan", "status", "report", "ui", "new", "export", "import", "validate"} <= used
    assert used <= known

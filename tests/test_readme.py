"""What the README shows works: its experiment is valid, its task and model keep the contract and run."""

import re
from pathlib import Path

from rnnbench import registry
from rnnbench.checks.contracts import check_model, check_task
from rnnbench.events import Finished
from rnnbench.experiment import yaml_file
from rnnbench.training import run as training

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_experiment_is_valid(tmp_path):
    (text,) = blocks("yaml")
    (tmp_path / "file.yaml").write_text(text)
    assert len(yaml_file.load(tmp_path / "file.yaml").runs) == 5 * 2 * 3 * 5


def test_the_task_and_the_model_keep_the_contract_and_run(tmp_path):
    sources = [block for block in blocks("python") if block.startswith("# ")]
    names = [source.splitlines()[0].removeprefix("# ") for source in sources]
    assert names == ["first_sign.py", "irnn.py"]
    for name, source in zip(names, sources, strict=True):
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


def test_every_command_of_the_readme_exists():
    from typer.main import get_command

    from rnnbench.cli.app import app

    known = set(get_command(app).commands)
    used = set(
        re.findall(r"rnnbench (run|plan|status|report|ui|list|data|schema|\w+)(?= |`)", "\n".join(blocks("console")))
    )
    assert used
    assert used <= known

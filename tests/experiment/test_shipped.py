"""Experiments that ship go by their bare name, wherever one is."""

from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.experiment import shipped
from rnnbench.experiment.yaml_file import load

ROOT = Path(__file__).parents[2]
OWN = "name: own\ntasks: {copy_memory: {lag: 1}}\nmodels: {gru: {}}\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_quickstart_goes_by_its_name_and_by_its_path_in_a_clone() -> None:
    by_name = load(Path("quickstart"), ["seeds=1"])
    by_path = load(ROOT / "experiments" / "quickstart.yaml", ["seeds=1"])
    assert by_name.name == "quickstart"
    assert by_name.file == by_path.file
    assert [run.signature for run in by_name.runs] == [run.signature for run in by_path.runs]


@pytest.mark.parametrize("name", ["quickstart", "quickstart.yaml"])
def test_a_file_of_ones_own_goes_first(elsewhere: Path, name: str) -> None:
    (elsewhere / name).write_text(OWN)
    assert load(Path("quickstart")).name == "own"


def test_a_folder_of_that_name_is_no_experiment(elsewhere: Path) -> None:
    (elsewhere / "quickstart").mkdir()
    assert load(Path("quickstart")).name == "quickstart"


@pytest.mark.parametrize("name", ["quickstrat", "nothing", "x" * 300])
def test_an_unknown_name_is_told_which_ship(name: str) -> None:
    with pytest.raises(UserError) as caught:
        load(Path(name))
    message = str(caught.value)
    assert message.startswith(f"{name}: no such file, and no experiment ships by that name")
    assert message.endswith("the shipped experiments are: quickstart")
    assert ("did you mean 'quickstart'?" in message) == (name == "quickstrat")


@pytest.mark.parametrize("file", ["quickstart.yml", "folder/quickstart", "../quickstart"])
def test_a_path_is_never_a_name(file: str) -> None:
    with pytest.raises(UserError, match=r"no such file$"):
        load(Path(file))


def test_the_shell_offers_it() -> None:
    from rnnbench.cli.completion import experiment_files

    assert experiment_files("qui") == shipped.NAMES == ["quickstart"]

"""The pages, the picture and the notebook of docs/ that are made by a program are what it makes now."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rnnbench import registry

DOCS = Path(__file__).parents[1] / "docs"
MAKE = "run `python docs/making/{}.py` and commit what it writes"


def maker(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"making_{name}", DOCS / "making" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_made_from_the_code() -> None:
    for name, text in maker("reference").pages().items():
        assert (DOCS / name).read_text("utf-8") == text, f"{name}: {MAKE.format('reference')}"


def test_every_setting_of_everything_registered_has_its_line() -> None:
    from rnnbench.identity.signature import keys

    text = maker("reference").settings()
    common = {*re.findall(r"^\| `(\w+)`", text.partition("## Tasks")[2].partition("### ")[0], re.MULTILINE)}
    common |= {*re.findall(r"^\| `(\w+)`", text.partition("## Models")[2].partition("### ")[0], re.MULTILINE)}
    for known in (registry.tasks, registry.models):
        for name in known:
            if known[name].__module__.startswith("rnnbench."):
                part = re.search(rf"^#+ {name}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
                assert part is not None, name
                told = set(re.findall(r"^\| `(\w+)`", part[1], re.MULTILINE))
                assert set(keys(known[name])) - told <= common, name
    assert "| |" not in text, "a setting without a docstring, or without a kind"


def test_the_picture_is_of_the_committed_report() -> None:
    picture = maker("picture")
    assert (DOCS / "both-halves.svg").read_text("utf-8") == picture.drawn(), MAKE.format("picture")
    numbers = picture.statistics().set_index(["model", "lag"])
    assert numbers.loc[("gru", 100), "score"] > numbers.loc[("lstm", 100), "score"]
    assert numbers.loc[("gru", 100), "survival_initial"] < numbers.loc[("lstm", 100), "survival_initial"]


@pytest.fixture
def notebook() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "notebook.ipynb").read_text("utf-8"))
    return found


def test_the_notebook_runs(notebook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    committed = json.loads(json.dumps(notebook))
    variables = maker("notebook").run(notebook)
    assert forms(notebook) == forms(committed), MAKE.format("notebook")
    assert set(variables["results"].runs["status"]) == {"finished"}
    assert variables["horizons"]["horizon_lag"].notna().any()


def test_what_the_notebook_shows_is_whole(notebook: dict[str, Any]) -> None:
    shown = forms(notebook)
    assert None not in [kind for cell in shown for kind in cell]
    assert [cell for cell in shown if "image/svg+xml" in cell]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\(([^)#]+)", "".join(cell["source"])):
                assert (DOCS / target).exists(), target


def forms(notebook: dict[str, Any]) -> list[list[str]]:
    """In which forms each code cell shows its outcome; what it shows depends on time and machine."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [[kind for output in cell["outputs"] for kind in sorted(output.get("data", {}))] for cell in cells]

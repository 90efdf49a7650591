"""Whatever the pages name exists: links, headings, files, Python names, commands and their options."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

import rnnbench
from rnnbench.cli.app import app
from rnnbench.registry import ENTRY_POINT_GROUP

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SUFFIXES = "cff|csv|css|j2|json|md|py|toml|tsv|txt|yaml|yml"
MADE = {
    "confusion_matrix.json", "errors_ahead.json", "helper.py", "lag_curve.csv", "manifest.json",
    "mlflow.backup.db", "page.html", "predictions.json", "report.html", "report.md", "reports/quickstart",
    "results.csv", "sales.csv",
}  # fmt: skip
"""Files that rnnbench or a reader makes."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def fenced(page: Path, language: str = r"\w+") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    """A page without its blocks of code and without the names of before in its tables of renames."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^\|[^|]*\|", "|", text, flags=re.MULTILINE) if page.name == "CHANGELOG.md" else text


def spans(page: Path) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.M), re.M
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def files() -> set[str]:
    """Paths of the repository, its folders included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a clone")
    paths = [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]
    return {str(folder) for path in paths for folder in (path, *path.parents)}


def is_there(path: str, page: Path) -> bool:
    """A path of the repository, from its root; a bare name may stand in any folder, or in a block of the page."""
    path = path.rstrip("/")
    if path in files() or path in MADE:
        return True
    known = any(name.endswith(f"/{path}") for name in files()) or any(path in block for block in fenced(page))
    return "/" not in path and known


@each_page
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), target
        assert not anchor or anchor in anchors(to), target


@each_page
def test_files(page: Path) -> None:
    folders = [name for name in files() if "/" not in name and name != "." and (ROOT / name).is_dir()]
    top = "|".join(map(re.escape, folders))
    looks_so = re.compile(rf"(?:{top})/[\w./-]*|[\w-][\w./-]*\.(?:{SUFFIXES})")
    named = [word for span in spans(page) for word in span.split() if looks_so.fullmatch(word) and "NAME" not in word]
    assert [path for path in named if not is_there(path, page)] == []


@each_page
def test_python_names(page: Path) -> None:
    found = {name for span in spans(page) for name in re.findall(r"\brnnbench(?:\.[a-zA-Z_]\w*)+", span)}
    for block in fenced(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "rnnbench":
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    for name in found - {ENTRY_POINT_GROUP}:
        assert exists(name), name


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    found: Any = rnnbench
    for part in name.split(".")[1:]:
        if not hasattr(found, part):
            try:
                importlib.import_module(f"{found.__name__}.{part}")
            except (ImportError, AttributeError):
                return False
        found = getattr(found, part)
    return True


@each_page
def test_commands(page: Path) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    lines = [line.partition(" # ")[0] for block in fenced(page, "console") for line in block.splitlines()]
    for text in [*spans(page), *lines]:
        for verb, rest in re.findall(r"(?:^|[ /])rnnbench ([a-z]\w*)([^|&]*)", text):
            assert verb in commands, text
            known = {option for parameter in commands[verb].params for option in parameter.opts}
            assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= known, text
        for target in re.findall(r"(?:^|\$ )make ([a-z-]+)", text):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), text


@each_page
def test_blocks(page: Path) -> None:
    for block in fenced(page, "python"):
        ast.parse(block)
    for block in fenced(page, "yaml"):
        assert isinstance(YAML(typ="safe").load(block), dict)


def test_what_the_code_cites() -> None:
    for file in [*ROOT.glob("rnnbench/**/*.py"), *ROOT.glob("tests/**/*.py")]:
        assert all((ROOT / page).exists() for page in re.findall(r"\b[A-Z]{5,}\.md\b", file.read_text())), file
        for page, section, check in re.findall(
            r"\b(docs/\w+\.md)(?:, (?:section (\d+)|check (\d+)))?", file.read_text()
        ):
            text = (ROOT / page).read_text("utf-8")
            assert not section or f"\n## {section}. " in text, file
            assert not check or f"\n| {check} | " in text, file


def test_the_checks_are_those_that_validate_prints() -> None:
    import rnnbench.checks

    listed = re.findall(r"^ ?(\d+)\. ", str(rnnbench.checks.__doc__), re.MULTILINE)
    assert re.findall(r"^\| (\d+) \| ", (ROOT / "docs" / "science.md").read_text("utf-8"), re.MULTILINE) == listed


def test_every_package_has_its_sentence() -> None:
    packages = {f"rnnbench/{folder.parent.name}/" for folder in ROOT.glob("rnnbench/*/__init__.py")}
    told = re.findall(r"^\| `(rnnbench/\w+/)` \| ", (ROOT / "docs" / "design.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(packages)


def test_the_citation_is_of_this_version() -> None:
    cited = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert str(cited["version"]) == rnnbench.__version__


def test_ci_runs_what_a_clone_runs_on_every_python_that_is_declared() -> None:
    (job,) = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert all(re.search(r"@v\d+\.\d+\.\d+$", step["uses"]) for step in job["steps"] if "uses" in step)
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    declared = [
        name.split(" :: ")[-1] for name in classifiers if name.startswith("Programming Language :: Python :: 3.")
    ]
    assert job["strategy"]["matrix"]["python"] == declared


def test_the_hook_has_the_ruff_of_lint() -> None:
    (hooks,) = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert f"ruff=={hooks['rev'].removeprefix('v')}" in (ROOT / "constraints.txt").read_text().splitlines()

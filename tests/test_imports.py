"""Imports go one way: from high packages to low ones, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import rnnbench

ROOT = Path(rnnbench.__file__).parent
LOW_TO_HIGH = [
    "text", "errors", "files", "console", "environment", "events", "identity", "registry", "datasets", "layers",
    "tasks", "showing", "models", "experiment", "training", "execution", "tracking", "analysis", "report", "grid",
    "checks", "bench", "cli", "api", "__init__", "__main__",
]  # fmt: skip
CONTROL_PLANE = set(LOW_TO_HIGH) - {"layers", "training", "checks", "bench"}
HEAVY = {"tensorflow", "keras", "mlflow"}
MODULES = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in ROOT.rglob("*.py")}


def imports(module: str, top_only: bool = False) -> Iterator[str]:
    """Names of the modules that a module imports anywhere in it, or at its top; ours without `rnnbench.`."""
    tree = ast.parse(MODULES[module].read_text())
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (ours(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (ours(f"{node.module}.{alias.name}", node.module) for alias in node.names)


def ours(name: str, otherwise: str = "") -> str:
    """The module that `from OTHERWISE import ...` makes of `name`: the module of that name, else `otherwise`."""
    for one in (name, otherwise):
        own = one.removeprefix("rnnbench").removeprefix(".")
        found = [known for known in (own, f"{own}.__init__".lstrip(".")) if known in MODULES]
        if one.partition(".")[0] == "rnnbench" and found:
            return found[0]
    return name


def package(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_what_is_below_it(module):
    rank = LOW_TO_HIGH.index(package(module))
    own = {name for name in imports(module) if name in MODULES}
    assert [name for name in own if LOW_TO_HIGH.index(package(name)) > rank] == []
    foreign = {package(name) for name in imports(module)}
    assert package(module) == "tracking" or "mlflow" not in foreign
    if package(module) in CONTROL_PLANE:
        assert HEAVY & {package(name) for name in imports(module, top_only=True)} == set()


def test_no_module_imports_itself_by_a_detour():
    TopologicalSorter({module: {name for name in imports(module) if name in MODULES} - {module}
                       for module in MODULES}).prepare()  # fmt: skip


def test_the_root_holds_few_modules():
    assert len(list(ROOT.glob("*.py"))) <= 10

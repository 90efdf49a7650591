"""Runs the code cells of docs/notebook.ipynb and writes what they show into it: `python docs/making/notebook.py`.

The cells are run directly, without Jupyter: nbclient would bring a kernel, a message queue and some twenty packages,
for a notebook that uses no widget and no magic. What a cell shows is what its last expression is in HTML, SVG or text,
as in Jupyter.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "notebook.ipynb"
_FORMS = {"text/html": "_repr_html_", "image/svg+xml": "_repr_svg_"}


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run the code cells in the working directory, put their outputs into them, and return their variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(cells, 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            value = _executed("".join(cell["source"]), variables)
        cell["execution_count"] = count
        cell["outputs"] = []
        if printed.getvalue():
            cell["outputs"].append({"name": "stdout", "output_type": "stream", "text": _lines(printed.getvalue())})
        if value is not None:
            shown = {"data": _shown(value), "execution_count": count, "metadata": {}, "output_type": "execute_result"}
            cell["outputs"].append(shown)
    return variables


def _executed(source: str, variables: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(NOTEBOOK), "exec"), variables)
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), variables) if last else None


def _shown(value: Any) -> dict[str, list[str]]:
    forms = {form: getattr(value, method)() for form, method in _FORMS.items() if hasattr(value, method)}
    return {form: _lines(text) for form, text in (forms | {"text/plain": repr(value)}).items()}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run(notebook)
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

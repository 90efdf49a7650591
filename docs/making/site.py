"""What MkDocs needs beside the pages of docs/: the pages of the root, the reports, and links that fit the site.

The pages link each other by their places in the repository, so that they read well on a code host. Here such a link is
turned into one within the site; what it leads to, such as a report or an experiment file, is taken into the site.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "reports/README.md": "reports/index.md",
    "reports/benchmark/README.md": "reports/benchmark/index.md",
    "docs/notebook.ipynb": "notebook.md",
}
"""Pages that are not in docs/ as Markdown: their place in the repository, and in the site."""
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from elsewhere, and every file that a page links to."""
    waiting = [*PAGES, *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        place = in_site(name)
        if name in done or not (ROOT / name).is_file():
            continue
        done.add(name)
        text = _text(name) if place.endswith(".md") else ""
        if files.get_file_from_path(place) is None:
            files.append(_file(config, name, place, text))
        waiting += sorted(linked(name, text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links between places of the repository into links within the site."""
    here = page.file.src_uri
    name = next((source for source, place in PAGES.items() if place == here), f"docs/{here}")

    def turned(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = in_site(_joined(name, target))
        return posixpath.relpath(place, posixpath.dirname(here) or ".") + anchor

    return _outside_code(markdown, lambda text: _LINK.sub(turned, text))


def linked(name: str, text: str) -> set[str]:
    """What a page links to, as places in the repository."""
    found = [match[1] for match in _LINK.finditer(_FENCE.sub("", text))]
    return {_joined(name, target) for target in found if "://" not in target}


def in_site(target: str) -> str:
    """The place in the site of a file of the repository. A report is shown as its page, not as its Markdown."""
    if target in PAGES:
        return PAGES[target]
    if target == "reports/index.html":  # The same list.
        return "reports/index.md"
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target.endswith("/report.md"):
        return target.removesuffix(".md") + ".html"
    return target


def as_markdown(notebook: dict[str, Any]) -> str:
    """A notebook as a page: its text, its code, and what the code showed."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _parts(cell)) + "\n"


def slug(text: str, separator: str) -> str:
    """The anchor of a heading, as code hosts make it, so that links to headings work in both places."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _parts(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    parts = [f"```python\n{source}\n```"]
    for output in cell["outputs"]:
        data = output.get("data", {})
        shown = data.get("image/svg+xml") or data.get("text/html")
        if shown:
            # A blank line would end the HTML.
            lines = "".join(shown).splitlines()
            parts.append("<div class='output'>" + "\n".join(line for line in lines if line.strip()) + "</div>")
        else:
            parts.append("```text\n" + "".join(output.get("text") or data.get("text/plain", "")) + "\n```")
    return parts


def _text(name: str) -> str:
    text = (ROOT / name).read_text("utf-8")
    return as_markdown(json.loads(text)) if name.endswith(".ipynb") else text


def _file(config: Any, name: str, place: str, text: str) -> File:
    if place.endswith(".md"):
        return File.generated(config, place, content=text)
    page = ROOT / place
    return File.generated(config, place, abs_src_path=str(page if page.exists() else ROOT / name))


def _joined(name: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _outside_code(markdown: str, change: Any) -> str:
    parts, at = [], 0
    for code in _FENCE.finditer(markdown):
        parts += [change(markdown[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*parts, change(markdown[at:])])

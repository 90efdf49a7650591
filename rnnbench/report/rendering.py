"""From what a report says to text: the templates and what they need."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping

import jinja2
from markupsafe import Markup

from rnnbench.report.drawing.style import Series
from rnnbench.text import strict_json


def render(template: str, context: Mapping[str, object]) -> str:
    """One of the files in `templates`, which escapes what it sets into HTML."""
    return _environment().get_template(template).render(context)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rnnbench.report"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_function"] = strict_json.dumps
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters |= {"markdown": markdown_text, "swatch": swatch, "breakable": breakable}
    return environment


def markdown_text(text: str) -> str:
    """A user's string escaped for Markdown, also inside a table."""
    text = re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"^(\d+)([.)])(?= |$)", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", text))


def breakable(text: str) -> Markup:
    """A user's string for a narrow cell of a page: it may be broken behind each underscore."""
    return Markup("_<wbr>").join(text.split("_"))


def swatch(series: Series) -> str:
    """SVG path of the point of a series, about 9 x 9 units around the origin."""
    return {
        "circle": "M-4.5,0A4.5,4.5,0,1,1,4.5,0A4.5,4.5,0,1,1,-4.5,0Z",
        "square": "M-4,-4H4V4H-4Z",
        "triangle-up": "M0,-5L5,4H-5Z",
        "diamond": "M0,-5.5L4.5,0L0,5.5L-4.5,0Z",
        "triangle-down": "M0,5L5,-4H-5Z",
        "triangle-right": "M5,0L-4,5V-5Z",
        "triangle-left": "M-5,0L4,5V-5Z",
    }[series.shape]


def packed(text: str) -> str:
    """Gzip in base 64, which the page unpacks itself: a third of the drawing library's size, less of the data's."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def tidy(text: str) -> str:
    """No spaces at the end of a line, at most one empty line in a row, one line break at the end."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", text)).strip() + "\n"

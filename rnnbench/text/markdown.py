"""A person's words inside Markdown."""

from __future__ import annotations

import html
import re


def escaped(text: str) -> str:
    """Markdown on one line that shows `text` as it is, also where HTML is let through.

    >>> escaped("<b> *a*")
    '&lt;b&gt; &#42;a&#42;'
    """
    shown = html.escape(" ".join(text.split()))
    return re.sub(r"[\\`*_{}\[\]()|~!]", lambda found: f"&#{ord(found[0])};", shown)

"""User text inside Markdown."""

from __future__ import annotations

import html
import re


def escaped(text: str) -> str:
    """Markdown on one line that displays `text` literally, even where HTML is rendered.

    >>> escaped("<b> *a*")
    '&lt;b&gt; &#42;a&#42;'
    """
    safe = html.escape(" ".join(text.split()))
    return re.sub(r"[\\`*_{}\[\]()|~!]", lambda found: f"&#{ord(found[0])};", safe)

"""`--open`: a page in the person's web browser."""

from __future__ import annotations


def show(address: str) -> None:
    """Open the address; a note where this machine has no browser that can be started."""
    import webbrowser

    from rnnbench.cli.output import say

    try:
        opened = webbrowser.open(address)
    except webbrowser.Error:
        opened = False
    if not opened:
        say(f"note: no web browser could be started here; the address is {address}")

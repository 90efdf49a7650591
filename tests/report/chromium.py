"""Drives a headless Chromium over its debugging pipe, with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
_SANDBOX = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"]


class Page:
    """A tab. What a frame of another origin shows is in `frames`, as the browser keeps such frames apart."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._unread = b""
        self._numbers = iter(range(1, 1_000_000))
        self.frames: list[str] = []
        """Sessions of frames in other processes, the oldest first."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.do("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        self.do("Page.enable")

    def do(self, method: str, **params: Any) -> Any:
        """A command of the DevTools protocol to the tab; its result."""
        return self._ask(method, self._session, **params)

    def open(self, address: str) -> None:
        """Go to an address; what it shows comes when it comes: `wait`."""
        self.frames.clear()
        # A page that only changes its fragment would keep what the last one had loaded.
        self.do("Page.navigate", url="about:blank")
        self.do("Page.navigate", url=address)

    def evaluate(self, script: str, frame: str | None = None) -> Any:
        """The value of a JavaScript expression, None if it raises."""
        found = self._ask("Runtime.evaluate", frame or self._session, expression=script, returnByValue=True)
        return found.get("result", {}).get("value")

    def wait(self, script: str, frames: bool = False, within: float = 90.0) -> Any:
        """The value of an expression as soon as it is true, in the tab or else in one of its frames."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for place in [None, *(list(self.frames) if frames else [])]:
                value = self.evaluate(script, place)
                if value:
                    return value
            time.sleep(0.2)
        raise AssertionError(f"not true within {within:.0f} s: {script}; the page says: {self.text()[:2000]}")

    def text(self) -> str:
        """What a person reads, with the text of images."""
        return self.evaluate("document.body.innerText") or ""

    def shows(self, *words: str) -> None:
        """Wait until the page shows all of these."""
        self.wait(f"{json.dumps(words)}.every(words => document.body.innerText.includes(words))")

    def click(self, words: str) -> None:
        """Click the innermost element whose text is exactly this."""
        found = f"[...document.querySelectorAll('*')].findLast(e => e.textContent.trim() === {json.dumps(words)})"
        self.wait(f"Boolean({found})")
        self.evaluate(f"{found}.click()")

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.do("Page.captureScreenshot")["data"]))

    def _ask(self, method: str, session: str | None = None, **params: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                return answer.get("result", {})
            if answer.get("method") == "Target.attachedToTarget":
                frame = answer["params"]
                if frame["targetInfo"]["type"] == "iframe":
                    self.frames.append(frame["sessionId"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            with selectors.DefaultSelector() as selector:
                selector.register(self._reading, selectors.EVENT_READ)
                if not selector.select(60):
                    raise AssertionError("chromium does not answer")
            self._unread += os.read(self._reading, 1 << 20)
        message, _, self._unread = self._unread.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def chromium(folder: Path, width: int = 1500, height: int = 1400) -> Iterator[Page]:
    """A browser with a profile of its own in `folder`."""
    commands, ours_writing = os.pipe()
    ours_reading, answers = os.pipe()
    # The browser reads from descriptor 3 and writes to 4, whatever ours are called.
    shell = f'exec chromium "$@" 3<&{commands} 4>&{answers}'
    arguments = ["--headless=new", *_SANDBOX, *_QUIET, "--remote-debugging-pipe", f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        ["bash", "-c", shell, "bash", *arguments, f"--window-size={width},{height}"],
        pass_fds=(commands, answers),
        stderr=subprocess.DEVNULL,
    )
    os.close(commands)
    os.close(answers)
    try:
        yield Page(ours_reading, ours_writing)
    finally:
        process.kill()
        process.wait()
        os.close(ours_reading)
        os.close(ours_writing)

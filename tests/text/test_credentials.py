"""Passwords in addresses are used as MLflow's client uses them, and never shown."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnnbench.cli import app, shell
from rnnbench.errors import UserError
from rnnbench.events import Dispatched, Failed, Warned
from rnnbench.execution.driver import drive
from rnnbench.text.credentials import masked, masked_command, scrubbed
from rnnbench.tracking.failures import translate_errors
from rnnbench.tracking.location import Location
from tests.event_streams import experiment

SECRET = "ge/h@im 1"
WRITTEN = "ge%2Fh%40im%201"


class Door(ThreadingHTTPServer):
    """A server that is empty, and lets in who says the right name and password."""

    def __init__(self, expected: str = f"Basic {base64.b64encode(f'ann:{SECRET}'.encode()).decode()}") -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.expected = expected
        self.asked: list[tuple[str, bool]] = []


class _Visit(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        right = self.headers.get("Authorization") == self.server.expected
        self.server.asked.append((self.path, right))
        answer = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}).encode() if right else b"no"
        self.send_response((200 if self.path.endswith("/health") else 404) if right else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    for name in ("URI", "USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    with Door() as door:
        threading.Thread(target=door.serve_forever, args=[0.02], daemon=True).start()
        yield door
        door.shutdown()


@pytest.mark.parametrize("start", ["http://ann:{}@", "HTTP://ann:{}@"])
@pytest.mark.parametrize("end", ["", "/", "/sub/path", "/sub/path/"])
def test_user_and_password_of_an_address_are_sent_by_us_and_by_mlflow(door: Door, start: str, end: str) -> None:
    location = Location.resolve(tracking_uri=f"{start.format(WRITTEN)}127.0.0.1:{door.server_port}{end}")
    assert location.reader.statuses("none") == {}
    path = end.rstrip("/")
    assert door.asked == [(f"{path}/health", True)] + [
        (asked, True) for asked, _ in door.asked[1:] if asked.startswith(f"{path}/api/")
    ]
    assert len(door.asked) > 1
    assert str(location) == f"http://127.0.0.1:{door.server_port}{path}"
    assert "ann" not in repr(location)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"USERNAME": "ann", "PASSWORD": SECRET}, None),
        ({"TOKEN": "t0ken-of-ann"}, "Bearer t0ken-of-ann"),
        ({"TOKEN": "of no use", "USERNAME": "ann", "PASSWORD": SECRET}, None),
    ],
)
def test_those_of_the_environment_are_sent(
    door: Door, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    door.expected = expected or door.expected
    assert Location.resolve(tracking_uri=f"http://127.0.0.1:{door.server_port}").reader.statuses("none") == {}
    assert all(right for _, right in door.asked)


def test_a_server_that_refuses_is_one_line_without_the_password(door: Door) -> None:
    location = Location.resolve(tracking_uri=f"http://ann:wr0ng-one@127.0.0.1:{door.server_port}")
    with pytest.raises(UserError, match="401") as caught:
        location.reader.statuses("none")
    assert "wr0ng" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_address_of_ipv6_is_taken() -> None:
    location = Location.resolve(tracking_uri=f"http://ann:{WRITTEN}@[::1]:1/x")
    assert str(location) == "http://[::1]:1/x"
    with pytest.raises(UserError, match=r"MLflow server http://\[::1\]:1/x does not answer"):
        location.check_readable()


@pytest.mark.parametrize(
    "address",
    [
        "http://ann:pa/word7@host:5000",
        "http://ann:pa#word7@host",
        "http://ann:pa?word7@host",
        "http://ann:word7@host:port",
        "http://ann:word7@[host",
        "http://ann:word7@",
        "http://ann:word7@host?workspace=1",
        "htp://ann:word7@host",
        "postgresql://ann:word7@host/db",
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(address: str) -> None:
    with pytest.raises(UserError, match=r"tracking URI '\w+://\*\*\*@.*: write http://HOST:PORT") as caught:
        Location.resolve(tracking_uri=address)
    assert "word7" not in str(caught.value)


def test_commands_are_shown_without_passwords() -> None:
    address = "http://ann:pa/word7@host:1"
    for arguments in (["--tracking-uri", address], [f"--tracking-uri={address}"], ["--address", f"ray://x:word7@{1}"]):
        assert "word7" not in masked_command(["run", "q.yaml", *arguments])
    usual = ["run", "my file.yaml", "--set", "tasks.mail.sender=me@host", "--store", "s@1"]
    assert masked_command(usual) == "run 'my file.yaml' --set tasks.mail.sender=me@host --store s@1"
    assert shell.store_options(None, "http://ann:word7@host:1") == " --tracking-uri 'http://***@host:1'"
    assert shell.store_options(None, "http://host:1") == " --tracking-uri http://host:1"


def test_no_password_in_what_libraries_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken-of-ann")
    location = Location.resolve(tracking_uri=f"http://ann:{WRITTEN}@host")
    said = f"GET http://ann:{WRITTEN}@host/api, as ann:{SECRET}, header 'Bearer t0ken-of-ann'"
    for shown in (WRITTEN, SECRET, "t0ken"):
        assert shown in said
        assert shown not in scrubbed(said)
    with (
        pytest.raises(UserError, match=r"http://host: GET http://\*\*\*@host/api") as caught,
        translate_errors(location.store),
    ):
        raise OSError(said)
    assert SECRET not in str(caught.value)
    assert masked("write to me@host, see https://keras.io/@x") == "write to me@host, see https://keras.io/@x"


def test_a_run_that_fails_or_warns_tells_no_password() -> None:
    spec = experiment().runs[0]
    address = "http://ann:word7@host"
    events = [
        Dispatched(spec.signature, 0),
        Warned(spec.signature, address),
        Failed(spec.signature, address, f"Traceback\n{address}"),
    ]
    shown: list[object] = []

    class Executor:
        workers = 1

        def execute(self, specs, claim):
            yield from events

        def cancel(self):
            pass

    class Writer:
        begin = interrupt = lambda *_, **__: None
        back_up = is_done = lambda *_, **__: True

        def write(self, event):
            shown.append(event)

    tally = drive([spec], Executor(), Writer(), lambda _, event: shown.append(event))
    assert list(tally.failed.values()) == ["http://***@host"]
    assert len(shown) == 4
    assert "word7" not in repr(shown)


def test_the_command_line_shows_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.yaml").write_text("name: q\ntasks: {copy_memory: {lag: 2, symbols: 1}}\nmodels: {gru: {}}\n")
    for arguments in (
        ["status", "q.yaml", "--tracking-uri", "http://ann:word7@127.0.0.1:1"],
        ["status", "q.yaml", "http://ann:word7@127.0.0.1:1"],
        ["report", "http://ann:word7@127.0.0.1:1"],
        ["status", "q.yaml", "--store", "http://ann:word7@127.0.0.1:1"],
    ):
        monkeypatch.setattr("sys.argv", ["rnnbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert "word7" not in said.out + said.err
        assert "127.0.0.1:1" in said.err

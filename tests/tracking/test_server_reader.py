"""What a server gives page by page is read to its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rnnbench.tracking import server_reader
from rnnbench.tracking.client import every_page
from rnnbench.tracking.location import Location
from rnnbench.tracking.names import KIND_TAG, SIGNATURE_TAG
from rnnbench.tracking.reader import StoredRun
from rnnbench.tracking.server import Server
from rnnbench.tracking.server_reader import ServerReader

SERVER = Location.resolve(tracking_uri="http://nowhere")


class Page(list[Any]):
    def __init__(self, items: list[Any], token: str | None) -> None:
        super().__init__(items)
        self.token = token


def paged(items: list[Any], size: int = 2) -> Any:
    """A search that gives `size` of the items at once."""

    def search(*_: Any, page_token: str | None = None, **__: Any) -> Page:
        at = int(page_token or 0)
        return Page(items[at : at + size], str(at + size) if at + size < len(items) else None)

    return search


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_every_page_is_asked_for(count: int) -> None:
    search = paged(list(range(count)))
    assert every_page(lambda token: search(page_token=token)) == list(range(count))


def test_experiments_and_runs_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        SimpleNamespace(name=f"e{at}", experiment_id=str(at), tags={"ours": "1"} if at % 2 else {}) for at in range(7)
    ]
    runs = [
        SimpleNamespace(
            info=SimpleNamespace(run_id=str(at), start_time=at),
            data=SimpleNamespace(tags={KIND_TAG: "run", SIGNATURE_TAG: f"s{at % 5}"}, metrics={}),
        )
        for at in range(7)
    ]
    client = SimpleNamespace(
        search_experiments=paged(found), search_runs=paged(runs), get_experiment_by_name=lambda name: found[0]
    )
    monkeypatch.setattr(Server, "client", lambda self: client)
    monkeypatch.setattr(Server, "check_readable", lambda self: None)
    assert SERVER.reader.experiments_with("ours") == {"e1": "1", "e3": "3", "e5": "5"}
    newest = {signature: run.run_id for signature, run in SERVER.reader.newest_runs("e0").items()}
    assert newest == {"s0": "5", "s1": "6", "s2": "2", "s3": "3", "s4": "4"}


def test_histories_that_are_longer_than_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many runs, and of one: a server cuts them off and says nothing."""
    monkeypatch.setattr(server_reader, "_BULK_POINTS", 10)
    lengths = {"a": 4, "b": 25, "c": 4, "d": 10}
    asked = []

    def get(reader: ServerReader, endpoint: str, query: dict[str, Any]) -> Any:
        asked.append(query["run_id"])
        points = [
            {"run_id": run_id, "step": step, "value": step / 2}
            for run_id in query["run_id"]
            for step in range(lengths[run_id])
        ]
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"metrics": points[: query["max_results"]]})

    def history(run_id: str, metric: str) -> list[Any]:
        return [SimpleNamespace(step=step, value=step / 2) for step in reversed(range(lengths[run_id]))]

    monkeypatch.setattr(ServerReader, "_get", get)
    monkeypatch.setattr(Server, "client", lambda self: SimpleNamespace(get_metric_history=history))
    runs = [StoredRun(run_id, metrics={"train/loss": 0.0}) for run_id in lengths]
    points = SERVER.reader.histories(runs)
    assert points == [
        (run_id, step, "train/loss", step / 2) for run_id, length in lengths.items() for step in range(length)
    ]
    assert asked[0] == ["a", "b", "c", "d"]

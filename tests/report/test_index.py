"""The index of a folder of reports: what is whole is listed, the rest costs a line."""

import json
import os

import pytest

from rnnbench.report.index import entries, write_index

WHOLE = {"title": "Whole", "headline": {"copy": "All solve it."}, "totals": {"planned": None, "runs": 3, "finished": 3}}


@pytest.fixture
def reports(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "manifest.json").write_text(json.dumps(WHOLE))
    (tmp_path / "other").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"[]", b"7", b'{"title": "oth', b"\x89PNG\r\n\x00\xff", b'"title"', b"[" * 100_000,
        b"{}", b'{"title": 3}', b'{"title": null}', b'{"title": "\\ud800"}',
        b'{"title": "a", "description": ["b"]}', b'{"title": "a", "headline": "b"}',
        b'{"title": "a", "headline": {"b": 1}}', b'{"title": "a", "totals": [3]}',
        b'{"title": "a", "totals": {"runs": "3"}}',
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_manifest_is_left_out_with_one_line(reports, content):
    (reports / "other" / "manifest.json").write_bytes(content)
    (line,) = write_index(reports)
    assert line.startswith(f"{reports / 'other' / 'manifest.json'} is left out of the index of reports: ")
    assert "\n" not in line
    assert "Whole" in (reports / "README.md").read_text()
    assert "3 runs: 3 finished" in (reports / "README.md").read_text()
    assert [entry.title for entry in entries(reports)[0]] == ["Whole"]


def test_a_manifest_that_is_no_file_is_left_out(reports):
    (reports / "other" / "manifest.json").mkdir()
    assert "Is a directory" in write_index(reports)[0]
    (reports / "other" / "manifest.json").rmdir()
    os.mkfifo(reports / "other" / "manifest.json")
    assert write_index(reports) == []
    (reports / "other" / "manifest.json").unlink()
    (reports / "other" / "manifest.json").symlink_to("nowhere")
    assert write_index(reports) == []


def test_an_index_that_cannot_be_written_is_one_line(reports):
    (reports / "README.md").mkdir()
    (line,) = write_index(reports)
    assert line == f"{reports}: the index of the reports there: cannot be written: Is a directory"


def test_only_a_title_is_needed(reports):
    (reports / "other" / "manifest.json").write_text('{"title": "Old", "more": [1]}')
    assert write_index(reports) == []
    assert "0 runs" in (reports / "README.md").read_text()


def test_skipped_runs_are_counted_beside_the_runs(reports):
    totals = WHOLE["totals"] | {"skipped": 2}
    (reports / "whole" / "manifest.json").write_text(json.dumps(WHOLE | {"totals": totals}))
    ((entry,), _) = entries(reports)
    assert entry.runs == "3 runs: 3 finished; 2 skipped"

"""Files written aside and moved into place."""

import os
import stat

import pytest

from rnnbench.files import replacing, write


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "manifest.json"
    write(path, "old")
    with pytest.raises(OSError, match="no space"):
        _half_written(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write(path, "new – line\r\n")
    assert path.read_bytes() == "new – line\r\n".encode()


def _half_written(path):
    with replacing(path) as file:
        file.write(b"ne")
        assert path.read_text() == "old"
        raise OSError("no space")


@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_the_umask_gives_the_rights(tmp_path, umask, rights):
    before = os.umask(umask)
    try:
        write(tmp_path / "new", "")
        write(tmp_path / "new", "again")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == rights


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    write(tmp_path / "real" / "page.html", "old")
    (tmp_path / "page.html").symlink_to("real/page.html")
    write(tmp_path / "page.html", "new")
    assert (tmp_path / "page.html").is_symlink()
    assert (tmp_path / "real" / "page.html").read_text() == "new"


def test_the_longest_name_that_a_file_may_have_can_be_written(tmp_path):
    path = tmp_path / f"{'ä' * 125}.csv"
    write(path, "1")
    assert path.read_text() == "1"


def test_what_cannot_be_replaced_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path / "taken", "")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]

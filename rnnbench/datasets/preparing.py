"""Prepares a data set with its TFDS builder, and explains any failure in one line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.datasets import catalogue, location
from rnnbench.errors import UserError

if TYPE_CHECKING:
    import tensorflow_datasets as tfds


def prepare(name: str) -> None:
    """Prepare a data set in the data directory, from downloads or from files in the manual directory.

    An intact data set is left alone; a damaged one is replaced once the new one is complete. Raises `UserError` with a
    remedy if files cannot be obtained, are not the registered ones, or cannot be written.
    """
    data_set = catalogue.find(name)
    status = catalogue.state(name).status
    if status == "present":
        return
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import downloader

    # With TFDS' ten retries it takes 200 s to report that there is no network.
    downloader.MAX_RETRIES = 2
    by_hand = location.manual_dir()
    config = tfds.download.DownloadConfig(manual_dir=by_hand if by_hand.is_dir() else None, try_download_gcs=False)
    urls: dict[str, str] = {}
    try:
        with _set_aside(data_set.path) if status == "damaged" else nullcontext():
            builder = _builder(data_set.folder)
            urls = {info.filename: url for url, info in builder.url_infos.items() if info.filename in data_set.files}
            builder.download_and_prepare(download_dir=location.data_dir() / "downloads", download_config=config)
    except Exception as error:
        if catalogue.state(name).status == "present":
            return  # another process has prepared it meanwhile
        raise UserError(f"cannot prepare data set '{name}': {_explain(error, urls)}") from error


def _builder(folder: str) -> tfds.core.DatasetBuilder:
    import tensorflow_datasets as tfds

    import rnnbench.datasets.ett
    import rnnbench.datasets.jsb
    import rnnbench.datasets.multi30k  # noqa: F401  (all register their builders with TFDS)

    name, version = folder.rsplit("/", 1)
    return tfds.builder(f"{name}:{version}", data_dir=location.data_dir(), try_gcs=False)


@contextmanager
def _set_aside(path: Path) -> Iterator[None]:
    """Keep the damaged data until an intact copy replaces them: they may be the user's only copy."""
    aside = path.with_name(f"{path.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)
    try:
        yield
    except BaseException:
        aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _explain(error: Exception, urls: dict[str, str]) -> str:
    import requests
    from tensorflow_datasets.core.download import DownloadError
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

    if isinstance(error, NonMatchingChecksumError):
        return _wrong_file(str(error))
    if isinstance(error, (requests.RequestException, DownloadError)):
        files = " and ".join(f"{file} (from {url})" for file, url in urls.items())
        return f"the download failed; put {files} into {location.manual_dir()} and run the command again"
    if isinstance(error, OSError) and error.filename:
        return f"{error.strerror}: {error.filename}"
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _wrong_file(message: str) -> str:
    file = re.search(r"downloaded to (.*), has wrong checksum", message)
    expected, found = re.findall(r"checksum='([0-9a-f]{64})'", message)
    return f"{file and file[1]} is not the registered file: expected sha256 {expected}, found {found}"

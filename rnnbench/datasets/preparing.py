"""Preparing a data set with its TFDS builder, and telling in one line what went wrong."""

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
    """Make the data set in the data directory, from the network or from files in the manual directory.

    A data set that is there and whole is left alone; a damaged one is replaced once the new one is made. Raises
    `UserError` with what to do when the files cannot be had, are not the registered ones, or cannot be written.
    """
    data_set = catalogue.find(name)
    status = catalogue.state(name).status
    if status == "present":
        return
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import downloader

    # TFDS' ten retries take 200 s to say that there is no network.
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
            return  # another process was faster
        raise UserError(f"data set '{name}' was not prepared: {_explain(error, urls)}") from error


def _builder(folder: str) -> tfds.core.DatasetBuilder:
    import tensorflow_datasets as tfds

    import rnnbench.datasets.ett  # noqa: F401  (registers its builder with TFDS)

    name, version = folder.rsplit("/", 1)
    return tfds.builder(f"{name}:{version}", data_dir=location.data_dir(), try_gcs=False)


@contextmanager
def _set_aside(path: Path) -> Iterator[None]:
    """Keep what is damaged until something whole takes its place: some of it may be all that a person has."""
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
        return f"the download failed; put {files} into {location.manual_dir()} and give the command again"
    if isinstance(error, OSError) and error.filename:
        return f"{error.strerror}: {error.filename}"
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _wrong_file(message: str) -> str:
    file = re.search(r"downloaded to (.*), has wrong checksum", message)
    expected, found = re.findall(r"checksum='([0-9a-f]{64})'", message)
    return f"{file and file[1]} is not the registered file: expected sha256 {expected}, found {found}"

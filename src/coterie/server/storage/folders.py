"""What stands where in a data folder, beside the database."""

import os
from pathlib import Path
from typing import Final

FILES: Final = "files"
"""The folder of the blobs."""
BUCKET: Final = "bucket.json"
"""Says in which bucket the files are, where they are in one."""
UNFINISHED: Final = "restore.unfinished"
"""Lies in a folder while a backup is being restored into it."""


class DataUnusable(Exception):  # noqa: N818 - named after the state it reports
    """The folder must not be served. The message says what to do."""


def require_whole(data: Path) -> None:
    """Raises DataUnusable where a restore was cut off: what is there is not what was backed up."""
    if (data / UNFINISHED).exists():
        raise DataUnusable(
            f"A restore into {data} did not end. Remove the folder and restore again, or wait if"
            " it is still under way."
        )


def sync_folder(folder: Path) -> None:
    """The names in it are durable when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

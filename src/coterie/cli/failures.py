"""What went wrong, for people and for programs: always on stderr, never a traceback."""

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from coterie.cli.output import plain
from coterie.cli.profile import profile_folder

LOG_NAME = "errors.log"


class Failure(NamedTuple):
    code: str
    message: str
    exit_code: int = 1


class Failed(Exception):  # noqa: N818 - reads as a sentence: raise Failed(…)
    """A verb gives up, and says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def report(failure: Failure, as_json: bool) -> int:
    """Say it on stderr, as a sentence or as `{"code": …, "message": …}`; give the exit code."""
    if as_json:
        import msgspec

        document = {"code": failure.code, "message": failure.message}
        sys.stderr.write(msgspec.json.encode(document).decode() + "\n")
    else:
        sys.stderr.write(f"coterie: {plain(failure.message)}\n")
    return failure.exit_code


def failure_of(error: Exception) -> Failure:
    """What to tell about an exception that a verb let through."""
    from coterie.protocol.errors import Refused, code_of
    from coterie.sdk.errors import ClientError

    if isinstance(error, Refused):
        return Failure(code_of(error.refusal), str(error))
    if isinstance(error, ClientError | Failed):
        return Failure(error.code, str(error))
    if isinstance(error, OSError) and error.strerror:
        about = f"{error.filename}: " if error.filename else ""
        return Failure("file_error", f"{about}{error.strerror}")
    return _unexpected(error)


def _unexpected(error: Exception) -> Failure:
    try:
        log = _write_log(error)
    except OSError:
        return Failure("unexpected", f"Unexpected error ({type(error).__name__}).")
    return Failure("unexpected", f"Unexpected error. The details are in {log}")


def _write_log(error: Exception) -> Path:
    folder = profile_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / LOG_NAME
    log.touch(mode=0o600)
    with log.open("a") as file:
        file.write(f"{datetime.now(UTC).isoformat()}\n")
        file.write("".join(traceback.format_exception(error)) + "\n")
    return log

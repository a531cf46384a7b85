"""A file up and down, against `cp` and `fdatasync` on the same disk.

The bytes lie in the machine's memory before, and on its disk after: for the copy, for the upload
and for the download.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

from bench.caller import Caller
from bench.memory import forget_peak, peak, resident
from bench.population import populate
from bench.stage import Result, Stage
from coterie.protocol.api import PREFIX
from coterie.protocol.limits import GIB, MIB

WAYS = "upload", "download"


def transfer(stage: Stage) -> Result:
    """MiB a second each way, and what the server needs in memory beyond what it had."""
    url = stage.database()
    seat, _ = populate(url, groups=1, size=2)
    folder = stage.folder / "files"
    folder.mkdir()
    source, file_id = _source(folder / "source"), uuid4()
    _warm(source, folder / "scrap")
    with stage.serving(url) as (port, pid), Caller(port, seat.token) as caller:
        _reserve(caller, seat.group_id, file_id)
        before = resident(pid)
        forget_peak(pid)
        rates = {
            "cp_mib_s": _rate(lambda: _copy(source, folder / "copy")),
            "upload_mib_s": _rate(lambda: _upload(caller, file_id, source)),
            "download_mib_s": _rate(lambda: _download(caller, file_id, folder / "target")),
        }
        more = peak(pid) - before
        caller.ask("DELETE", f"/files/{file_id}")
    if (folder / "target").stat().st_size != GIB:
        raise SystemExit("the file came back with another length")
    shutil.rmtree(folder)
    ratios = {f"{way}_of_cp": rates[f"{way}_mib_s"] / rates["cp_mib_s"] for way in WAYS}
    return {**rates, **ratios, "more_mib": round(more / MIB, 1)}


def _source(path: Path) -> Path:
    piece = os.urandom(MIB)
    with path.open("wb") as file:
        for _ in range(GIB // MIB):
            file.write(piece)
        os.fsync(file.fileno())
    return path


def _warm(source: Path, scrap: Path) -> None:
    """Have the machine find the memory for what is written: on a virtual one the first touch of a
    page costs more than the copy, whoever happens to come first."""
    with scrap.open("wb") as target:
        for _ in ("copy", "upload", "download"):
            with source.open("rb") as file:
                shutil.copyfileobj(file, target, MIB)
    scrap.unlink()


def _reserve(caller: Caller, group_id: UUID, file_id: UUID) -> None:
    reservation = {
        "file_id": str(file_id),
        "filename": "bench",
        "size_bytes": GIB,
        "encryption_header": "A" * 32,
    }
    caller.ask("POST", f"/conversations/{group_id}/files", reservation)


def _rate(move: Callable[[], None]) -> float:
    begin = time.perf_counter()
    move()
    return round(GIB / MIB / (time.perf_counter() - begin), 1)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--reflink=never", source, target], check=True)
    with target.open("rb") as file:
        os.fdatasync(file.fileno())


def _content(file_id: UUID) -> str:
    return f"{PREFIX}/files/{file_id}/content"


def _upload(caller: Caller, file_id: UUID, source: Path) -> None:
    connection = caller.connection
    connection.putrequest("PUT", _content(file_id))
    for name, value in {**caller.headers, "Content-Length": str(GIB)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    with source.open("rb") as file:
        connection.sock.sendfile(file)
    caller.answer().read()


def _download(caller: Caller, file_id: UUID, target: Path) -> None:
    caller.connection.request("GET", _content(file_id), headers=caller.headers)
    response, piece = caller.answer(), memoryview(bytearray(MIB))
    with target.open("wb", buffering=0) as file:
        while length := response.readinto(piece):
            file.write(piece[:length])
        os.fdatasync(file.fileno())

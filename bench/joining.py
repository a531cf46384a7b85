"""Coming into a group by a link, with real clients: keys, checks and storage are the joiner's."""

import asyncio
import shutil
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.stage import Result, Stage
from coterie.sdk import Client

PASSWORD = "correct horse battery"  # noqa: S105
TIMED = 5
AT_ONCE = 4
"""People who sign up together: each has a password to be hashed, here and at the server."""


def join_by_link(stage: Stage, members: int) -> Result:
    """Milliseconds to enter a group of so many, of newcomers one after the other."""
    folder = stage.folder / "clients"
    with stage.serving(stage.database()) as (port, _):
        taken = asyncio.run(_join(f"http://127.0.0.1:{port}", folder, members))
    shutil.rmtree(folder)
    return {"join_ms": round(median(taken) * 1e3, 1), "slowest_ms": round(max(taken) * 1e3, 1)}


async def _join(url: str, folder: Path, members: int) -> list[float]:
    """Seconds that each of the newcomers needed."""
    owner, *others = await _sign_up(url, folder, members + TIMED)
    group = await owner.create_group("bench")
    invite = await owner.create_invite(
        str(group.group_id), expires_in=timedelta(days=1), max_uses=len(others)
    )
    taken = [await _timed(client, str(invite.link)) for client in others]
    for client in (owner, *others):
        await client.close()
    return taken[-TIMED:]


async def _sign_up(url: str, folder: Path, people: int) -> list[Client]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def sign_up(number: int) -> Client:
        async with turns:
            name = f"member{number}"
            client, _ = await Client.sign_up(folder / name, url, name, PASSWORD)
            return client

    return list(await asyncio.gather(*map(sign_up, range(people))))


async def _timed(client: Client, link: str) -> float:
    begin = time.perf_counter()
    await client.join(link)
    return time.perf_counter() - begin

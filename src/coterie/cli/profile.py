"""Where a profile lives, and how a verb gets at its client."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from coterie.sdk.client import Client

T = TypeVar("T")


def profile_folder() -> Path:
    """`COTERIE_HOME`, else the platform's place for it. It need not exist."""
    chosen = os.environ.get("COTERIE_HOME")
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("coterie")


def server_folder() -> Path:
    """Where a server keeps everything unless told otherwise."""
    from platformdirs import user_data_path

    return user_data_path("coterie") / "server"


def ask(action: Callable[["Client"], Awaitable[T]]) -> T:
    """Open the profile's client, do one thing with it, pass on what it warns of."""
    import asyncio

    return asyncio.run(_ask(action))


async def _ask(action: Callable[["Client"], Awaitable[T]]) -> T:
    from coterie.sdk.client import Client

    async with Client.open(profile_folder()) as client:
        try:
            return await action(client)
        finally:
            pass_on_warnings(client)


def pass_on_warnings(client: "Client") -> None:
    from coterie.cli.output import one_line

    for warning in client.pop_warnings():
        sys.stderr.write(f"note: {one_line(warning)}\n")

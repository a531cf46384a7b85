"""A device comes back after a while: a session, the conversations, and the latest page of each."""

import time
from collections.abc import Sequence
from typing import Any

from bench.caller import Caller
from bench.population import add_to_all, fill, populate
from bench.stage import Result, Stage

GROUPS = 100
SIZE = 10
MESSAGES = 20
PASSWORD = "correct horse battery"  # noqa: S105


def sign_in(stage: Stage) -> Result:
    """Milliseconds, for three questions one after the other."""
    url = stage.database()
    seats = populate(url, groups=GROUPS, size=SIZE - 1)
    fill(url, MESSAGES)
    device_id = add_to_all(url, seats, "newcomer", PASSWORD)
    credentials = {"username": "newcomer", "password": PASSWORD, "device_id": str(device_id)}
    with stage.serving(url) as (port, _), Caller(port) as caller:
        begin = time.perf_counter()
        caller.token = caller.ask("POST", "/sessions", credentials)["token"]
        logged_in = time.perf_counter()
        listed = caller.ask("GET", f"/conversations?limit={GROUPS}")["conversations"]
        pages = _latest(caller, listed)
        end = time.perf_counter()
    if [len(page["entries"]) for page in pages] != [MESSAGES] * GROUPS:
        raise SystemExit("these are not the latest pages")
    return {
        "log_in_ms": round((logged_in - begin) * 1e3, 1),
        "sign_in_ms": round((end - begin) * 1e3, 1),
    }


def _latest(caller: Caller, listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    cursors = [
        {"conversation_id": one["conversation_id"], "after": one["seq"] - MESSAGES}
        for one in listed
    ]
    body = {"cursors": cursors, "limit": MESSAGES}
    return caller.ask("POST", "/conversations/entries", body)["pages"]

"""A device comes back after a while: a session, the conversations, and the latest page of each."""

import time

from bench.caller import Caller
from bench.population import add_to_all, fill, populate
from bench.stage import Result, Stage

GROUPS = 100
SIZE = 10
MESSAGES = 20
PASSWORD = "correct horse battery"  # noqa: S105


def sign_in(stage: Stage) -> Result:
    """Milliseconds, and how many questions were asked; one after the other."""
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
        pages = [_latest(caller, one["conversation_id"], one["seq"]) for one in listed]
        end = time.perf_counter()
    if [len(page) for page in pages] != [MESSAGES] * GROUPS:
        raise SystemExit("these are not the latest pages")
    return {
        "log_in_ms": round((logged_in - begin) * 1e3, 1),
        "sign_in_ms": round((end - begin) * 1e3, 1),
        "requests": 2 + len(pages),
    }


def _latest(caller: Caller, conversation_id: str, seq: int) -> list[object]:
    path = f"/conversations/{conversation_id}/entries"
    return caller.ask("GET", f"{path}?after={seq - MESSAGES}&limit={MESSAGES}")["entries"]

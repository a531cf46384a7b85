"""The latest page of a log, long or short."""

from bench.caller import Caller
from bench.population import fill, populate
from bench.stage import Result, Stage

PAGE = 50
TIMES = 300


def read_latest(stage: Stage, messages: int) -> Result:
    """What the latest page takes where there are so many messages."""
    url = stage.database()
    seat, _ = populate(url, groups=1, size=2)
    fill(url, messages)
    path = f"/conversations/{seat.group_id}/entries?after={messages - PAGE}&limit={PAGE}"
    with stage.serving(url) as (port, _), Caller(port, seat.token) as caller:
        if len(caller.ask("GET", path)["entries"]) != PAGE:
            raise SystemExit("this is not the latest page")
        return caller.time(TIMES, "GET", path)

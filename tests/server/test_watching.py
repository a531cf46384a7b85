"""What an operator watches: whether the server can work, and what it has counted."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psycopg
import pytest
from aiohttp import ClientSession, WSMsgType

from coterie.protocol import commands as c
from coterie.protocol.errors import Refused
from coterie.protocol.events import Hello
from coterie.server.app import running
from coterie.server.config import Config, ConfigRefused
from tests.server.client import Person
from tests.support.server import Server

LINE = re.compile(r'([a-z_]+)(?:\{([a-z]+="[A-Za-z0-9_.+]+"(?:,[a-z]+="[A-Za-z_]+")*)\})? (\d+)')


@pytest.fixture
async def http(database_url: str, tmp_path: Path) -> AsyncIterator[ClientSession]:
    config = Config(data=tmp_path, database=database_url, port=0)
    async with running(config) as url, ClientSession(url) as session:
        yield session


async def scrape(http: ClientSession) -> dict[str, int]:
    """Every series and its number; what is no line of the format fails here."""
    async with http.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = (await response.text()).splitlines()
    series: dict[str, int] = {}
    for line in lines:
        if not re.fullmatch(r"# (HELP|TYPE) coterie_\w+ .+", line):
            found = LINE.fullmatch(line)
            assert found, line
            series[f"{found[1]}{{{found[2]}}}" if found[2] else found[1]] = int(found[3])
    return series


async def test_what_happens_is_counted_and_nobody_is_named(http: ClientSession) -> None:
    before = await scrape(http)
    bela = await Person(http, "bela").sign_up()
    group_id = await bela.create_group()
    for _ in range(3):
        await bela.send(group_id)
    with pytest.raises(Refused):
        await bela.ask(c.GetUser(username="nobody-here"))
    async with http.get("/api/v1/account") as response:
        assert response.status == 401
    after = await scrape(http)
    assert before["coterie_queue_messages"] == 0
    assert after["coterie_disk_free_bytes"] > 0

    def rise(name: str) -> int:
        return after[name] - before.get(name, 0)

    assert rise("coterie_messages_committed_total") == 3
    assert rise("coterie_batch_messages_count") == 3
    assert rise("coterie_batch_messages_sum") == 3
    assert rise('coterie_batch_messages_bucket{le="1"}') == 3
    assert rise('coterie_requests_total{command="SendMessage",outcome="ok"}') == 3
    assert rise('coterie_requests_total{command="GetUser",outcome="not_found"}') == 1
    assert rise('coterie_refusals_total{code="unauthenticated"}') == 1
    async with http.get("/metrics") as response:
        printed = await response.text()
    for name in (bela.username, str(bela.user_id), str(bela.device_id), str(group_id), "127.0"):
        assert name not in printed


async def test_sockets_and_deliveries_are_counted(http: ClientSession) -> None:
    bela = await Person(http, "bela").sign_up()
    group_id = await bela.create_group()
    before = await scrape(http)
    async with http.ws_connect("/api/v1/events") as socket:
        assert bela.token
        await socket.send_bytes(msgspec.msgpack.encode(Hello(bela.token)))
        assert (await socket.receive(timeout=10)).type is WSMsgType.BINARY, "it is ready"
        assert (await scrape(http))["coterie_sockets_open"] == 1
        await bela.send(group_id)
        assert (await socket.receive(timeout=10)).type is WSMsgType.BINARY
        after = await scrape(http)
    assert after["coterie_deliveries_total"] - before["coterie_deliveries_total"] == 1


async def test_ready_is_who_can_write(http: ClientSession, database_url: str) -> None:
    async with http.get("/readyz") as response:
        assert response.status == 200
        assert await response.json() == {
            "status": "ready",
            "checks": {"database": "ok", "queue": "ok"},
        }
    with psycopg.connect(database_url, autocommit=True) as database:
        name = database.info.dbname
        database.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        database.execute("SET default_transaction_read_only = off")
        database.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    checks = {"database": "unavailable"}
    while checks["database"] == "unavailable":  # until it has other connections
        async with http.get("/readyz") as response:
            assert response.status == 503
            checks = (await response.json())["checks"]
    assert checks == {"database": "read_only", "queue": "ok"}
    async with http.get("/healthz") as response:
        assert response.status == 200, "commands that only read are still answered"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.7"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "chat.example.org"},
        {"Forwarded": "for=192.0.2.7"},
        {"X-Real-IP": "192.0.2.7"},
        {"Host": "chat.example.org"},
        {"Host": "chat.example.org:8440"},
        {"Host": "127.0.0.1.example.org"},
        {"Host": ""},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
async def test_through_a_proxy_there_is_nothing_to_see(
    http: ClientSession, headers: dict[str, str], path: str
) -> None:
    async with http.get(path, headers=headers) as response:
        assert response.status in (400, 404)
        assert "coterie_" not in await response.text()
    async with http.get("/healthz", headers={"X-Forwarded-For": "192.0.2.7"}) as response:
        assert response.status == 200


async def test_a_listener_of_its_own_answers_everybody(
    database_url: str, tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    port = unused_port()
    config = Config(data=tmp_path, database=database_url, port=0, watch=f"127.0.0.1:{port}")
    async with running(config), ClientSession(f"http://127.0.0.1:{port}") as http:
        for path in ("/metrics", "/readyz", "/healthz"):
            async with http.get(path, headers={"Host": "coterie:9440"}) as response:
                assert response.status == 200
        async with http.get("/api/v1/server") as response:
            assert response.status == 404, "and nothing else"


def test_a_listener_has_an_address(tmp_path: Path) -> None:
    for address in ("9440", ":9440", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:http"):
        with pytest.raises(ConfigRefused, match="not an address"):
            Config(data=tmp_path, watch=address)


async def test_a_postgres_started_again_is_counted_and_logged(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--logs", "json") as server:
        async with ClientSession(server.url) as http:
            assert (await scrape(http))["coterie_postgres_restarts_total"] == 0
            await asyncio.to_thread(server.kill_postgres)
            await server.logged("postgres.restarted")
            assert (await scrape(http))["coterie_postgres_restarts_total"] == 1
    events = [json.loads(line) for line in server.logs.splitlines()]
    assert {"postgres.died", "postgres.restarted"} <= {event["event"] for event in events}
    assert all(event["level"] and event["timestamp"] for event in events)

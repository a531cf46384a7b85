"""The server, put together: started, kept running, stopped."""

import asyncio
import gc
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import structlog
import uvloop
from aiohttp import web

from coterie.governance.signatures import public_key
from coterie.protocol.api import PREFIX
from coterie.protocol.errors import Refused
from coterie.server.config import Config, ConfigRefused, split_address
from coterie.server.logs import configure_logs, place_of
from coterie.server.loop import Loop
from coterie.server.metrics import Gauge
from coterie.server.operations import leftovers
from coterie.server.operations.budgets import Budgets
from coterie.server.operations.dispatch import Dispatch
from coterie.server.operations.entrance import Entrance, Policy
from coterie.server.operations.turns import Turns
from coterie.server.operations.upkeep import sweep
from coterie.server.operations.uploads import Uploads
from coterie.server.postgres import Postgres, PostgresUnavailable
from coterie.server.postgres.locks import DataLock
from coterie.server.realtime.committer import Committer, running_committer
from coterie.server.realtime.hub import Hub
from coterie.server.storage.blobs import Blobs
from coterie.server.storage.buckets import BucketRefused
from coterie.server.storage.claims import open_shelf
from coterie.server.storage.conversations import list_conversation_ids
from coterie.server.storage.database import Database, DatabaseUnavailable
from coterie.server.storage.folders import FILES, DataUnusable, require_whole
from coterie.server.storage.keys import KeyUnusable, load_registration_code, load_server_seed
from coterie.server.storage.migrations import SchemaUnusable
from coterie.server.storage.notices import hear_ended
from coterie.server.storage.outbox import Announce, Announcement, SessionsEnded
from coterie.server.storage.server import claim_server_key
from coterie.server.transport.addresses import Addresses
from coterie.server.transport.files import Contents
from coterie.server.transport.health import Health
from coterie.server.transport.http import Commands, refuse, secure
from coterie.server.transport.login import Login
from coterie.server.transport.tus import Tus
from coterie.server.transport.websocket import Events

STOP_SECONDS = 5.0
"""What a request that is being answered gets when the server stops."""
SWEEP_SECONDS = 3600.0
HEAR_AGAIN_SECONDS = 1.0
"""After the connection was lost. What was told meanwhile shows when sessions are looked up."""
BACKLOG = 4096

log = structlog.get_logger()


class CannotServe(Exception):  # noqa: N818 - named after the state it reports
    """Why the server did not start. The message says what to do."""


class Ready(NamedTuple):
    """Requests are taken at `url`; `registration_code` is asked of new accounts, if at all."""

    url: str
    registration_code: str | None


def tell(ready: Ready) -> None:
    if ready.registration_code:
        sys.stdout.write(f"Registration code: {ready.registration_code}\n")
    sys.stdout.write(f"Coterie is ready at {ready.url}\n")
    sys.stdout.flush()


def run(
    config: Config, tell: Callable[[Ready], None] = tell, *, logs_in_json: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT. Raises CannotServe."""
    configure_logs(in_json=logs_in_json)
    try:
        uvloop.run(_serve(config, tell), loop_factory=Loop)
    except (
        BucketRefused,
        ConfigRefused,
        DataUnusable,
        DatabaseUnavailable,
        KeyUnusable,
        PostgresUnavailable,
        SchemaUnusable,
    ) as error:
        raise CannotServe(str(error)) from None


async def _serve(config: Config, tell: Callable[[Ready], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(config) as url:
        code = load_registration_code(config.data) if config.by_invitation else None
        spare_the_collector()
        tell(Ready(url, code))
        await stop.wait()


def spare_the_collector() -> None:
    """What the start has made stays for ever, and what a batch makes is gone with it: both are
    no reason to look through everything, with thousands of connections, again and again."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


@asynccontextmanager
async def running(config: Config) -> AsyncGenerator[str]:
    """A server that answers at the URL given; leaving it stops it, with all it has started."""
    require_whole(config.data)
    async with AsyncExitStack() as stack:
        url = await _find_database(config, stack)
        database = Database(url)
        stack.push_async_callback(database.close)
        await database.open()
        policy = await _policy(config, database)
        hub = Hub()
        committer = await stack.enter_async_context(
            running_committer(url, hub, config.entries_per_second)
        )
        addresses = Addresses(config.proxies, is_local=config.is_local)
        login = Login(database, addresses)
        blobs = Blobs(config.data / FILES, await open_shelf(config.data, config.blobs))
        blobs.prepare()
        stack.push_async_callback(blobs.close)
        announce = _announcer(login.announce, hub.announce, blobs.announce)
        entrance, budgets = Entrance(database, policy), Budgets(config.entries_per_second)
        dispatch = Dispatch(
            database, entrance, committer.send, announce, budgets, policy.server_key
        )
        _in_background(stack, _sweep_for_ever(database))
        _in_background(stack, _hear_for_ever(url, announce))
        _in_background(stack, leftovers.sweep_for_ever(database, blobs))
        health = Health(database, lambda: committer.is_full, _gauges(config, hub, committer))
        if config.watch is not None:
            watch = await _runner(_watched(health), stack)
            await _listen(watch, *split_address(config.watch), "--watch")
        application = _application(config, database, dispatch, login, addresses, hub, blobs, health)
        runner = await _runner(application, stack)
        stack.callback(hub.close)
        await _listen(runner, config.host, config.port, "--port")
        yield config.public_url or _address(runner, config)


def _announcer(*listeners: Announce) -> Announce:
    def announce(announcements: Sequence[Announcement]) -> None:
        for listener in listeners:
            listener(announcements)

    return announce


# --- what it stands on


async def _find_database(config: Config, stack: AsyncExitStack) -> str:
    """The URL of a database that answers: one's own, or the embedded one, started."""
    if config.database is not None:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        stack.callback(DataLock(config.data).take().release)
        return config.database
    postgres = Postgres(config.data)
    await postgres.start()
    stack.push_async_callback(postgres.stop)
    _in_background(stack, postgres.watch())
    return postgres.url


async def _policy(config: Config, database: Database) -> Policy:
    server_key = public_key(load_server_seed(config.data))
    async with database.transaction() as tx:
        if await claim_server_key(tx, server_key) != server_key:
            raise ConfigRefused(
                f"The database was served with another key than {config.data}/server.key. Its"
                " groups trust that key: put the true file back from a backup."
            )
    code = load_registration_code(config.data) if config.by_invitation else ""
    return Policy(config.registration, code, server_key)


def _in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Run beside everything else, until the stack is left."""

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    task = asyncio.create_task(work)
    task.add_done_callback(_log_end)
    stack.push_async_callback(end)


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("background.died", error=type(error).__name__, place=place_of(error))


async def _sweep_for_ever(database: Database) -> None:
    while True:
        with suppress(Refused):
            async with database.transaction() as tx:
                await sweep(tx)
        await asyncio.sleep(SWEEP_SECONDS)


async def _hear_for_ever(url: str, announce: Announce) -> None:
    """Sessions that an operator ends in a process of their own."""
    while True:
        with suppress(DatabaseUnavailable):
            async with aclosing(hear_ended(url)) as ended:
                async for device_id in ended:
                    announce([SessionsEnded(device_id)])
        await asyncio.sleep(HEAR_AGAIN_SECONDS)


# --- what it answers


def _application(
    config: Config,
    database: Database,
    dispatch: Dispatch,
    login: Login,
    addresses: Addresses,
    hub: Hub,
    blobs: Blobs,
    health: Health,
) -> web.Application:
    async def list_conversations(user_id: UUID) -> list[UUID]:
        async with database.transaction() as tx:
            return await list_conversation_ids(tx, user_id)

    turns = Turns()
    commands = Commands(dispatch, login.identify, turns, addresses)
    events = Events(
        hub,
        login.authenticate,
        list_conversations,
        dispatch.ask,
        turns,
        addresses,
        _origins(config),
    )
    application = web.Application(middlewares=[refuse])
    application.on_response_prepare.append(secure)
    application.add_routes(commands.routes())
    application.add_routes([web.get(f"{PREFIX}/events", events.get)])
    uploads = Uploads(database, blobs)
    application.add_routes(Contents(database, blobs, uploads, login.identify).routes())
    application.add_routes(Tus(uploads, login.identify, dispatch.ask).routes())
    application.add_routes(health.public_routes())
    return application


def _watched(health: Health) -> web.Application:
    application = web.Application(middlewares=[refuse])
    application.on_response_prepare.append(secure)
    application.add_routes(health.routes())
    return application


def _gauges(config: Config, hub: Hub, committer: Committer) -> list[Gauge]:
    return [
        Gauge("coterie_sockets_open", "WebSockets open now.", lambda: hub.sockets),
        Gauge("coterie_queue_messages", "Messages in no batch yet.", lambda: committer.waiting),
        Gauge(
            "coterie_disk_free_bytes",
            "Room left on the disk of the data folder.",
            lambda: shutil.disk_usage(config.data).free,
        ),
    ]


async def _runner(application: web.Application, stack: AsyncExitStack) -> web.AppRunner:
    runner = web.AppRunner(
        application, access_log=None, auto_decompress=False, shutdown_timeout=STOP_SECONDS
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner


def _origins(config: Config) -> tuple[str, ...]:
    """Pages that may open the WebSocket, beside those of the host that was asked."""
    if config.public_url is None:
        return ()
    parts = urlsplit(config.public_url)
    return (f"{parts.scheme}://{parts.netloc}",)


async def _listen(runner: web.AppRunner, host: str, port: int, option: str) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
    except OSError as error:
        raise ConfigRefused(
            f"Nothing can listen on {host} port {port}: {error.strerror}."
            f" Choose another with {option}."
        ) from None


def _address(runner: web.AppRunner, config: Config) -> str:
    port = runner.addresses[0][1]
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{port}"

"""Coterie in the load generator of the peers: `adapter.py FOLDER` and then what that takes.

It runs where the generator runs, with nothing of Coterie imported. FOLDER holds the generator;
COTERIE_SEATS names the file that `bench.peers` has written: the port, and who sits in which groups.
"""

# pyright: basic
# The generator has no types.

import asyncio
import base64
import json
import os
import sys
import uuid
from typing import Any

sys.path.insert(0, sys.argv.pop(1))

import loadgen  # pyright: ignore[reportMissingImports]
from adapters import ADAPTERS  # pyright: ignore[reportMissingImports]

NONCE_BYTES, REST_BYTES = 24, 32
MESSAGE = b"\x01"
SHAKE = (
    b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"


class Events(asyncio.Protocol):
    """A WebSocket whose frames go to the sink as they are, after the first: Ready."""

    def __init__(self, token: str, sink: Any) -> None:
        self.ready = asyncio.get_running_loop().create_future()
        self._hello = b"\x92\x64\xd9" + bytes([len(token)]) + token.encode()
        self._sink = sink
        self._shaken = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(SHAKE)

    def data_received(self, data: bytes) -> None:
        if data.endswith(PING):
            self._transport.write(PONG)
        if self.ready.done():
            self._sink.feed(data)
        elif self._shaken:
            self.ready.set_result(None)
        elif data.startswith(b"HTTP/1.1 101"):
            self._shaken = True
            self._transport.write(b"\x82" + bytes([0x80 | len(self._hello)]) + bytes(4))
            self._transport.write(self._hello)
        else:
            self.ready.set_exception(ConnectionError(data[:200]))


class Coterie:
    """One person of one group, on one connection, who sends over another."""

    name = "coterie"
    seats = json.loads(open(os.environ["COTERIE_SEATS"]).read())  # noqa: SIM115
    pidfiles = seats["pidfiles"]

    def __init__(self, user: tuple[str, str, str]) -> None:
        self._token, device_id, _ = user
        self._device = bytes.fromhex(device_id)
        self.groups: list[str] = []
        self.sink: Any = None

    @classmethod
    def group_list(cls, groups: int, members: int) -> list[Any]:
        found: dict[str, list[Any]] = {}
        for seat in cls.seats[f"{groups}x{members}"]:
            found.setdefault(seat[2], []).append(tuple(seat))
        return list(found.items())

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._events = await loop.create_connection(
            lambda: Events(self._token, self.sink), "127.0.0.1", self.seats["port"]
        )
        await self._events.ready

    async def prepare_send(self) -> None:
        self._http = loadgen.Http("127.0.0.1", self.seats["port"])
        await self._http.open()

    async def send(self, group: str, body: str, _mid: int) -> None:
        """Returns when it is acknowledged."""
        header = b"\x01" + bytes.fromhex(group) + bytes(8) + self._device + uuid.uuid4().bytes
        entry = header + MESSAGE + bytes(REST_BYTES + NONCE_BYTES) + body.encode()
        path = f"/api/v1/conversations/{uuid.UUID(group)}/messages"
        message = {"entry": base64.b64encode(entry).decode()}
        status, answer = await self._http.req("POST", path, self._token, message)
        if status != 200:
            raise RuntimeError(answer[:200])


if __name__ == "__main__":
    ADAPTERS["coterie"] = Coterie
    loadgen.main()

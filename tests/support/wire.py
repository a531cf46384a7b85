"""Commands over HTTP, without the SDK: what a client of somebody else's making may send."""

from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from coterie.protocol.api import BY_COMMAND, PREFIX, Endpoint
from coterie.protocol.codec import JSON_ENCODER, REFUSAL_DECODER
from coterie.protocol.commands import Command
from coterie.protocol.errors import Refusal, Refused


class Caller:
    """One session's voice. `token` None is nobody's."""

    def __init__(self, url: str, token: str | None, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.token = token
        self._session = session

    async def call(self, command: Command) -> Any:
        """The result, as its type; raises Refused."""
        answered = await self.ask(command)
        if isinstance(answered, Refusal):
            raise Refused(answered)
        return answered

    async def ask(self, command: Command) -> Any:
        """The result or the refusal."""
        row = BY_COMMAND[type(command)]
        path, query, body = parts(row, command)
        status, content = await self.send(row.method, path, query=query, body=body)
        return decode(row, status, content)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        async with self._session.request(
            method, self.url + PREFIX + path, params=query, data=body, headers=headers
        ) as response:
            return response.status, await response.read()


def parts(row: Endpoint, command: Command) -> tuple[str, dict[str, str], bytes | None]:
    """Path, query and body of a command."""
    fields = msgspec.to_builtins(command)
    named = {name: fields.pop(name) for name in list(fields) if f"{{{name}}}" in row.path}
    path = row.path.format(**named)
    if row.method in ("GET", "DELETE"):
        return path, {name: str(value) for name, value in fields.items() if value is not None}, None
    return path, {}, JSON_ENCODER.encode(fields)


def decode(row: Endpoint, status: int, content: bytes) -> Any:
    if status == 200:
        return msgspec.json.decode(content, type=row.result)
    return REFUSAL_DECODER.decode(content)


def ids(command: Command) -> dict[str, UUID]:
    """The ids a command names, by field."""
    fields = msgspec.structs.asdict(command)
    return {name: value for name, value in fields.items() if isinstance(value, UUID)}

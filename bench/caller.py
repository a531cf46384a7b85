"""Somebody who asks over HTTP, one question after the other on one connection."""

import json
import time
from http.client import HTTPConnection, HTTPResponse
from statistics import median, quantiles
from types import TracebackType
from typing import Any, Self

from bench.stage import Result
from coterie.protocol.api import PREFIX


class Caller:
    def __init__(self, port: int, token: str | None = None) -> None:
        self.token = token
        self.connection = HTTPConnection("127.0.0.1", port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What is answered, which was no refusal."""
        headers = {**self.headers, "Content-Type": "application/json"}
        encoded = None if body is None else json.dumps(body)
        self.connection.request(method, PREFIX + path, encoded, headers)
        return json.loads(self.answer().read())

    def answer(self) -> HTTPResponse:
        response = self.connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"refused: {response.read().decode()}")
        return response

    def time(self, times: int, method: str, path: str) -> Result:
        """Milliseconds that this question takes."""
        taken = [self._timed(method, path) for _ in range(times)]
        return {
            "p50_ms": round(median(taken), 3),
            "p99_ms": round(quantiles(taken, n=100)[-1], 3),
        }

    def _timed(self, method: str, path: str) -> float:
        begin = time.perf_counter()
        self.ask(method, path)
        return (time.perf_counter() - begin) * 1e3

"""An S3 on loopback, as somebody else would run it: moto's. What it holds outlives its stops."""

import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import obstore
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

HOST = "127.0.0.1"
KEY_ID = "AKIAKEYFORTESTS00001"
SECRET = "a/secret+that/stands+in/no+log+and+no+argv"
BUCKET = "files"


class S3:
    """It takes every key, unless it is told to take none."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(HOST, 0, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]
        self._ask("PUT", BUCKET)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def variables(self) -> dict[str, Any]:
        """What a server finds in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
        }

    def store(self, prefix: str = "") -> S3Store:
        """For a look past the server."""
        return S3Store(
            BUCKET,
            prefix=prefix or None,
            endpoint=self.url,
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def held(self, prefix: str) -> dict[str, int]:
        """Names and sizes of the objects below a prefix."""
        listed = obstore.list(self.store(prefix))  # pyright: ignore[reportUnknownMemberType]
        found = listed.collect()
        return {one["path"]: one["size"] for one in found}

    def age(self, prefix: str, name: str, seconds: float) -> None:
        """As if it had been put there so long ago."""
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys
        keys[f"{prefix}/{name}"].last_modified -= timedelta(seconds=seconds)

    @contextmanager
    def down(self) -> Generator[None]:
        """Nobody listens there meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self._server = ThreadedMotoServer(HOST, self.port, verbose=False)
            self._server.start()

    @contextmanager
    def locked(self) -> Generator[None]:
        """It takes no key meanwhile."""
        self._ask("POST", "moto-api/reset-auth", b"0")
        try:
            yield
        finally:
            self._ask("POST", "moto-api/reset-auth", b"inf")

    def stop(self) -> None:
        self._server.stop()

    def _ask(self, method: str, path: str, body: bytes = b"") -> None:
        request = urllib.request.Request(  # noqa: S310 - it is ours, on loopback
            f"{self.url}/{path}", body, {"Content-Type": "text/plain"}, method=method
        )
        urllib.request.urlopen(request).close()  # noqa: S310

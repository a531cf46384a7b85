"""What an operator may choose."""

import ipaddress
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from coterie.protocol import limits
from coterie.server.operations.entrance import Registration

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8440
THIS_MACHINE = ("127.0.0.0/8", "::1")


class ConfigRefused(ValueError):  # noqa: N818 - named after the state it reports
    """The choices do not go together. The message says what to do."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`data` holds keys, files and, without `database`, the embedded PostgreSQL.

    `public_url` is where people reach the server; a proxy in front of it ends TLS. Beyond loopback
    it has to be https unless `insecure` is chosen. Port 0 takes a free one. `entries_per_second` is
    what one account may write in the long run.
    `blobs`, s3://BUCKET/PREFIX, is where files are kept in place of `data`; its keys are in the
    environment.
    `trusted_proxies`, addresses or networks, are believed about whom they speak for; without any,
    and with a `public_url`, a proxy on this machine is.
    At `watch`, HOST:PORT, `/readyz` and `/metrics` are answered for everybody who reaches it.
    """

    data: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    database: str | None = None
    public_url: str | None = None
    registration: Registration = Registration.OPEN
    insecure: bool = False
    entries_per_second: int = limits.ENTRIES_PER_SECOND
    watch: str | None = None
    blobs: str | None = None
    trusted_proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.entries_per_second < 1:
            raise ConfigRefused("Nobody could write: --entries-per-second is at least 1.")
        if self.public_url is not None:
            _require_url(self.public_url)
        if self.watch is not None:
            _require_address(self.watch)
        if self.trusted_proxies:
            _require_proxies(self.trusted_proxies)
            if self.is_local:
                raise ConfigRefused(
                    "Nobody beyond this machine reaches the server, so nobody speaks for others:"
                    " --trusted-proxy goes with --public-url https://…."
                )
        if self.is_local or self.insecure or self.has_tls:
            return
        raise ConfigRefused(
            f"Passwords and tokens would cross the network unprotected: {self.host} is not this"
            " machine alone. Put a proxy with TLS in front and name it with --public-url https://…,"
            " or choose --insecure for a network that you trust."
        )

    def __repr__(self) -> str:
        return f"Config(data={str(self.data)!r}, host={self.host!r}, port={self.port})"

    @property
    def is_local(self) -> bool:
        """Nobody beyond this machine reaches the server, not even through a proxy."""
        reached = self.host if self.public_url is None else urlsplit(self.public_url).hostname
        return _is_loopback(self.host) and _is_loopback(reached or "")

    @property
    def by_invitation(self) -> bool:
        return self.registration is Registration.INVITE

    @property
    def has_tls(self) -> bool:
        return self.public_url is not None and urlsplit(self.public_url).scheme == "https"

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Who is believed about whom they speak for."""
        by_default = THIS_MACHINE if self.public_url is not None else ()
        return tuple(map(ipaddress.ip_network, self.trusted_proxies or by_default))


def _require_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigRefused(f"{url} is not a URL like https://chat.example.org.")


def _require_proxies(proxies: tuple[str, ...]) -> None:
    for proxy in proxies:
        try:
            everybody = ipaddress.ip_network(proxy).prefixlen == 0
        except ValueError as error:
            raise ConfigRefused(
                f"--trusted-proxy takes an address or a network like 10.0.0.0/8: {error}."
            ) from None
        if everybody:
            raise ConfigRefused(f"--trusted-proxy {proxy} would believe everybody about anybody.")


def split_address(address: str) -> tuple[str, int]:
    """The host and the port of HOST:PORT."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _require_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigRefused(f"{address} is not an address like 127.0.0.1:9440.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Whom a request comes from: its peer, or whom a trusted proxy says that it speaks for."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import hdrs, web

from coterie.protocol.limits import ADDRESS_BITS

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOBODY = IPv6Address(0)
"""Of a connection that is gone already."""


class Addresses:
    """`trusted`: who is believed about others, in X-Forwarded-For.

    `is_local`: nobody beyond this machine reaches the server, so that nobody is counted.
    """

    def __init__(self, trusted: Sequence[Network], *, is_local: bool) -> None:
        self._trusted = trusted
        self._is_local = is_local

    def of(self, request: web.Request) -> str | None:
        """By what a request is counted; None for one that cannot have crossed a network."""
        if self._is_local:
            return None
        peer = _read(request.remote or "") or NOBODY
        lines = request.headers.getall(hdrs.X_FORWARDED_FOR, ())
        return counted(sender(peer, ",".join(lines), self._trusted))


def sender(peer: Address, forwarded: str, trusted: Iterable[Network]) -> Address:
    """Who asks: the last address that is none of a trusted proxy's.

    Each proxy adds its own peer at the right of `forwarded` (X-Forwarded-For), so that what stands
    left of somebody who is not trusted is their invention. What is no address names nobody: then it
    is the proxy that said so.
    """
    for text in reversed(forwarded.split(",")):
        if not any(peer in network for network in trusted):
            break
        found = _read(text)
        if found is None:
            break
        peer = found
    return peer


def counted(address: Address) -> str:
    """By what it is counted: whoever has one address of IPv6 has all of its network."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), ADDRESS_BITS), strict=False))


def _read(text: str) -> Address | None:
    """An address, with or without a port behind it; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

"""Promise: nobody chooses the address that they are counted by."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession, TCPConnector
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from coterie.protocol import limits
from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.commands import SignUp
from coterie.server.app import running
from coterie.server.config import Config, ConfigRefused
from coterie.server.transport.addresses import counted, sender

URL = "https://chat.example.org"
PROXY, CDN = ip_network("10.0.0.1"), ip_network("2001:db8:cd::/48")
EVIL, ANNA = "203.0.113.7", "198.51.100.4"


# --- reading the header


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (EVIL, ANNA, EVIL),
        (EVIL, "10.0.0.1", EVIL),
        ("10.0.0.2", ANNA, "10.0.0.2"),
        ("10.0.0.1", EVIL, EVIL),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", f"{ANNA}, {EVIL}", EVIL),
        ("10.0.0.1", f"{ANNA},{EVIL}, 2001:db8:cd::7", EVIL),
        ("10.0.0.1", f"{ANNA}, 2001:db8:cd::7, {EVIL}", EVIL),
        ("10.0.0.1", "10.0.0.1, 2001:db8:cd::7", "10.0.0.1"),
        ("2001:db8:cd::7", "2001:db8::1", "2001:db8::1"),
        ("2001:db8:cd::7", "[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8:cd::7", f"{EVIL}:4711", EVIL),
        ("2001:db8:cd::7", f"::ffff:{EVIL}", EVIL),
        ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", f"{ANNA}, unknown", "10.0.0.1"),
        ("10.0.0.1", f"{ANNA}, ", "10.0.0.1"),
        ("10.0.0.1", f"{ANNA}, {EVIL}x", "10.0.0.1"),
        ("10.0.0.1", f"{ANNA}, 2001:db8:cd::7, _hidden", "10.0.0.1"),
        ("10.0.0.1", f"{ANNA}, _hidden, 2001:db8:cd::7", "2001:db8:cd::7"),
    ],
)
def test_who_asks_is_the_last_who_is_not_trusted(peer: str, forwarded: str, expected: str) -> None:
    assert str(sender(ip_address(peer), forwarded, (PROXY, CDN))) == expected


ADDRESSES = st.ip_addresses().map(str) | st.sampled_from(["10.0.0.1", "2001:db8:cd::7", EVIL])


@given(st.text() | st.lists(ADDRESSES, min_size=1).map(",".join), ADDRESSES)
def test_what_a_stranger_writes_changes_nothing(forged: str, stranger: str) -> None:
    """Directly, and in front of what the proxy adds."""
    address = ip_address(stranger)
    if any(address in network for network in (PROXY, CDN)):
        return
    behind = f"{forged},{address}"
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert sender(address, forged, (PROXY, CDN)) == address
    assert sender(ip_address("10.0.0.1"), behind, (PROXY, CDN)) == mapped


def test_an_address_of_ipv6_counts_as_its_network() -> None:
    assert counted(ip_address(EVIL)) == EVIL
    one, same, other = (f"2001:db8::{host}" for host in ("1", "ffff:0:0:1", "1:0:0:0:1"))
    assert counted(ip_address(one)) == counted(ip_address(same)) == "2001:db8::/64"
    assert counted(ip_address(other)) == "2001:db8:0:1::/64"
    assert counted(ip_address("fe80::1%eth0")) == "fe80::/64"


# --- at a server


class Caller:
    """Signs up, from an address of this machine, as somebody who cannot be: that counts too."""

    def __init__(self, http: ClientSession) -> None:
        self._http = http

    async def may_sign_up(self, *forwarded: str) -> bool:
        nobody = SignUp(
            user_id=uuid4(),
            username=limits.RESERVED_USERNAMES[0],
            password="not a password",
            device_id=uuid4(),
            device_key=bytes(32),
            certificate=bytes(137),
            device_list=bytes(1),
            sealed_identity=bytes(72),
        )
        body = JSON_ENCODER.encode(nobody)
        headers = CIMultiDict({"Content-Type": "application/json"})
        headers.extend(("X-Forwarded-For", line) for line in forwarded)
        async with self._http.post("/api/v1/accounts", data=body, headers=headers) as response:
            assert response.status in (409, 429), await response.text()
            return response.status == 409

    async def spend_all(self, *forwarded: str) -> None:
        most, _ = limits.SIGNUPS_PER_ADDRESS
        for _ in range(most):
            assert await self.may_sign_up(*forwarded)


@asynccontextmanager
async def calling(url: str, address: str = "127.0.0.1") -> AsyncGenerator[Caller]:
    connector = TCPConnector(local_addr=(address, 0))
    async with ClientSession(url, connector=connector) as http:
        yield Caller(http)


@asynccontextmanager
async def serving(database_url: str, data: Path, port: int, *trusted: str) -> AsyncGenerator[str]:
    config = Config(
        data=data, database=database_url, port=port, public_url=URL, trusted_proxies=trusted
    )
    async with running(config):
        yield f"http://127.0.0.1:{port}"


async def test_without_a_choice_a_proxy_on_this_machine_is_believed(
    database_url: str, tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    async with serving(database_url, tmp_path, unused_port()) as url, calling(url) as proxy:
        for number in range(limits.SIGNUPS_PER_ADDRESS[0]):
            assert await proxy.may_sign_up(f"10.0.0.{number}, {EVIL}")
        assert not await proxy.may_sign_up(f"10.9.9.9, {EVIL}"), "what the proxy added counts"
        assert not await proxy.may_sign_up(f"10.9.9.9, {EVIL}:4711"), "with a port too"
        assert not await proxy.may_sign_up(ANNA, EVIL), "in a line of its own too"
        assert await proxy.may_sign_up(ANNA)


async def test_who_is_not_named_speaks_for_nobody(
    database_url: str, tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    """Not even from this machine, once the operator has named the proxies."""
    async with (
        serving(database_url, tmp_path, unused_port(), "127.0.0.7") as url,
        calling(url, "127.0.0.8") as stranger,
        calling(url, "127.0.0.7") as proxy,
    ):
        for number in range(limits.SIGNUPS_PER_ADDRESS[0]):
            assert await stranger.may_sign_up(f"198.51.100.{number}")
        assert not await stranger.may_sign_up(ANNA), "a header buys no more"
        assert not await proxy.may_sign_up("127.0.0.8"), "the stranger, by the proxy this time"
        assert await proxy.may_sign_up("198.51.100.1"), "they have cost nobody else anything"


async def test_a_chain_is_read_from_its_end_and_by_networks(
    database_url: str, tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    trusted = ("127.0.0.0/30", "2001:db8:cd::/48")
    async with (
        serving(database_url, tmp_path, unused_port(), *trusted) as url,
        calling(url, "127.0.0.2") as proxy,
    ):
        await proxy.spend_all("2001:db8:bad::1, 2001:db8:cd::7")
        assert not await proxy.may_sign_up(f"{ANNA}, 2001:db8:bad:0:ffff::2, 2001:db8:cd::8")
        assert await proxy.may_sign_up("2001:db8:bad:1::1, 2001:db8:cd::7")
        await proxy.spend_all(f"{ANNA}, who knows")
        assert not await proxy.may_sign_up("\tnobody\t"), "what names nobody is the proxy's"
        assert await proxy.may_sign_up(ANNA)


# --- what may be chosen


@pytest.mark.parametrize("proxy", ["", "caddy", "10.0.0.5/8", "10.0.0.0/33", "0.0.0.0/0", "::/0"])
def test_a_proxy_is_an_address_or_a_network(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(ConfigRefused, match="--trusted-proxy"):
        Config(data=tmp_path, public_url=URL, trusted_proxies=("127.0.0.1", proxy))


def test_where_nobody_is_counted_a_proxy_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="--public-url"):
        Config(data=tmp_path, trusted_proxies=("127.0.0.1",))
    assert Config(data=tmp_path, host="10.0.0.2", insecure=True).proxies == ()

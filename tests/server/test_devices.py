"""Key packages: published by their device, given out once, the last resort again and again."""

import asyncio
import time

import pytest

from coterie.governance.leaves import CAPABILITIES, new_seat, seat_extension
from coterie.mls import Capabilities, new_key_package
from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.errors import CommitRefused, LimitReached, Malformed, NotFound
from tests.server.client import DAYS, MLS_SUITE, NewPerson, Person, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


def publishing(*packages: bytes, last_resort: bytes | None = None) -> c.PublishKeyPackages:
    return c.PublishKeyPackages(key_packages=list(packages), last_resort=last_resort)


async def claim(person: Person, of: Person) -> list[bytes]:
    return (await person.ask(c.ClaimKeyPackages(user_id=of.user_id))).key_packages


async def test_each_package_is_given_once_and_then_the_last_resort(
    new_person: NewPerson,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    assert (await chen.publish(2)).key_packages == 2
    claims = await asyncio.gather(*(claim(bela, chen) for _ in range(5)))
    given = [package for (package,) in claims]
    counts = sorted(given.count(package) for package in set(given))
    assert counts == [1, 1, 3], "two once, the last resort three times"
    assert (await chen.ask(c.GetAccount())).key_packages == 0
    claimed = await bela.ask(c.ClaimKeyPackages(user_id=chen.user_id))
    assert claimed.device_list == chen.devices.encode()


async def test_publishing_again_adds_nothing_and_a_new_last_resort_replaces(
    new_person: NewPerson,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    one = chen.package().package.encoded
    first, second = (chen.package(last_resort=True).package.encoded for _ in range(2))
    for _ in range(2):
        assert (await chen.ask(publishing(one, last_resort=first))).key_packages == 1
    await chen.ask(publishing(last_resort=second))
    assert await claim(bela, chen) == [one]
    assert await claim(bela, chen) == [second]


async def test_a_pool_has_an_end(new_person: NewPerson) -> None:
    chen = await new_person("chen")
    most = limits.KEY_PACKAGES_PER_DEVICE
    many = [chen.package().package.encoded for _ in range(most)]
    assert (await chen.ask(publishing(*many))).key_packages == most
    one_more = publishing(chen.package().package.encoded)
    assert await refusal(chen.ask(one_more)) == LimitReached("key packages", most)


async def test_a_package_that_nobody_could_use_is_refused(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    now = int(time.time())
    whole = chen.package().package.encoded
    refused = {
        "another's": bela.package().package.encoded,
        "expired": chen.package(not_before=now - 40 * DAYS).package.encoded,
        "not yet": chen.package(not_before=now + 3600).package.encoded,
        "too long": chen.package(days=91).package.encoded,
        "damaged": whole[:-1] + bytes([whole[-1] ^ 1]),
        "none": b"no key package",
        "marked as last resort": chen.package(last_resort=True).package.encoded,
    }
    for what, package in refused.items():
        assert isinstance(await refusal(chen.ask(publishing(package))), Malformed), what
    unmarked = publishing(last_resort=whole)
    assert isinstance(await refusal(chen.ask(unmarked)), Malformed)
    strange = new_key_package(
        MLS_SUITE,
        chen.certificate.encode(),
        chen.seed,
        capabilities=Capabilities(
            versions=(1,),
            cipher_suites=(1, 3),
            extensions=CAPABILITIES.extensions,
            proposals=(),
            credentials=(1,),
        ),
        lifetime=(now - 60, now + DAYS),
        leaf_extensions=[seat_extension(new_seat())],
    )
    refusal_ = await refusal(chen.ask(publishing(strange.package.encoded)))
    assert isinstance(refusal_, CommitRefused)
    assert refusal_.rule == "leaf.capabilities"
    assert (await chen.ask(publishing(whole))).key_packages == 1, "none of those was kept"


async def test_of_ones_own_devices_the_one_that_asks_is_left_out(new_person: NewPerson) -> None:
    chen = await new_person("chen")
    await chen.publish()
    assert await claim(chen, chen) == []


async def test_nobody_has_no_packages(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    asked = c.ClaimKeyPackages(user_id=bela.device_id)
    assert await refusal(bela.ask(asked)) == NotFound("user")

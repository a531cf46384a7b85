"""A server that lies about who somebody is, and what a client makes of it."""

from uuid import uuid4

import pytest
from msgspec.structs import replace

from coterie.governance.device_lists import first_device_list
from coterie.governance.signatures import new_key
from coterie.protocol.commands import (
    ClaimedKeyPackages,
    ClaimKeyPackages,
    GetUser,
    ListMembers,
    Member,
    Members,
    User,
)
from coterie.sdk import Client
from coterie.sdk.errors import (
    BadAnswer,
    ClientError,
    IdentityChanged,
    NoKeys,
    WrongSafetyNumber,
)
from coterie.sdk.key_packages import make_key_package
from tests.sdk.people import People, gather_in, look, texts
from tests.sdk.proxy import Liar


async def test_a_changed_identity_stops_sending_everywhere_until_accepted(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    await dora.send("@anna", "hi")
    _, key = new_key()

    def forge(true: Members, _: dict[str, str]) -> Members:
        return replace(
            true,
            members=[
                replace(one, identity_key=key) if one.username == "anna" else one
                for one in true.members
            ],
        )

    liar[0].forge(ListMembers, forge)
    await dora.members(club)
    for target in (club, "@anna"):
        with pytest.raises(IdentityChanged, match="trust anna"):
            await dora.send(target, "is it you?")
    liar[0].be_honest()
    with pytest.raises(IdentityChanged):
        await dora.send(club, "still not")


async def test_a_name_that_moves_to_somebody_else_is_noticed(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """First contact pins; then the server calls bela by anna's name."""
    await dora.send("@anna", "hi")

    def forge(true: Members, _: dict[str, str]) -> Members:
        names = {bela.user_id: "anna"}
        return replace(
            true,
            members=[
                replace(one, username=names.get(one.user_id, one.username)) for one in true.members
            ],
        )

    liar[0].forge(ListMembers, forge)
    club = await gather_in("club", bela, dora)
    shown = {member.username for member in await dora.members(club)}
    assert shown == {"dora", str(bela.user_id)}, "the name stays with whom it was seen first"
    with pytest.raises(IdentityChanged):
        await dora.send(club, "who are you?")
    with pytest.raises(IdentityChanged):
        await dora.send("@anna", "and you?")
    seen = await dora.changed_identity("anna")
    assert seen.number == (await bela.safety_number("dora")).number
    await dora.accept_identity("anna", seen.number)
    await dora.send(club, "hello, new anna")


async def test_the_identity_that_is_accepted_is_the_one_that_was_compared(
    liar: Liar, anna: Client, dora: Client
) -> None:
    """The server shows another key once the person has looked."""
    club = await gather_in("club", anna, dora)
    await dora.members(club)
    before = await dora.safety_number("anna")
    true, false = new_key()[1], new_key()[1]

    async def show(key: bytes) -> str:
        def changed(one: Member) -> Member:
            return replace(one, identity_key=key) if one.username == "anna" else one

        liar[0].forge(
            ListMembers, lambda told, _: replace(told, members=[*map(changed, told.members)])
        )
        await dora.members(club)
        return (await dora.changed_identity("anna")).number

    compared, swapped = await show(true), await show(false)
    assert len({before.number, compared, swapped}) == 3
    for number in (compared, before.number, "", "1" * 60):
        with pytest.raises(WrongSafetyNumber):
            await dora.accept_identity("anna", number)
    assert await dora.safety_number("anna") == before
    assert await show(true) == compared
    await dora.accept_identity("anna", compared)
    now = await dora.safety_number("anna")
    assert (now.number, now.verified) == (compared, True)


async def test_keys_of_somebody_else_are_not_used(liar: Liar, anna: Client, dora: Client) -> None:
    """The server answers with a package of its own making, under the right name."""
    await dora.block("anna")  # a first contact, so that anna is pinned
    await dora.unblock("anna")
    seed, _ = new_key()
    device_id = uuid4()

    def forge(true: ClaimedKeyPackages, _: dict[str, str]) -> ClaimedKeyPackages:
        devices = first_device_list(seed, anna.user_id, device_id, new_key()[1], 1)
        return replace(true, device_list=devices.encode())

    liar[0].forge(ClaimKeyPackages, forge)
    with pytest.raises(IdentityChanged):
        await dora.send("@anna", "secret")
    assert await anna.groups() == []


async def test_packages_without_a_certificate_are_not_used(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    await people.meet("mallory")
    package = await _package_of(people, "mallory")
    liar[0].forge(
        ClaimKeyPackages, lambda true, _: replace(true, key_packages=[package, b"\x00" * 9])
    )
    with pytest.raises(NoKeys):
        await dora.send("@anna", "secret")


async def test_a_user_whose_device_list_is_not_theirs_is_refused(
    liar: Liar, anna: Client, dora: Client
) -> None:
    def forge(true: User, _: dict[str, str]) -> User:
        return replace(true, identity_key=new_key()[1])

    liar[0].forge(GetUser, forge)
    with pytest.raises(ClientError, match="device list"):
        await dora.send("@anna", "hi")


async def test_who_is_asked_for_by_one_name_is_told_of_by_no_other(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """Else bela would be pinned under her own name, and be whoever is asked for next."""
    devices: dict[str, User] = {}
    liar[0].forge(GetUser, lambda true, path: devices.setdefault(path["username"], true))
    await dora.block("bela")
    liar[0].forge(GetUser, lambda _, path: devices["bela"])
    with pytest.raises(BadAnswer, match="another"):
        await dora.send("@anna", "a secret")
    assert await bela.people() == await anna.people() == []
    liar[0].be_honest()
    await dora.send("@anna", "a secret")
    assert await texts(anna, "@dora") == ["a secret"]


async def _package_of(people: People, username: str) -> bytes:
    client = people.again(username)
    club = await client.create_group("own")
    return await look(
        people.homes / username,
        str(club.group_id),
        lambda log: make_key_package(log.account).package.encoded,
    )

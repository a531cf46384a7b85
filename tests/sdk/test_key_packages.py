"""The packages by which somebody is written to first: taken away, they come back."""

import pytest

from coterie.protocol.commands import Account, ClaimedKeyPackages, ClaimKeyPackages, GetAccount
from coterie.protocol.errors import RateLimited, Refused
from coterie.protocol.limits import KEY_CLAIMS_PER_PERSON, KEY_PACKAGE_POOL
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.profile import Profile
from coterie.sdk.vault.key_packages import list_key_packages
from tests.sdk.people import People, texts


async def take(people: People, taker: str, whose: Client) -> ClaimedKeyPackages:
    profile = open_profile(people.homes / taker)
    try:
        command = ClaimKeyPackages(user_id=whose.user_id)
        return await profile.connection.call(command, ClaimedKeyPackages)
    finally:
        await profile.close()


async def left(profile: Profile) -> int:
    return (await profile.connection.call(GetAccount(), Account)).key_packages


async def last_resorts(profile: Profile) -> int:
    packages = await profile.vault.read(list_key_packages)
    return sum(last_resort for _, _, last_resort in packages)


async def test_who_takes_all_packages_stops_nobody(people: People, anna: Client) -> None:
    """Two who take as much as one may; what is left, the one of last resort, serves the others."""
    takers, (most, _) = ("bela", "chen"), KEY_CLAIMS_PER_PERSON
    profile = open_profile(people.homes / "anna")
    for taker in takers:
        await people.meet(taker)
        given = [(await take(people, taker, anna)).key_packages for _ in range(most)]
        assert len({one for (one,) in given}) == most
        with pytest.raises(Refused) as refused:
            await take(people, taker, anna)
        assert isinstance(refused.value.refusal, RateLimited), "or one alone could take all"
    assert await left(profile) == KEY_PACKAGE_POOL - most * len(takers) == 0
    friends = [await people.meet(name) for name in ("dora", "emil")]
    for friend in friends:
        await friend.send("@anna", "there you are")
    for friend in friends:
        assert await texts(anna, f"@{friend.username}") == ["there you are"]
    assert await left(profile) == KEY_PACKAGE_POOL
    assert await last_resorts(profile) == 2, "a new one is published, the used one opens what comes"
    await profile.close()


async def test_a_pool_that_was_emptied_in_silence_is_filled_up(
    people: People, anna: Client, bela: Client
) -> None:
    """Whoever takes packages need not write: no Welcome tells of it."""
    profile = open_profile(people.homes / "anna")
    for _ in range(KEY_CLAIMS_PER_PERSON[0]):
        await take(people, "bela", anna)
    assert await left(profile) == KEY_PACKAGE_POOL // 2
    await anna.sync()
    assert await left(profile) == KEY_PACKAGE_POOL
    assert await last_resorts(profile) == 1, "it was not used"
    await profile.close()

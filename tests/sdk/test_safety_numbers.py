"""Safety numbers: the same on both sides, another for every other key."""

from hashlib import blake2b
from uuid import UUID, uuid4

import pytest

from coterie.protocol.errors import Refused
from coterie.sdk import Client
from coterie.sdk.errors import BadTarget, NotFoundHere, WrongSafetyNumber
from coterie.sdk.safety_numbers import is_same_number, safety_number
from coterie.sdk.vault.records import Principal
from tests.sdk.people import People

ANNA = Principal(UUID(int=1), bytes(range(32)))
BELA = Principal(UUID(int=2), bytes(32))


def test_it_has_the_digits_of_the_protocol() -> None:
    pairs = UUID(int=1).bytes + bytes(range(32)) + UUID(int=2).bytes + bytes(32)
    digest = blake2b(b"coterie/1 safety number" + pairs, digest_size=60).digest()
    five = [int.from_bytes(digest[at : at + 5], "big") % 100_000 for at in range(0, 60, 5)]
    assert safety_number(ANNA, BELA) == " ".join(f"{one:05}" for one in five)
    assert [len(group) for group in safety_number(ANNA, BELA).split(" ")] == [5] * 12


def test_it_is_of_two_and_says_which() -> None:
    number = safety_number(ANNA, BELA)
    assert number == safety_number(BELA, ANNA)
    others = [
        Principal(BELA.user_id, bytes([1]) + bytes(31)),
        Principal(uuid4(), BELA.identity_key),
        Principal(ANNA.user_id, BELA.identity_key),
    ]
    assert len({number, *(safety_number(ANNA, other) for other in others)}) == 4


def test_it_may_be_spaced_otherwise() -> None:
    number = safety_number(ANNA, BELA)
    for typed in (number.replace(" ", ""), number.replace(" ", "\n"), f" {number} "):
        assert is_same_number(number, typed)
    for typed in ("", number[:-1], number + "0", number.replace(" ", "-")):
        assert not is_same_number(number, typed)


async def test_two_see_the_same_and_it_stays_verified(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    seen = await anna.safety_number("@bela")
    assert seen.number == (await bela.safety_number("anna")).number
    assert seen.number != (await anna.safety_number("chen")).number
    with pytest.raises(WrongSafetyNumber):
        await anna.verify_identity("chen", seen.number)
    await anna.verify_identity("bela", seen.number)
    async with people.again("anna") as later:
        assert (await later.safety_number("bela")).verified
        assert not (await later.safety_number("chen")).verified


async def test_there_is_none_with_oneself_with_nobody_or_of_an_identity_never_seen(
    anna: Client, bela: Client
) -> None:
    with pytest.raises(BadTarget):
        await anna.safety_number("anna")
    with pytest.raises(Refused):
        await anna.safety_number("nobody")
    for _ in range(2):
        with pytest.raises(NotFoundHere, match="has not changed"):
            await anna.changed_identity("bela")
        with pytest.raises(NotFoundHere, match="has not changed"):
            await anna.accept_identity("bela", "1" * 60)
        await anna.safety_number("bela")

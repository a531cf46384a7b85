"""Leaving: whoever left reads nothing more, however many they are."""

import pytest
from aiohttp import ClientSession

from coterie.protocol.limits import PROPOSALS_PER_COMMIT
from coterie.sdk import Client
from coterie.sdk.link_keys import LinkKeys
from tests.sdk.people import People, texts
from tests.server.client import Link, Person


@pytest.mark.timeout(300)
async def test_more_may_leave_than_one_commit_takes(people: People, anna: Client) -> None:
    group = await anna.create_group("crowd")
    made = (await anna.create_invite("crowd")).link
    keys = LinkKeys(made.secret)
    link = Link(made.code, keys.signing_seed, keys.invite_key)
    async with ClientSession(people.server) as http:
        crowd = [Person(http, f"p{number}") for number in range(PROPOSALS_PER_COMMIT + 1)]
        for person in crowd:
            await person.sign_up()
            await person.join(link)
        for person in crowd:
            await person.ask(person.departure(group.group_id))

    await anna.send("crowd", "anybody here?")

    assert await texts(anna, "crowd") == ["anybody here?"]
    assert [one.username for one in await anna.members("crowd")] == ["anna"]

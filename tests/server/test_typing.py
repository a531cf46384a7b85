"""Showing that one types, through the server: to whom one may write, and so often."""

import pytest

from coterie.protocol import commands as c
from coterie.protocol.errors import NotFound, RateLimited
from coterie.protocol.limits import TYPING_PER_ACCOUNT
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, group_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_it_is_shown_so_often_and_to_no_stranger(new_person: NewPerson) -> None:
    alice, bela, chen = [await new_person(name) for name in ("alice", "bela", "chen")]
    group = await group_of(alice, (bela, Role.MEMBER))
    typing = c.ShowTyping(conversation_id=group)
    most, _ = TYPING_PER_ACCOUNT
    for _ in range(most):
        assert await bela.ask(typing) == c.Done()
    assert isinstance(await refusal(bela.ask(typing)), RateLimited)
    assert await alice.ask(typing) == c.Done(), "each has a budget of their own"
    assert await refusal(chen.ask(typing)) == NotFound("conversation")

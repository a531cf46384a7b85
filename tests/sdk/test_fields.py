"""Half a character, as Python makes of a stray byte: no bytes stand for it, so it is refused."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.sdk.errors import BadInput, ClientError
from tests.sdk.people import PASSWORD, People, gather_in, texts

HALF = "half \udce4 character"
Act = Callable[[Client, str, int], Awaitable[object]]
REFUSED: dict[str, Act] = {
    "a message": lambda anna, club, _: anna.send(club, HALF),
    "a message to somebody": lambda anna, _, __: anna.send("@bela", HALF),
    "a draft": lambda anna, club, _: anna.keep_draft(club, HALF),
    "an edit": lambda anna, club, sent: anna.edit(club, sent, HALF),
    "a reaction": lambda anna, club, sent: anna.react(club, sent, HALF),
    "a new group's name": lambda anna, _, __: anna.create_group(HALF),
    "a new group's description": lambda anna, _, __: anna.create_group("g", HALF),
    "a group's name": lambda anna, club, _: anna.update_group(club, name=HALF),
    "a description": lambda anna, club, _: anna.update_group(club, description=HALF),
    "a reason to kick": lambda anna, club, _: anna.kick(club, "bela", HALF),
    "a reason to ban": lambda anna, club, _: anna.ban(club, "bela", HALF),
    "a link to keep": lambda anna, club, _: anna.ban(club, "bela", keep_invites=[HALF]),
    "a link to close": lambda anna, club, _: anna.revoke_invite(club, HALF),
    "a link to join by": lambda anna, _, __: anna.join(HALF),
    "a link's code": lambda anna, _, __: anna.join(f"{anna.server}/join/{HALF}#{HALF}"),
    "a person to write to": lambda anna, _, __: anna.send(f"@{HALF}", "hi"),
    "a person to promote": lambda anna, club, _: anna.set_role(club, HALF, Role.ADMIN),
    "a person to block": lambda anna, _, __: anna.block(HALF),
    "a person to trust": lambda anna, _, __: anna.accept_identity(HALF, "1"),
    "a number to trust": lambda anna, _, __: anna.verify_identity("bela", HALF),
    "a person to verify": lambda anna, _, __: anna.safety_number(HALF),
    "a group to read": lambda anna, _, __: anna.read(HALF),
    "a person to read": lambda anna, _, __: anna.read(f"@{HALF}"),
    "a password": lambda anna, _, __: anna.log_in(HALF),
    "a recovery code": lambda anna, _, __: anna.check_recovery(HALF),
}


async def test_half_a_character_is_refused_wherever_it_is_typed(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    sent = (await anna.send(club, "whole")).message_id
    for what, act in REFUSED.items():
        try:
            await act(anna, club, sent)
        except ClientError:
            continue
        except UnicodeError as error:
            pytest.fail(f"{what}: {error!r}")
        pytest.fail(f"{what} was not refused")
    assert await anna.search(HALF) == []
    await anna.send(club, "still here")
    assert await texts(bela, club) == ["whole", "still here"], "and nothing was lost by it"
    assert [group.name for group in await anna.groups()] == ["club"]
    assert await bela.people() == []


async def test_nobody_signs_up_by_half_a_name(people: People, tmp_path: Path) -> None:
    for name, password in ((f"a{HALF}", PASSWORD), ("anna", HALF)):
        with pytest.raises(BadInput, match="half a character"):
            await Client.sign_up(tmp_path / "home", people.server, name, password)
    client, _ = await Client.sign_up(tmp_path / "home", people.server, "anna", PASSWORD)
    await client.close()

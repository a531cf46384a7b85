"""Signing up, logging in, and what is left when either fails."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from coterie.protocol.errors import Refused, Unauthenticated, UsernameTaken, WrongCredentials
from coterie.protocol.header import EntryKind
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import AlreadySignedUp, BadInput, NotSignedUp, ServerUnreachable
from coterie.sdk.outgoing import ABANDONED, new_client_id
from coterie.sdk.recovery import BadRecoveryCode, WrongRecoveryCode, new_recovery_code
from coterie.sdk.vault.outbox import list_outgoing, put_outgoing
from coterie.sdk.vault.records import OutboxRecord
from tests.sdk.people import PASSWORD, People, gather_in, texts


async def test_a_profile_opens_as_who_signed_up(people: People, anna: Client) -> None:
    again = people.again("anna")
    assert (again.user_id, again.device_id) == (anna.user_id, anna.device_id)
    assert (again.username, again.server) == ("anna", people.server)


def test_a_profile_without_an_account_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotSignedUp, match="signup"):
        Client.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists(), "looking makes nothing"


async def test_a_profile_belongs_to_one_account(people: People, anna: Client) -> None:
    await anna.log_out()
    for name in ("anna", "else"):
        with pytest.raises(AlreadySignedUp):
            await Client.sign_up(people.homes / "anna", people.server, name, PASSWORD)
    assert people.again("anna").user_id == anna.user_id, "its keys are still there"


async def test_the_recovery_code_is_given_again_until_it_is_forgotten(people: People) -> None:
    home = people.homes / "x"
    client, code = await Client.sign_up(home, people.server, "xenia", PASSWORD)
    await client.close()

    for name, password in (("other", PASSWORD), ("xenia", "not the password")):
        with pytest.raises(AlreadySignedUp):
            await Client.sign_up(home, people.server, name, password)
    again, same = await Client.sign_up(home, people.server, "xenia", PASSWORD)
    assert (same.words, again.device_id) == (code.words, client.device_id)
    await again.forget_recovery_code()
    await again.close()

    with pytest.raises(AlreadySignedUp):
        await Client.sign_up(home, people.server, "xenia", PASSWORD)


async def test_a_session_that_ended_unheard_is_ended(people: People, anna: Client) -> None:
    other = people.again("anna")
    await anna.log_out()
    await other.log_out()
    assert not open_profile(people.homes / "anna").account.token


async def test_a_taken_name_leaves_the_profile_free(people: People, anna: Client) -> None:
    home = people.homes / "second"
    with pytest.raises(Refused) as caught:
        await Client.sign_up(home, people.server, "anna", PASSWORD)
    assert isinstance(caught.value.refusal, UsernameTaken)
    with pytest.raises(NotSignedUp):
        Client.open(home)
    await people.meet("second")


async def test_what_breaks_a_limit_is_said_in_words(people: People) -> None:
    with pytest.raises(BadInput, match="password"):
        await Client.sign_up(people.homes / "x", people.server, "short", "2short")
    with pytest.raises(BadInput, match="username"):
        await Client.sign_up(people.homes / "z", people.server, "anna\n", PASSWORD)
    with pytest.raises(BadInput, match="username"):
        await Client.sign_up(people.homes / "y", people.server, "No Such Name", PASSWORD)


async def test_a_session_ends_and_begins_again(people: People, anna: Client) -> None:
    await anna.create_group("club")
    await anna.log_out()
    with pytest.raises(Refused) as caught:
        await anna.send("club", "hi")
    assert isinstance(caught.value.refusal, Unauthenticated)
    with pytest.raises(Refused) as caught:
        await anna.log_in("not the password")
    assert isinstance(caught.value.refusal, WrongCredentials)
    await anna.log_in(PASSWORD)
    await anna.send("club", "hi")
    assert await texts(people.again("anna"), "club") == ["hi"], "all of it was kept"


async def test_the_recovery_code_opens_the_identity(people: People) -> None:
    client, code = await Client.sign_up(people.homes / "x", people.server, "xenia", PASSWORD)
    async with client:
        await client.check_recovery(code.words)
        await client.check_recovery(code.text)
        with pytest.raises(WrongRecoveryCode):
            await client.check_recovery(new_recovery_code().words)
        with pytest.raises(BadRecoveryCode):
            await client.check_recovery("abandon " * 23)


async def test_a_server_that_is_not_there_is_given_up_on(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match="address"):
        await Client.sign_up(tmp_path / "x", "http://127.0.0.1:9", "anna", PASSWORD)


async def test_what_a_dead_process_left_in_the_outbox_is_sent_once(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    long_ago = int(ABANDONED / timedelta(milliseconds=1)) + 1000
    client_id = UUID(int=new_client_id().int - (long_ago << 80))
    profile = open_profile(people.homes / "anna")
    for one, text in ((client_id, "left behind"), (new_client_id(), "on its way elsewhere")):
        outgoing = OutboxRecord(
            client_id=one, conversation_id=UUID(club), kind=EntryKind.MESSAGE, text=text
        )
        await profile.vault.write(lambda tx, outgoing=outgoing: put_outgoing(tx, outgoing))
    for _ in range(2):
        await anna.sync()
    assert await texts(bela, club) == ["left behind"], "another process still sends the other"
    assert len(await profile.vault.read(list_outgoing)) == 1
    await profile.close()

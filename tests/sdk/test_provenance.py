"""By whose word somebody goes, and by whose word a device speaks: a client shows both."""

import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from coterie.governance.certificates import Certificate, certify_provisionally
from coterie.governance.leaves import CAPABILITIES, members_of, new_seat, seat_extension
from coterie.governance.makers import extensions_for
from coterie.governance.signatures import hash_of, new_key
from coterie.governance.warrants import (
    ServerStatementKind,
    encode_warrants,
    sign_server_statement,
)
from coterie.mls import Group
from coterie.protocol.chain import next_link
from coterie.protocol.commands import AdvanceEpoch, Entries, Entry, ListEntries, Ordered
from coterie.protocol.header import EntryKind, Header
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.content import Body, DeviceListRef, Head, content_key, seal_entry
from coterie.sdk.log import Log
from coterie.sdk.outgoing import new_client_id
from coterie.sdk.pending import on_the_wire
from tests.sdk.people import People, gather_in, look
from tests.sdk.proxy import Proxy


async def test_a_removal_by_the_servers_word_is_said_to_be_one(
    people: People, anna: Client, bela: Client, chen: Client, tmp_path: Path
) -> None:
    """The server ends bela's account; chen's client commits what follows from it."""
    club = await gather_in("club", anna, bela, chen)
    server_seed = bytes.fromhex((tmp_path / "server" / "server.key").read_text())

    def remove_bela(log: Log) -> AdvanceEpoch:
        (key,) = (
            key
            for key, (seat, *_) in members_of(log.public.tree).items()
            if seat.user_id == bela.user_id
        )
        kind = ServerStatementKind.ACCOUNT_ENDED
        statement = sign_server_statement(server_seed, kind, log.conversation_id.bytes, key)
        leaves = [seat.leaf_index for seat in members_of(log.public.tree)[key]]
        made = log.group.commit(
            removes=leaves,
            group_context_extensions=extensions_for(log.public, log.state, leaves),
            authenticated_data=encode_warrants([statement]),
        )
        return AdvanceEpoch(conversation_id=log.conversation_id, commit=on_the_wire(made))

    await anna.read(club)
    command = await look(people.homes / "chen", club, remove_bela)
    profile = open_profile(people.homes / "chen")
    await profile.connection.call(command, Ordered)
    await profile.close()
    await anna.send(club, "where is bela?")
    assert (
        "The server removed bela or a device of theirs, and no member did." in anna.pop_warnings()
    )
    assert (await anna.group(club)).removed_by_server == ("bela",)
    await anna.read(club)
    assert anna.pop_warnings() == [], "it is said once, and shown with the group"
    await bela.join(str((await anna.create_invite(club)).link))
    assert (await anna.group(club)).removed_by_server == (), "until they come again"


async def test_a_removal_by_a_member_is_not_said_to_be_the_servers(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await anna.kick(club, "bela")
    await chen.leave(club)
    await anna.send(club, "alone")
    assert (await anna.group(club)).removed_by_server == ()
    assert anna.pop_warnings() == []


class Approved:
    """A second device of anna's, which the first has vouched for: it enters, and speaks."""

    def __init__(self, log: Log) -> None:
        self._seed, key = new_key()
        issuer = Certificate.decode(log.account.certificate)
        later = time.time_ns() // 1_000_000 + 1
        device_id = uuid4()
        self._certificate = certify_provisionally(
            log.account.device_seed, issuer, device_id, key, later
        )
        self._entered = Group.join_externally(
            log.group.group_info(),
            self._certificate.encode(),
            self._seed,
            capabilities=CAPABILITIES,
            leaf_extensions=[seat_extension(new_seat())],
            authenticated_data=encode_warrants([]),
        )

    def entries(self, after: int, chain: bytes) -> Entries:
        """The commit by which it enters and a message, behind entry `after`."""
        commit = self._entry(after + 1, EntryKind.COMMIT, self._entered.commit)
        chain = next_link(chain, commit.seq, commit.hash)
        message = self._entry(after + 2, EntryKind.MESSAGE, self._message(Head(commit.seq, chain)))
        chain = next_link(chain, message.seq, message.hash)
        return Entries(entries=[commit, message], chain=chain, more=False)

    def _message(self, head: Head) -> bytes:
        group = self._entered.group
        conversation_id, device_id = UUID(bytes=group.group_id), self._certificate.device_id
        kind = EntryKind.MESSAGE
        header = Header(conversation_id, group.epoch, device_id, new_client_id(), kind)
        body = Body(text="me, elsewhere", head=head, device_list=DeviceListRef(1, bytes(32)))
        key, context = content_key(group, conversation_id), group.public.context.encoded
        return seal_entry(key, header, body, self._seed, hash_of(context))

    def _entry(self, seq: int, kind: EntryKind, content: bytes) -> Entry:
        return Entry(
            seq=seq,
            kind=kind,
            epoch=self._entered.group.epoch,
            sender_id=self._certificate.user_id,
            device_id=self._certificate.device_id,
            message_id=10_000 if kind is EntryKind.MESSAGE else None,
            content=content,
            hash=hash_of(content),
            created_at=datetime.now(UTC),
        )


async def test_a_provisional_device_is_shown_as_one(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    """No client approves devices yet, and no server lets them in: so this one shows it to dora."""
    dora = await people.meet("dora", server=liar[1])
    club = await gather_in("club", anna, dora)
    await anna.send(club, "me")
    await dora.read(club)
    seen = await look(people.homes / "dora", club, lambda log: (log.record.cursor, log.record.link))
    await anna.read(club)
    approved = await look(people.homes / "anna", club, Approved)
    told = approved.entries(*seen)
    liar[0].forge(ListEntries, lambda true, _: told)
    shown = [(m.sender, m.text, m.provisional) for m in await dora.read(club)]
    assert shown == [("anna", "me", False), ("anna", "me, elsewhere", True)]
    members = {member.username: member.provisional for member in await dora.members(club)}
    assert members == {"anna": True, "dora": False}
    assert dora.provisional is False

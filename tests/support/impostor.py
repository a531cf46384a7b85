"""A server that speaks as somebody: under their user id, with an identity key of its own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec

from coterie.governance.anchors import anchor_of
from coterie.governance.device_lists import DeviceList
from coterie.governance.leaves import (
    CAPABILITIES,
    SUITE,
    context_extensions,
    new_seat,
    seat_extension,
)
from coterie.governance.makers import first_direct_state
from coterie.governance.signatures import hash_of
from coterie.governance.warrants import DeviceListItem, encode_warrants
from coterie.mls import Group, KeyPackage, new_key_package, suite
from coterie.protocol import commands as c
from coterie.protocol.chain import first_link, next_link
from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.header import NO_TARGET, EntryKind, Header
from coterie.protocol.roles import Role
from coterie.sdk.content import Body, DeviceListRef, Head, content_key, seal_entry
from coterie.sdk.vault.records import AccountRecord
from tests.support.forgeries import Device
from tests.support.proxy import Answered, Asked, Forward

GENESIS = bytes(32)


class Said(NamedTuple):
    """An entry that the server adds to a log."""

    kind: EntryKind
    content: bytes
    message_id: int | None = None


class Voice:
    """Writes entries of a group as a device, from the secrets of its present epoch."""

    def __init__(self, who: Device, group: Group) -> None:
        self._who = who
        self._group = group
        self._conversation_id = UUID(bytes=group.group_id)
        self.context_hash = hash_of(group.public.context.encoded)

    def header(self, kind: EntryKind, target: bytes = NO_TARGET) -> Header:
        device_id = self._who.certificate.device_id
        place = self._conversation_id, self._group.epoch, device_id, uuid4()
        return Header(*place, kind, target)

    def writes(
        self,
        text: str,
        head: Head,
        *,
        kind: EntryKind = EntryKind.MESSAGE,
        target: bytes = NO_TARGET,
        edit_no: int = 0,
    ) -> bytes:
        key = content_key(self._group, self._conversation_id)
        devices = DeviceListRef(1, self._who.devices.hash)
        body = Body(text=text, edit_no=edit_no, head=head, device_list=devices)
        header = self.header(kind, target)
        return seal_entry(key, header, body, self._who.seed, self.context_hash)


class LongerLog:
    """Shows more of a conversation than there is: `said`, behind entry `seq` with chain `link`.
    In a group, `who` is listed as a member called `username`."""

    def __init__(
        self,
        conversation_id: UUID,
        who: Device,
        username: str,
        seq: int,
        link: bytes,
        said: Sequence[Said],
    ) -> None:
        self._conversation_id = conversation_id
        self._member = c.Member(
            user_id=who.certificate.user_id,
            username=username,
            identity_key=who.certificate.identity_key,
            role=Role.MEMBER,
            joined_at=datetime.now(UTC),
        )
        self._links = {seq: link}
        self._entries: list[c.Entry] = []
        for number, one in enumerate(said, seq + 1):
            entry = c.Entry(
                seq=number,
                kind=one.kind,
                epoch=0,
                sender_id=who.certificate.user_id,
                device_id=who.certificate.device_id,
                message_id=one.message_id,
                content=one.content,
                hash=hash_of(one.content),
                created_at=datetime.now(UTC),
            )
            self._entries.append(entry)
            self._links[number] = next_link(self._links[number - 1], number, entry.hash)

    async def __call__(self, asked: Asked, forward: Forward) -> Answered:
        if asked.is_for(c.ListEntries) and str(self._conversation_id) in asked.path:
            return answer(self.page(int(asked.parameters["after"])))
        answered = await forward(asked)
        if asked.is_for(c.ListMembers) and str(self._conversation_id) in asked.path:
            page = answered.read(c.Members)
            members = [*page.members, self._member]
            return answered.saying(msgspec.structs.replace(page, members=members))
        return answered

    def page(self, after: int) -> c.Entries:
        entries = [one for one in self._entries if one.seq > after]
        return c.Entries(entries=entries, chain=self._links[max(self._links)], more=False)


class FalseDirect:
    """A direct conversation with a victim, opened in somebody's name. `sent` is what the victim
    wrote into it."""

    def __init__(
        self, who: Device, username: str, victim: AccountRecord, package: bytes, text: str
    ) -> None:
        self.conversation_id = uuid4()
        self.sent = 0
        self._user = c.User(
            user_id=who.certificate.user_id,
            username=username,
            identity_key=who.certificate.identity_key,
            device_list=who.devices.encode(),
        )
        first = Group.create(
            suite(SUITE),
            self.conversation_id.bytes,
            new_key_package(
                suite(SUITE),
                who.certificate.encode(),
                who.seed,
                capabilities=CAPABILITIES,
                leaf_extensions=[seat_extension(new_seat())],
                lifetime=(0, 2**40),
            ),
            context_extensions(
                first_direct_state(
                    GENESIS,
                    victim.server_key,
                    who.certificate.identity_key,
                    victim.identity_key,
                )
            ),
        )
        devices = DeviceListItem(DeviceList.decode(victim.device_list))
        added = first.commit(
            adds=[KeyPackage.decode(package)], authenticated_data=encode_warrants([devices])
        )
        assert added.welcome is not None, "an Add has a Welcome"
        self._group, self._commit = added.group, added.commit
        self._anchor = anchor_of(first.public)
        start = first_link(self.conversation_id, GENESIS)
        self._welcome: c.PendingWelcome | None = c.PendingWelcome(
            conversation_id=self.conversation_id,
            epoch=1,
            seq=1,
            chain_before=start,
            welcome=added.welcome,
            ratchet_tree=added.group.public.tree.encode(),
        )
        link = next_link(start, 1, hash_of(added.commit))
        message = Voice(who, added.group).writes(text, Head(1, link))
        said = [Said(EntryKind.MESSAGE, message, 1_000_000)]
        self._log = LongerLog(self.conversation_id, who, username, 1, link, said)

    async def __call__(self, asked: Asked, forward: Forward) -> Answered:
        if str(self.conversation_id) in asked.path:
            return answer(self._told(asked))
        answered = await forward(asked)
        if asked.is_for(c.ListWelcomes) and self._welcome is not None:
            page = answered.read(c.Welcomes)
            return answered.saying(c.Welcomes(welcomes=[self._welcome, *page.welcomes]))
        if asked.is_for(c.ListConversations) and "after" not in asked.parameters:
            page = answered.read(c.Conversations)
            more = [self._conversation(), *page.conversations]
            return answered.saying(msgspec.structs.replace(page, conversations=more))
        return answered

    def _told(self, asked: Asked) -> msgspec.Struct:
        if asked.is_for(c.GetAnchor):
            return self._anchor
        if asked.is_for(c.ListCommits):
            return c.Commits(commits=[self._commit], more=False)
        if asked.is_for(c.GetConversation):
            return self._conversation()
        if asked.is_for(c.ListEntries):
            return self._log.page(int(asked.parameters["after"]))
        if asked.is_for(c.GetGroupInfo):
            return self._infos()
        if asked.is_for(c.SendMessage):
            self.sent += 1
            return c.Accepted(message_id=1_000_001, seq=3, created_at=datetime.now(UTC))
        if asked.is_for(c.RemoveWelcome):
            self._welcome = None
        return c.Done()

    def _conversation(self) -> c.Conversation:
        return c.Conversation(
            conversation_id=self.conversation_id,
            group_id=None,
            peer=self._user,
            epoch=1,
            seq=2,
            joined_seq=1,
            read_seq=0,
            removal_pending=False,
        )

    def _infos(self) -> c.GroupInfos:
        return c.GroupInfos(
            epoch=1,
            seq=1,
            group_infos=[self._group.group_info(with_tree=False)],
            ratchet_tree=self._group.public.tree.encode(),
        )


def answer(result: msgspec.Struct, status: int = 200) -> Answered:
    """Without asking the true server."""
    return Answered(status, {"Content-Type": "application/json"}, JSON_ENCODER.encode(result))

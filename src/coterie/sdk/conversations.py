"""Which conversations there are, what a person calls them, and whether one can be used now."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from coterie.governance.state import GroupState
from coterie.mls import MLSError
from coterie.protocol import limits
from coterie.protocol.commands import (
    Conversation,
    Conversations,
    Done,
    GetGroupInfo,
    GroupInfos,
    ListConversations,
    PublishGroupInfo,
)
from coterie.protocol.errors import NotFound, Refused
from coterie.sdk.catching_up import Ahead, catch_up, look_ahead
from coterie.sdk.direct import find_direct
from coterie.sdk.entering import resync
from coterie.sdk.errors import (
    AmbiguousName,
    ClientError,
    GroupHalted,
    NotAMember,
    NotFoundHere,
)
from coterie.sdk.key_packages import replenish
from coterie.sdk.log import Log
from coterie.sdk.paging import list_all
from coterie.sdk.pending import settle
from coterie.sdk.people import require_uncontested, target_of
from coterie.sdk.pins import find_person
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import (
    get_conversation,
    list_conversations,
    put_conversation,
)
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.pending_commits import list_pending_commits
from coterie.sdk.vault.records import ConversationRecord, Standing
from coterie.sdk.welcomes import join_welcomed

CHECKERS: Final = 4
"""About how many members look at the GroupInfo of an epoch."""


async def find(profile: Profile, ref: str) -> UUID:
    """The conversation that `ref` names: @username, an id, or a group's name.

    Raises NotFoundHere, AmbiguousName; Refused for an unknown @username; IdentityChanged where
    somebody else may have a conversation under that name.
    """
    if ref.startswith("@"):
        found = await find_direct(profile, ref)
        if found is None:
            who = await find_person(profile, ref)
            await profile.vault.read(lambda tx: require_uncontested(tx, [who]))
            raise NotFoundHere(f"You have no conversation with {ref} yet. Send them a message.")
        return found
    known = await profile.vault.read(lambda tx: _of_id(tx, ref))
    return (known or await find_group(profile, ref)).conversation_id


async def find_group(profile: Profile, ref: str) -> ConversationRecord:
    """The group that `ref` names, by id or by name; those one is in come first."""
    matching = await profile.vault.read(lambda tx: _matching(tx, ref))
    if len(matching) != 1:  # one of two may be a group that one is no longer in
        await sync_all(profile)
        matching = await profile.vault.read(lambda tx: _matching(tx, ref))
    if not matching:
        raise NotFoundHere(f"You are in no group called {ref!r}.")
    if len(matching) > 1:
        raise AmbiguousName(ref, [record.conversation_id for record in matching])
    return matching[0]


async def alter(
    profile: Profile, target: str, change: Callable[[ConversationRecord], None]
) -> ConversationRecord:
    """Change what this device keeps of a conversation, and nobody else. Raises as `find`."""
    conversation_id = await find(profile, target)

    def work(tx: Transaction) -> ConversationRecord:
        record = get_conversation(tx, conversation_id)
        if record is None:
            raise NotFoundHere(f"There is no conversation {target} on this device.")
        change(record)
        put_conversation(tx, record)
        return record

    return await profile.vault.write(work)


async def ready(profile: Profile, conversation_id: UUID) -> ConversationRecord:
    """Up to date, and fit to be written to. Raises GroupHalted, NotAMember, Refused."""
    try:
        record = await up_to_date(profile, conversation_id)
    except Refused as no:
        if not isinstance(no.refusal, NotFound):
            raise
        known = await profile.vault.read(lambda tx: get_conversation(tx, conversation_id))
        assert known is not None, "it was found a moment ago"  # noqa: S101
        raise NotAMember(name_of_group(known)) from None
    require_standing(record)
    await check_group_info(profile, record)
    return record


async def up_to_date(
    profile: Profile, conversation_id: UUID, ahead: Ahead | None = None
) -> ConversationRecord:
    """Caught up, with the keys of the newest epoch, and nothing left undone. Raises Refused."""
    await settle(profile, conversation_id)
    record = await catch_up(profile, conversation_id, ahead)
    if record.standing is Standing.MEMBER and record.keyed_epoch != record.epoch:
        await resync(profile, conversation_id)
        record = await catch_up(profile, conversation_id)
    return record


def require_standing(record: ConversationRecord) -> None:
    if record.standing is Standing.HALTED and record.finding is not None:
        raise GroupHalted(record.finding.rule, record.finding.detail)
    if record.standing is not Standing.MEMBER:
        raise NotAMember(name_of_group(record))


def is_current(record: ConversationRecord) -> bool:
    """Whether this person is in it, as far as this device and the server know."""
    return record.listed and record.standing is not Standing.REMOVED


def name_of_group(record: ConversationRecord) -> str:
    return GroupState.decode(record.state).name


def title_of(tx: Transaction, record: ConversationRecord) -> str:
    """What a person calls it: a group's name, which others may bear too, or @username."""
    return name_of_group(record) if record.peer_id is None else target_of(tx, record)


async def sync_all(profile: Profile) -> None:
    """Everything new: conversations others opened, and what was written since."""
    for pending in await profile.vault.read(list_pending_commits):
        await _for_one(profile, settle(profile, pending.conversation_id))
    await _for_one(profile, join_welcomed(profile))
    await _for_one(profile, replenish(profile, last_resort=False))
    listed = {one.conversation_id: one for one in await _listed(profile)}
    outdated = await profile.vault.write(lambda tx: _outdated(tx, listed))
    while outdated:
        first = await look_ahead(profile, outdated[: limits.PAGE_CURSORS])
        for conversation_id, ahead in first.items():
            await _for_one(profile, up_to_date(profile, conversation_id, ahead))
        outdated = [one for one in outdated if one not in first]


async def _for_one(profile: Profile, work: Awaitable[object]) -> None:
    """A conversation that is broken does not stop the others."""
    try:
        await work
    except (ClientError, Refused) as error:
        profile.warn(str(error))


async def check_group_info(profile: Profile, record: ConversationRecord) -> None:
    """Compare what joiners are offered with the true external_pub, and publish it where false.

    In a large group a few members do this for each epoch, chosen by their device ids.
    """
    if record.group_info_checked >= record.epoch:
        return
    await profile.vault.write(lambda tx: _note_checked(tx, record))
    if await profile.vault.read(lambda tx: _is_checker(tx, profile, record)):
        command = GetGroupInfo(conversation_id=record.conversation_id)
        infos = await profile.connection.call(command, GroupInfos)
        correction = await profile.vault.read(lambda tx: _correction(tx, profile, record, infos))
        if correction is not None:
            await profile.connection.call(correction, Done)


def _of_id(tx: Transaction, ref: str) -> ConversationRecord | None:
    try:
        return get_conversation(tx, UUID(ref))
    except ValueError:
        return None


def _matching(tx: Transaction, ref: str) -> list[ConversationRecord]:
    groups = [record for record in list_conversations(tx) if record.peer_id is None]
    by_id = [record for record in groups if str(record.conversation_id) == ref.lower()]
    if by_id:
        return by_id
    named = [record for record in groups if name_of_group(record) == ref]
    current = [record for record in named if is_current(record)]
    return current or named


async def _listed(profile: Profile) -> list[Conversation]:
    return await list_all(
        profile.connection,
        lambda after: ListConversations(after=after),
        Conversations,
        lambda page: page.conversations,
        lambda one: one.conversation_id,
    )


def _outdated(tx: Transaction, listed: Mapping[UUID, Conversation]) -> list[UUID]:
    """Where there is something new; what the server says of this person is noted on the way."""
    outdated: list[UUID] = []
    for record in list_conversations(tx):
        told = listed.get(record.conversation_id)
        read_seq = record.read_seq
        if told is not None:  # nobody has read what is not here yet, whatever the server says
            read_seq = max(read_seq, min(told.read_seq, record.cursor))
        if (record.listed, record.read_seq) != (told is not None, read_seq):
            record.listed, record.read_seq = told is not None, read_seq
            put_conversation(tx, record)
        # Fewer entries than this device has seen are as much a reason to look as more.
        if told is not None and told.seq != record.cursor:
            outdated.append(record.conversation_id)
    return outdated


def _note_checked(tx: Transaction, record: ConversationRecord) -> None:
    fresh = get_conversation(tx, record.conversation_id)
    if fresh is not None:
        fresh.group_info_checked = max(fresh.group_info_checked, record.epoch)
        put_conversation(tx, fresh)


def _is_checker(tx: Transaction, profile: Profile, record: ConversationRecord) -> bool:
    seats = list_seats(tx, record.conversation_id)
    devices = sorted((seat.device_id for seat in seats), key=lambda device: device.int)
    turn = (devices.index(profile.account.device_id) + record.epoch) % len(devices)
    return turn < CHECKERS


def _correction(
    tx: Transaction, profile: Profile, record: ConversationRecord, infos: GroupInfos
) -> PublishGroupInfo | None:
    """Our own GroupInfo, when one on offer would lead joiners astray."""
    log = Log.load(tx, profile.account, record.conversation_id)
    if log.record.epoch != infos.epoch or not log.keyed:
        return None
    try:
        for candidate in infos.group_infos:
            log.group.verify_group_info(candidate)
    except MLSError:
        own = log.group.group_info(with_tree=False)
        return PublishGroupInfo(
            conversation_id=record.conversation_id, epoch=infos.epoch, group_info=own
        )
    return None

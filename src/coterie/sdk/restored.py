"""A server that has gone back, as after a restore: what it has lost, and going on without that.

A server that forgets on purpose looks the same. So nothing is sent, and nothing here changes, until
a person has looked at what is lost and consented to exactly that. What the device has stays on it.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import UUID

from coterie.governance.leaves import Members, members_of, state_of
from coterie.governance.state import GroupState
from coterie.mls import PublicGroup
from coterie.protocol.commands import Entries, Entry, ListEntries
from coterie.protocol.errors import NotFound, Refused
from coterie.protocol.header import EntryKind
from coterie.sdk.conversations import find, require_standing, title_of, up_to_date
from coterie.sdk.epochs import apply_statement, leaves_of, seat_records
from coterie.sdk.errors import LostOtherwise, NothingLost
from coterie.sdk.log import Log
from coterie.sdk.people import holder, name_of, target_of
from coterie.sdk.pins import learn_names
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.avatars import remove_avatars_after
from coterie.sdk.vault.chains import get_link, remove_links_after
from coterie.sdk.vault.conversations import get_conversation
from coterie.sdk.vault.epochs import get_epoch, list_seats, put_seats, remove_epochs_after
from coterie.sdk.vault.lost_messages import move_lost_messages, put_lost_message
from coterie.sdk.vault.messages import (
    list_changed_messages,
    list_messages_after,
    put_message,
    remove_messages_after,
)
from coterie.sdk.vault.pending_commits import get_pending_commit, remove_pending_commit
from coterie.sdk.vault.records import (
    CHANGE_LOST,
    NO_EPOCH,
    ConversationRecord,
    MessageRecord,
    Principal,
    Standing,
)
from coterie.sdk.views import Loss
from coterie.sdk.welcomes import follow_from_genesis

_ALL: Final = 2**63 - 1
_NOTHING: Final = -1
"""Before the first entry."""


class _Common(NamedTuple):
    """The last entry that server and device have in common, the group as it was then, and the
    statements of that epoch."""

    seq: int
    public: PublicGroup
    statements: Sequence[Entry]


async def look(profile: Profile, target: str) -> Loss:
    """What the server has lost. Raises NothingLost, NotAMember, GroupHalted, UntrustedGroup."""
    record, common = await _compare(profile, await find(profile, target))
    return await profile.vault.read(lambda tx: _loss(tx, record, common))


async def accept(profile: Profile, target: str, kept: int) -> Loss:
    """Go on from entry `kept`, as `look` told it: a person has looked.

    Where the server does not count this person in any more, the device lets go of the group, so
    that it can be joined anew. Raises LostOtherwise, and what `look` raises.
    """
    record, common = await _compare(profile, await find(profile, target))
    loss = await profile.vault.read(lambda tx: _loss(tx, record, common))
    await profile.vault.write(lambda tx: _go_back(tx, profile, record, common, kept))
    if common is not None:
        await up_to_date(profile, record.conversation_id)
    return loss


async def _compare(
    profile: Profile, conversation_id: UUID
) -> tuple[ConversationRecord, _Common | None]:
    """Without a _Common, the server shows nothing of the conversation that this device knows."""
    record = await profile.vault.read(lambda tx: _record(tx, conversation_id))
    require_standing(record)
    try:
        seq = await _last_common(profile, record)
    except Refused as no:
        if not isinstance(no.refusal, NotFound):
            raise
        return record, None
    if seq is None:
        return record, None
    if seq == record.cursor:
        raise NothingLost
    epoch, begun_by = await profile.vault.read(lambda tx: _epoch_at(tx, record, seq))
    public, _ = await follow_from_genesis(profile, conversation_id, epoch)
    with suppress(Refused):
        await learn_names(profile, conversation_id)
    return record, _Common(seq, public, await _statements(profile, record, begun_by, seq))


async def _last_common(profile: Profile, record: ConversationRecord) -> int | None:
    """By the chain's values, each of which stands for all entries before it."""
    low, high = record.first_seq, record.cursor
    if low and not await _is_common(profile, record, low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if await _is_common(profile, record, middle):
            low = middle
        else:
            high = middle - 1
    return low


async def _is_common(profile: Profile, record: ConversationRecord, seq: int) -> bool:
    command = ListEntries(conversation_id=record.conversation_id, after=seq - 1, limit=1)
    page = await profile.connection.call(command, Entries)
    own = await profile.vault.read(lambda tx: get_link(tx, record.conversation_id, seq))
    return [entry.seq for entry in page.entries] == [seq] and page.chain == own


async def _statements(
    profile: Profile, record: ConversationRecord, after: int, until: int
) -> list[Entry]:
    found: list[Entry] = []
    while after < until:
        command = ListEntries(conversation_id=record.conversation_id, after=after)
        entries = (await profile.connection.call(command, Entries)).entries
        if not entries or entries[-1].seq <= after:
            break
        found += [one for one in entries if one.kind is EntryKind.STATEMENT and one.seq <= until]
        after = entries[-1].seq
    return found


def _record(tx: Transaction, conversation_id: UUID) -> ConversationRecord:
    record = get_conversation(tx, conversation_id)
    assert record is not None, "it was found a moment ago"  # noqa: S101
    return record


def _epoch_at(tx: Transaction, record: ConversationRecord, seq: int) -> tuple[int, int]:
    """The epoch that entry `seq` lies in, and the entry that began it."""
    for epoch in range(record.epoch, -1, -1):
        found = get_epoch(tx, record.conversation_id, epoch)
        if found is not None and found.first_seq <= seq:
            return epoch, found.first_seq
    raise LookupError("a device keeps every epoch it has been in")


def _loss(tx: Transaction, record: ConversationRecord, common: _Common | None) -> Loss:
    kept = common.seq if common else 0
    lost = list_messages_after(tx, record.conversation_id, kept, _ALL)
    return Loss(
        conversation_id=record.conversation_id,
        conversation=title_of(tx, record),
        member=common is not None,
        kept=kept,
        entries=record.cursor - max(kept, record.first_seq),
        messages=len(lost),
        since=lost[0].created_at if lost else None,
        undone=tuple(_undone(tx, record, common.public)) if common else (),
    )


def _undone(tx: Transaction, record: ConversationRecord, public: PublicGroup) -> Iterator[str]:
    """What lost commits had brought about."""
    was, now = GroupState.decode(record.state), state_of(public)
    back, here = _people(members_of(public.tree)), _seated(tx, record.conversation_id)
    for ban in was.banned:
        if now.ban(ban.key) is None:
            whose = f"the ban of {name_of(tx, back[ban.key])}" if ban.key in back else "a ban"
            yield f"{whose} is undone"
    for key, who in back.items():
        if key not in here:
            yield f"{name_of(tx, who)} is in it again, and reads what is said"
        elif now.rank_of(key) is not was.rank_of(key):
            yield f"{name_of(tx, who)} is {now.rank_of(key).role} again"
    for key, who in here.items():
        if key not in back:
            yield f"{name_of(tx, who)} is no longer in it"
    if now.name != was.name:
        yield f"it is called {now.name} again"
    if reopened := len(_links(now) - _links(was)):
        yield f"invite links that had ended are open again: {reopened}"
    if gone := len(_links(was) - _links(now)):
        yield f"invite links that were made since are gone: {gone}"


def _people(members: Members) -> dict[bytes, Principal]:
    return {key: Principal(seats[0].user_id, key) for key, seats in members.items()}


def _seated(tx: Transaction, conversation_id: UUID) -> dict[bytes, Principal]:
    return {seat.identity_key: holder(seat) for seat in list_seats(tx, conversation_id)}


def _links(state: GroupState) -> set[bytes]:
    return {invite.key for invite in state.invites}


def _go_back(
    tx: Transaction,
    profile: Profile,
    looked_at: ConversationRecord,
    common: _Common | None,
    kept: int,
) -> None:
    """Raises LostOtherwise."""
    log = Log.load(tx, profile.account, looked_at.conversation_id)
    seq, epoch = (common.seq, common.public.epoch) if common else (_NOTHING, NO_EPOCH)
    if max(seq, 0) != kept or log.record.link != looked_at.link:
        raise LostOtherwise(target_of(tx, log.record))
    _set_aside(tx, log.conversation_id, seq)
    remove_links_after(tx, log.conversation_id, seq)
    remove_epochs_after(tx, log.conversation_id, epoch)
    pending = get_pending_commit(tx, log.conversation_id)
    if pending is not None:
        remove_pending_commit(tx, pending)
    _rewind(log.record, seq, epoch)
    if common is None:
        log.record.standing = Standing.REMOVED
    else:
        log.record.link = get_link(tx, log.conversation_id, seq) or log.record.link
        _stand_at(log, common)
    log.save()


def _rewind(record: ConversationRecord, seq: int, epoch: int) -> None:
    record.cursor, record.epoch = max(seq, 0), epoch
    record.read_seq = min(record.read_seq, record.cursor)
    record.group_info_checked = min(record.group_info_checked, max(epoch, 0))
    record.pinned = tuple(pinned for pinned in record.pinned if pinned <= seq)
    record.withheld = tuple(one for one in record.withheld if one.seq <= seq)
    record.forks = tuple(head for head in record.forks if head.seq <= seq)
    record.accepted_forks = tuple(head for head in record.accepted_forks if head.seq <= seq)
    if record.keyed_epoch != epoch:
        record.keyed_epoch = NO_EPOCH


def _stand_at(log: Log, common: _Common) -> None:
    """The keys of a later epoch are of no use now: without those of this one, the device has to
    enter again, as after a commit that it could not follow."""
    members, state = members_of(common.public.tree), state_of(common.public)
    log.advance(common.public, None, state)
    put_seats(log.tx, log.conversation_id, seat_records(members, state))
    log.record.leavers = tuple(
        statement for statement in log.record.leavers if leaves_of(common.public.tree, statement)
    )
    for entry in common.statements:
        apply_statement(log, entry)


def _set_aside(tx: Transaction, conversation_id: UUID, seq: int) -> None:
    """Keep what the server has lost, and mark what it has as it was before."""
    move_lost_messages(tx, conversation_id, seq)
    remove_avatars_after(tx, conversation_id, seq)
    for message in list_messages_after(tx, conversation_id, seq, _ALL):
        message.lost, message.pinned = True, None
        put_lost_message(tx, conversation_id, seq, message)
    remove_messages_after(tx, conversation_id, seq)
    for message in list_changed_messages(tx, conversation_id, seq):
        _mark_changed(message, seq)
        put_message(tx, conversation_id, message)


def _mark_changed(message: MessageRecord, seq: int) -> None:
    message.changed_seq = seq
    if message.deleted_at is None and message.edit_no and message.problem is None:
        message.problem = CHANGE_LOST

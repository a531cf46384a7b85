"""The log of a conversation: what may be appended to it, and reading it page by page."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from coterie.governance.leaves import state_of
from coterie.mls import GroupContext
from coterie.protocol import limits
from coterie.protocol.chain import first_link, next_link
from coterie.protocol.commands import (
    Accepted,
    Entries,
    Entry,
    ListEntries,
    ListNewEntries,
    NewEntries,
    NewPage,
)
from coterie.protocol.errors import Blocked, EpochStale, Malformed, Refused, RemovalPending, Taken
from coterie.protocol.header import EntryKind, Header, HeaderError, entry_hash
from coterie.protocol.roles import Action
from coterie.server.operations import access
from coterie.server.operations.access import Actor
from coterie.server.storage import blocks, conversations, entries, epochs, tables
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import EntryAnnounced
from coterie.server.storage.tables import Conversation
from coterie.server.storage.views import LogEntry, Standing


async def list_entries(tx: Tx, actor: Actor, command: ListEntries) -> Entries:
    standing = await access.require(tx, actor, command.conversation_id, Action.READ)
    after = max(command.after, standing.joined_seq - 1)
    page = await entries.list_entries(
        tx, standing.id, after=after, limit=command.limit, byte_limit=limits.PAGE_BYTES
    )
    if not page:
        return Entries(entries=[], chain=await chain_at(tx, standing.id, after), more=False)
    last = page[-1]
    return Entries(
        entries=[_line(entry) for entry in page], chain=last.chain, more=last.seq < standing.seq
    )


async def list_new_entries(tx: Tx, actor: Actor, command: ListNewEntries) -> NewEntries:
    asked = {cursor.conversation_id: cursor.after for cursor in command.cursors}
    standings = await access.require_each(tx, actor, asked, Action.READ)
    known = {standing.id: standing for standing in standings}
    after = {
        conversation_id: max(cursor, known[conversation_id].joined_seq - 1)
        for conversation_id, cursor in asked.items()
        if conversation_id in known
    }
    found = await entries.list_new_entries(
        tx, after, limit=command.limit, total=limits.NEW_ENTRIES, byte_limit=limits.PAGE_BYTES
    )
    by_conversation = groupby(found, lambda entry: entry.conversation_id)
    pages = [_page(known[of], list(page)) for of, page in by_conversation]
    told = {page.conversation_id for page in pages}
    full = any(known[one].seq > cursor for one, cursor in after.items() if one not in told)
    return NewEntries(pages=pages, full=full)


def _page(standing: Standing, page: Sequence[LogEntry]) -> NewPage:
    last = page[-1]
    return NewPage(
        conversation_id=standing.id,
        entries=[_line(entry) for entry in page],
        chain=last.chain,
        more=last.seq < standing.seq,
    )


def _line(entry: LogEntry) -> Entry:
    return Entry(
        seq=entry.seq,
        kind=EntryKind(entry.kind),
        epoch=entry.epoch,
        sender_id=entry.sender_id,
        device_id=entry.device_id,
        message_id=entry.message_id,
        content=entry.content,
        hash=entry.hash,
        created_at=entry.created_at,
    )


async def chain_at(tx: Tx, conversation_id: UUID, seq: int) -> bytes:
    """The chain value at entry `seq`, 0 included; at the newest entry for one that is to come."""
    conversation = await conversations.get_conversation(tx, conversation_id)
    found = await entries.get_chain(tx, conversation_id, seq)
    if found is not None or conversation is None:
        return found or b""
    if seq > conversation.seq:
        return conversation.chain
    anchor = await epochs.get_anchor(tx, conversation_id, 0)
    if anchor is None:
        raise LookupError("a conversation has its epoch 0")
    genesis = state_of(GroupContext.decode(anchor.group_context)).genesis
    return first_link(conversation_id, genesis)


def read_header(actor: Actor, conversation_id: UUID, entry: bytes, kind: EntryKind) -> Header:
    """The header of an entry that this actor may have made for this conversation."""
    try:
        header = Header.decode(entry)
    except HeaderError as error:
        raise Refused(Malformed(str(error))) from None
    if header.kind is not kind:
        raise Refused(Malformed(f"the entry is of kind {header.kind}, not {kind}"))
    if header.conversation_id != conversation_id or header.device_id != actor.device_id:
        raise Refused(Malformed("the header names another conversation or device"))
    return header


async def find_sent(tx: Tx, header: Header) -> Accepted | None:
    """What the same entry was answered when it was sent before, whatever the epoch was then."""
    sent = await entries.get_sent_entry(tx, header.device_id, header.client_id)
    if sent is None:
        return None
    if sent.conversation_id != header.conversation_id or sent.kind != header.kind:
        raise Refused(Taken("client_id"))
    return accepted(sent)


def accepted(entry: tables.Entry) -> Accepted:
    """The answer to an entry about a message; 0 for a message that is gone with its row."""
    return Accepted(message_id=entry.message_id or 0, seq=entry.seq, created_at=entry.created_at)


async def require_current(tx: Tx, actor: Actor, conversation: Conversation, header: Header) -> None:
    """Whether an entry may follow now: of this epoch, nobody's removal waiting, nobody blocked."""
    if header.epoch != conversation.epoch:
        raise Refused(EpochStale(conversation.epoch))
    if await epochs.has_departures(tx, conversation.id):
        raise Refused(RemovalPending())
    peer_id = peer_of(conversation, actor.user_id)
    if peer_id is not None and await blocks.has_block(tx, peer_id, actor.user_id):
        raise Refused(Blocked())


def peer_of(conversation: Conversation, user_id: UUID) -> UUID | None:
    """The other one of a direct conversation; None in a group."""
    low_id, high_id = conversation.low_id, conversation.high_id
    return high_id if user_id == low_id else low_id


async def append(
    tx: Tx,
    actor: Actor,
    conversation: Conversation,
    kind: EntryKind,
    content: bytes,
    *,
    epoch: int,
    client_id: UUID | None = None,
    message_id: int | None = None,
) -> tables.Entry:
    """Write the next entry of the log. The conversation is locked, and as it was read then.

    A commit moves the conversation on to `epoch`.
    """
    seq, digest = conversation.seq + 1, entry_hash(content)
    chain = next_link(conversation.chain, seq, digest)
    entry = await entries.add_entry(
        tx,
        conversation_id=conversation.id,
        seq=seq,
        kind=kind,
        epoch=epoch,
        sender_id=actor.user_id,
        device_id=actor.device_id,
        client_id=client_id,
        message_id=message_id,
        content=content,
        entry_hash=digest,
        chain=chain,
    )
    await conversations.advance(tx, conversation.id, seq=seq, chain=chain, epoch=epoch)
    tx.announce(EntryAnnounced(conversation.id, _announced(entry)))
    return entry


def _announced(entry: tables.Entry) -> Entry:
    return Entry(
        seq=entry.seq,
        kind=EntryKind(entry.kind),
        epoch=entry.epoch,
        sender_id=entry.sender_id,
        device_id=entry.device_id,
        message_id=entry.message_id,
        content=entry.content,
        hash=entry.entry_hash,
        created_at=entry.created_at,
    )

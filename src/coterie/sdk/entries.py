"""What messages, edits, deletions, reactions and pins do, once everything about them is checked.

What fails a check does nothing; a message that fails is kept as a stub with its reason.
"""

from enum import StrEnum

from coterie.governance.state import GroupState
from coterie.protocol.commands import Entry
from coterie.protocol.header import Header, HeaderError, ReactionOp
from coterie.protocol.limits import AVATAR_BYTES, PINS_PER_CONVERSATION
from coterie.protocol.roles import DIRECT, Action, may
from coterie.sdk.content import Body, ContentError, Pin, Portrayed, open_entry
from coterie.sdk.errors import LogBroken
from coterie.sdk.heads import check_heads
from coterie.sdk.log import Log
from coterie.sdk.mentions import mentions_of
from coterie.sdk.people import holder
from coterie.sdk.reactions import invert, open_reaction
from coterie.sdk.vault.avatars import OF_GROUP, put_avatar, remove_avatar
from coterie.sdk.vault.epochs import get_epoch, get_seat, list_seats
from coterie.sdk.vault.messages import (
    get_message,
    get_message_by_hash,
    get_reaction,
    has_origin,
    put_message,
    put_reaction,
    remove_reactions,
)
from coterie.sdk.vault.records import (
    EDIT_WITHHELD,
    Consent,
    MessageRecord,
    PinnedRecord,
    Principal,
    ReactionRecord,
    SeatRecord,
)
from coterie.sdk.withheld import excuse


class Problem(StrEnum):
    """Why a message is shown as a stub, beside the problems of `content`."""

    REMOVED_BY_SERVER = "removed_by_server"
    WRONG_CONVERSATION = "wrong_conversation"
    WRONG_EPOCH = "wrong_epoch"
    WRONG_KIND = "wrong_kind"
    NO_KEY = "no_key"
    NOT_A_MEMBER = "not_a_member"


class Unreadable(Exception):
    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def apply_message(log: Log, entry: Entry) -> None:
    """Keep a message, or a stub of it. Raises LogBroken for one the log has already."""
    message = _stub(log, entry)
    try:
        header, seat, body = _open(log, entry)
    except Unreadable as no:
        message.problem = no.problem
    else:
        message.sender_id, message.sender_key = seat.user_id, seat.identity_key
        message.reply_to = header.target
        message.text, message.files = body.text or "", body.files
        message.mentions, message.everyone = mentions_of(log, seat, body)
        message.provisional, message.portrays = seat.provisional, _portrayed(log, seat, body)
        if seat.identity_key == log.account.identity_key:
            log.record.consent = Consent.GIVEN  # who writes, on whichever device, agrees
        _note_seen(log, seat)
        check_heads(log, holder(seat), body)
        _note_avatar(log, seat, message)
    put_message(log.tx, log.conversation_id, message)


def apply_edit(log: Log, entry: Entry) -> None:
    """The highest edit by the author counts; files stay the original's. Raises LogBroken."""
    require_kind(entry)
    try:
        header, seat, body = _open(log, entry)
    except Unreadable:
        return
    message = _target(log, entry, header)
    if message is None:
        excuse(log, entry)
    elif message.deleted_at or not _is_author(seat, message):
        return
    elif body.edit_no > message.edit_no and message.problem in (None, EDIT_WITHHELD):
        message.text, message.edit_no, message.problem = body.text or "", body.edit_no, None
        message.mentions, message.everyone = mentions_of(log, seat, body)
        message.edited_at, message.changed_seq = entry.created_at, entry.seq
        put_message(log.tx, log.conversation_id, message)
        excuse(log, entry)
    check_heads(log, holder(seat), body)


def apply_deletion(log: Log, entry: Entry) -> None:
    """By the author, or by rank: a tombstone is what remains. Raises LogBroken."""
    require_kind(entry)
    try:
        header, seat, body = _open(log, entry)
    except Unreadable:
        return
    message = _target(log, entry, header)
    if message is None:
        excuse(log, entry)
    elif _may_delete(log, seat, message):
        message.text, message.files, message.problem = None, (), None
        message.mentions, message.everyone = (), False
        message.deleted_at, message.pinned = message.deleted_at or entry.created_at, None
        message.changed_seq = entry.seq
        put_message(log.tx, log.conversation_id, message)
        message.portrays = None
        remove_avatar(log.tx, log.conversation_id, message.seq)
        remove_reactions(log.tx, log.conversation_id, message.message_id)
        log.record.pinned = _without(log, message)
        excuse(log, entry)
    check_heads(log, holder(seat), body)


def apply_reaction(log: Log, entry: Entry) -> None:
    """The state with the highest counter counts; the token covers message, user and emoji.

    Raises LogBroken.
    """
    require_kind(entry)
    try:
        header, seat, content = _locate(log, entry)
        tail = open_reaction(content, seat.device_key, log.epoch().context_hash)
    except (Unreadable, ContentError):
        return
    message = _target(log, entry, header)
    if message is None or message.deleted_at:
        return
    place = log.tx, log.conversation_id, message.message_id
    before = get_reaction(*place, seat.identity_key, tail.token)
    if before is not None and before.counter >= tail.counter:
        return
    emoji = before.emoji if before else _emoji(log, message, seat, tail.token)
    present = tail.op is ReactionOp.ADD
    put_reaction(*place, ReactionRecord(holder(seat), tail.token, tail.counter, present, emoji))
    message.changed_seq = entry.seq
    put_message(log.tx, log.conversation_id, message)


def apply_pin(log: Log, entry: Entry) -> None:
    """By rank, or by either of two who talk directly; the highest number counts.

    Raises LogBroken.
    """
    require_kind(entry)
    try:
        header, seat, body = _open(log, entry)
    except Unreadable:
        return
    message = _target(log, entry, header)
    if message is not None and isinstance(body.pin, Pin) and _may_pin(log, seat):
        _set_pin(log, entry, message, holder(seat), body.pin)
    check_heads(log, holder(seat), body)


def require_kind(entry: Entry) -> None:
    """The chain covers what an entry is; what the server calls it, only the entry itself does.

    Raises LogBroken. A message is kept as a stub instead.
    """
    try:
        header = Header.decode(entry.content or b"")
    except HeaderError:
        header = None
    if header is None or header.kind is not entry.kind:
        raise LogBroken(f"entry {entry.seq} is not of the kind that it is called")


def _target(log: Log, entry: Entry, header: Header) -> MessageRecord | None:
    """The message that an entry is about; None for one from before this device came.

    Raises LogBroken when the server names another one.
    """
    message = get_message_by_hash(log.tx, log.conversation_id, header.target)
    named = get_message(log.tx, log.conversation_id, entry.message_id or 0)
    if (message and message.seq) != (named and named.seq):
        raise LogBroken(f"entry {entry.seq} is about another message than it is said to be")
    return message


def _stub(log: Log, entry: Entry) -> MessageRecord:
    if entry.message_id is None:
        raise LogBroken(f"entry {entry.seq} is a message without an id")
    origin = _origin(entry)
    if (
        get_message(log.tx, log.conversation_id, entry.message_id)
        or get_message_by_hash(log.tx, log.conversation_id, entry.hash)
        or (origin and has_origin(log.tx, log.conversation_id, origin))
    ):
        raise LogBroken(f"entry {entry.seq} repeats an earlier message")
    return MessageRecord(
        message_id=entry.message_id,
        seq=entry.seq,
        epoch=log.record.epoch,
        hash=entry.hash,
        sender_id=entry.sender_id,
        created_at=entry.created_at,
        changed_seq=entry.seq,
        origin=origin,
    )


def _origin(entry: Entry) -> bytes | None:
    """Whose which message this is: unique for ever."""
    if entry.content is None:
        return None
    try:
        header = Header.decode(entry.content)
    except HeaderError:
        return None
    return header.device_id.bytes + header.client_id.bytes


def _open(log: Log, entry: Entry) -> tuple[Header, SeatRecord, Body]:
    """Raises Unreadable."""
    header, seat, content = _locate(log, entry)
    epoch = log.epoch()
    if epoch.content_key is None:
        raise Unreadable(Problem.NO_KEY)
    try:
        body = open_entry(epoch.content_key, content, seat.device_key, epoch.context_hash)
    except ContentError as error:
        raise Unreadable(error.problem) from None
    return header, seat, body


def _locate(log: Log, entry: Entry) -> tuple[Header, SeatRecord, bytes]:
    """Who sent it, by what its header says and this epoch allows. Raises Unreadable."""
    if entry.content is None:
        raise Unreadable(Problem.REMOVED_BY_SERVER)
    try:
        header = Header.decode(entry.content)
    except HeaderError:
        raise Unreadable("not_an_entry") from None
    if header.conversation_id != log.conversation_id:
        raise Unreadable(Problem.WRONG_CONVERSATION)
    if header.epoch != log.record.epoch:
        raise Unreadable(Problem.WRONG_EPOCH)
    if header.kind != entry.kind:
        raise Unreadable(Problem.WRONG_KIND)
    seat = get_seat(log.tx, log.conversation_id, header.device_id)
    if seat is None:
        raise Unreadable(Problem.NOT_A_MEMBER)
    return header, seat, entry.content


def _may_delete(log: Log, seat: SeatRecord, message: MessageRecord) -> bool:
    if _is_author(seat, message):
        return True
    if log.state.direct is not None or not may(seat.rank.role, Action.DELETE_OTHERS):
        return False
    seats = list_seats(log.tx, log.conversation_id)
    author = next((one for one in seats if _is_author(one, message)), None)
    return author is None or seat.rank > author.rank


def _may_pin(log: Log, seat: SeatRecord) -> bool:
    if log.state.direct is not None:
        return Action.PIN in DIRECT
    return may(seat.rank.role, Action.PIN)


def _set_pin(log: Log, entry: Entry, message: MessageRecord, by: Principal, pin: Pin) -> None:
    if message.deleted_at or pin.number <= message.pin_no:
        return
    message.pin_no, message.changed_seq = pin.number, entry.seq
    message.pinned = PinnedRecord(by, entry.created_at) if pin.pinned else None
    put_message(log.tx, log.conversation_id, message)
    pinned = (*_without(log, message), *([message.seq] if pin.pinned else []))
    log.record.pinned = pinned[-PINS_PER_CONVERSATION:]


def _without(log: Log, message: MessageRecord) -> tuple[int, ...]:
    """The pinned ones, but this."""
    return tuple(seq for seq in log.record.pinned if seq != message.seq)


def _portrayed(log: Log, seat: SeatRecord, body: Body) -> Portrayed | None:
    """Everybody shows themselves; the group is shown by who may change it, in the signed state."""
    if len(body.files) != 1 or body.files[0].size_bytes > AVATAR_BYTES:
        return None
    if body.portrays == Portrayed.SENDER:
        return Portrayed.SENDER
    if body.portrays == Portrayed.GROUP and may_portray_group(log.state, seat):
        return Portrayed.GROUP
    return None


def may_portray_group(state: GroupState, seat: SeatRecord) -> bool:
    return state.direct is None and may(seat.rank.role, Action.UPDATE_GROUP)


def _note_avatar(log: Log, seat: SeatRecord, message: MessageRecord) -> None:
    match message.portrays:
        case Portrayed.SENDER:
            put_avatar(log.tx, log.conversation_id, seat.identity_key, message.seq)
        case Portrayed.GROUP:
            put_avatar(log.tx, log.conversation_id, OF_GROUP, message.seq)
        case None:
            pass


def _is_author(seat: SeatRecord, message: MessageRecord) -> bool:
    """By identity. For a stub, which shows nothing of anybody's, the server's word has to do."""
    if message.sender_key is None:
        return message.sender_id == seat.user_id
    return message.sender_key == seat.identity_key


def _emoji(log: Log, message: MessageRecord, seat: SeatRecord, token: bytes) -> str | None:
    epoch = get_epoch(log.tx, log.conversation_id, message.epoch)
    if epoch is None or epoch.content_key is None:
        return None
    return invert(epoch.content_key, message.hash, seat.user_id, token)


def _note_seen(log: Log, seat: SeatRecord) -> None:
    """One of those who vouch for the group has been seen in it."""
    if seat.identity_key in log.record.unseen:
        log.record.unseen = ()

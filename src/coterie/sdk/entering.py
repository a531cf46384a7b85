"""Entering a group from outside: by a link, or again after a commit that could not be followed.

Nobody enters what does not follow from something he already trusts: each commit from the anchor
to the GroupInfo on offer is judged by `accept`, and no chain that contains a commit this device has
refused is ever joined. What this device has seen of a group before, the group still has to follow.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from coterie.governance.accept import accept
from coterie.governance.anchors import SealedAnchor, verify_anchor
from coterie.governance.certificates import Certificate
from coterie.governance.device_lists import DeviceList
from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import CAPABILITIES, members_of, new_seat, seat_extension, state_of
from coterie.governance.signatures import hash_of
from coterie.governance.warrants import DeviceListItem, JoinProof, encode_warrants, sign_join
from coterie.mls import Group, GroupContext, MLSError, PendingCommit, PublicGroup
from coterie.protocol.commands import (
    AdvanceEpoch,
    Commits,
    GetGroupInfo,
    GetInvite,
    GetServer,
    GroupInfos,
    InviteDetails,
    JoinGroup,
    ListInviteCommits,
    ServerInfo,
)
from coterie.protocol.errors import EpochStale, Refused
from coterie.protocol.links import InviteLink, LinkError
from coterie.sdk.attempts import attempts
from coterie.sdk.catching_up import catch_up
from coterie.sdk.connection import Connection
from coterie.sdk.device_lists import note_device_lists
from coterie.sdk.errors import BadLink, EarlierGroup, OtherServer, UntrustedGroup, WrongLinkSecret
from coterie.sdk.link_keys import LinkKeys
from coterie.sdk.log import Log
from coterie.sdk.pending import finish, on_the_wire, record_of, settle
from coterie.sdk.profile import Profile
from coterie.sdk.seals import SealBroken
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, list_conversations
from coterie.sdk.vault.epochs import get_epoch
from coterie.sdk.vault.evidence import is_evidence
from coterie.sdk.vault.pending_commits import add_pending_commit, get_pending_commit
from coterie.sdk.vault.records import (
    AccountRecord,
    Consent,
    ConversationRecord,
    PendingCommitRecord,
    Standing,
)

SLOT_SECONDS: Final = 0.04
"""What a resync takes, about, where nothing else is going on."""
PATIENT_SLOTS: Final = 3
"""So long at least those before a device may take: it may be a slow machine."""
LONGEST_TURN_SECONDS: Final = 6.0


async def join(profile: Profile, text: str) -> UUID:
    """Enter the group of an invite link; its id. Who is in it already only catches up.

    Raises BadLink, OtherServer, WrongLinkSecret, UntrustedGroup, Refused.
    """
    link = _parse(text)
    await _require_own_server(profile, link)
    details = await _invite(profile, link)
    anchor = _open_anchor(link, details)
    public = _trusted(details, anchor)
    async for _ in attempts():
        await settle(profile, details.group_id)
        _require_no_older(details.group_infos, public.epoch)
        public = await _follow(profile, link.code, public, details.group_infos.epoch)
        if public.epoch == details.group_infos.epoch:
            if await _is_inside(profile, public):
                break
            pending = await _propose_join(profile, link, details, anchor, public)
            if pending is not None and await won(profile, pending):
                break
        details = await _invite(profile, link)
    return details.group_id


async def resync(profile: Profile, conversation_id: UUID) -> None:
    """Enter again by external commit, in the seat's place, from the chain followed in public.

    Everybody who could not follow has to, one epoch after the other. They take turns: one who comes
    too early only loses a race.
    """
    async for _ in attempts():
        await settle(profile, conversation_id)
        record = await _await_turn(profile, conversation_id)
        if record.standing is not Standing.MEMBER or record.keyed_epoch == record.epoch:
            return
        await _try_resync(profile, record)


async def _await_turn(profile: Profile, conversation_id: UUID) -> ConversationRecord:
    """Caught up, once all before this device have entered, or none of them has for a while."""
    clock, before, patient_until = asyncio.get_running_loop().time, sys.maxsize, 0.0
    while True:
        record = await catch_up(profile, conversation_id)
        turn = await profile.vault.read(lambda tx: _turn(tx, profile.account, conversation_id))
        if turn < before:
            before = turn
            patient_until = clock() + _slots(max(turn, PATIENT_SLOTS))
        patience = patient_until - clock()
        if not turn or patience <= 0:
            return record
        await asyncio.sleep(min(_slots(max(turn - 1, 0.5)), patience))


def _slots(count: float) -> float:
    """Seconds."""
    return min(count * SLOT_SECONDS, LONGEST_TURN_SECONDS)


async def _try_resync(profile: Profile, record: ConversationRecord) -> None:
    conversation_id = record.conversation_id
    command = GetGroupInfo(conversation_id=conversation_id)
    infos = await profile.connection.call(command, GroupInfos)
    _require_no_older(infos, record.epoch)
    pending = await profile.vault.write(
        lambda tx: _propose_resync(tx, profile.account, conversation_id, infos)
    )
    if pending is not None:
        await won(profile, pending)


def _turn(tx: Transaction, account: AccountRecord, conversation_id: UUID) -> int:
    """How many are to go before this device: in the order of their leaves, and round again, from
    whoever was the last to commit."""
    log = Log.load(tx, account, conversation_id)
    if log.keyed:
        return 0
    left_behind = dict(log.group.public.tree.leaves())
    waiting, own = list[int](), 0
    for index, leaf in log.public.tree.leaves():
        known = left_behind.get(index)
        if known is not None and leaf.extensions == known.extensions:
            waiting.append(index)
        if leaf.signature_key == account.device_key:
            own = index
    last = log.record.last_committer
    return sum((index < last, index) < (own < last, own) for index in waiting)


def choose_group_info(public: PublicGroup, candidates: Iterable[bytes]) -> bytes:
    """The first that is of exactly this epoch: the last committer's stands last.

    Raises UntrustedGroup when there is none.
    """
    for candidate in candidates:
        try:
            if public.verify_group_info(candidate).external_pub is not None:
                return candidate
        except MLSError:
            continue
    raise UntrustedGroup("no GroupInfo fits the verified chain of commits")


def _parse(text: str) -> InviteLink:
    try:
        return InviteLink.parse(text)
    except LinkError as error:
        raise BadLink(str(error)) from None


async def _require_own_server(profile: Profile, link: InviteLink) -> None:
    """One server may have several addresses; its key is one."""
    if link.server == profile.connection.server:
        return
    other = Connection(link.server)
    try:
        info = await other.call(GetServer(), ServerInfo)
    finally:
        await other.close()
    if info.server_key != profile.account.server_key:
        raise OtherServer(link.server)


async def _invite(profile: Profile, link: InviteLink) -> InviteDetails:
    """Raises UntrustedGroup for a group as it was before what this device has verified of it."""
    known = await profile.vault.read(list_conversations)  # before the server is asked: it may grow
    details = await profile.connection.call(GetInvite(code=link.code), InviteDetails)
    for record in known:
        if record.conversation_id == details.group_id:
            _require_no_older(details.group_infos, record.epoch)
    return details


def _open_anchor(link: InviteLink, details: InviteDetails) -> SealedAnchor:
    try:
        opened = LinkKeys(link.secret).open_anchor(details.group_id, details.sealed_anchor)
        return SealedAnchor.decode(opened)
    except (SealBroken, EncodingError):
        raise WrongLinkSecret from None


def _trusted(details: InviteDetails, anchor: SealedAnchor) -> PublicGroup:
    try:
        public = verify_anchor(details.anchor, anchor.trusted)
    except Refused as no:
        raise UntrustedGroup(str(no)) from None
    if public.group_id != details.group_id.bytes:
        raise UntrustedGroup("the anchor is of another group")
    return public


def _require_no_older(infos: GroupInfos, epoch: int) -> None:
    """In a group as it was before, whoever has been removed since would read along."""
    if infos.epoch < epoch:
        raise EarlierGroup("it is offered as it was before commits that were shown already")


async def _follow(profile: Profile, code: str, public: PublicGroup, epoch: int) -> PublicGroup:
    """The public state of `epoch`, or of a later one if there are more commits by now."""
    await _require_as_seen(profile, public)
    while public.epoch < epoch:
        command = ListInviteCommits(code=code, epoch=public.epoch)
        commits = (await profile.connection.call(command, Commits)).commits
        if not commits:
            raise UntrustedGroup(f"the commit of epoch {public.epoch} is withheld")
        public = await follow_chain(profile, public, commits)
    return public


async def follow_chain(
    profile: Profile, public: PublicGroup, commits: Iterable[bytes]
) -> PublicGroup:
    """The public state that `commits` lead to. Raises UntrustedGroup."""
    for commit in commits:
        commit_hash = hash_of(commit)
        if await profile.vault.read(lambda tx, seen=commit_hash: is_evidence(tx, seen)):
            raise UntrustedGroup("it contains a commit that this device has refused")
        try:
            verdict = accept(public, commit)
        except Refused as no:
            raise UntrustedGroup(str(no)) from None
        public = verdict.after
        if verdict.device_lists:
            lists = verdict.device_lists
            await profile.vault.write(lambda tx, lists=lists: note_device_lists(tx, lists))
        await _require_as_seen(profile, public)
    return public


async def _require_as_seen(profile: Profile, public: PublicGroup) -> None:
    """An epoch that this device has been in is the one it was: its context says all before it."""
    conversation_id = UUID(bytes=public.group_id)
    seen = await profile.vault.read(lambda tx: get_epoch(tx, conversation_id, public.epoch))
    if seen is not None and seen.context_hash != hash_of(public.context.encoded):
        raise EarlierGroup(f"its epoch {public.epoch} is another than this device has seen")


async def _is_inside(profile: Profile, public: PublicGroup) -> bool:
    """Whether this device sits in the group and has its keys."""
    conversation_id = UUID(bytes=public.group_id)
    record = await profile.vault.read(lambda tx: get_conversation(tx, conversation_id))
    if record is None or record.standing is not Standing.MEMBER:
        return False
    return profile.account.identity_key in members_of(public.tree)


async def _propose_join(
    profile: Profile,
    link: InviteLink,
    details: InviteDetails,
    anchor: SealedAnchor,
    public: PublicGroup,
) -> PendingCommitRecord | None:
    """The commit that joins, stored; None while another process is at it.

    Who left a moment ago still has a leaf: that one is replaced, which voids the statement.
    """
    account = profile.account
    if state_of(public).server_key != account.server_key:
        raise UntrustedGroup("it was made on another server")
    group_info = choose_group_info(public, details.group_infos.group_infos)
    entered = _enter_externally(account, public, group_info, LinkKeys(link.secret))
    command = JoinGroup(code=link.code, commit=on_the_wire(entered))
    pending = record_of(
        details.group_id,
        command,
        entered.group,
        entered.commit,
        enters=True,
        unseen=tuple({anchor.creator, anchor.owner} - {account.identity_key}),
    )
    return await profile.vault.write(lambda tx: _keep(tx, pending))


async def propose_device(
    profile: Profile, public: PublicGroup, infos: GroupInfos, peer_id: UUID, consent: Consent
) -> PendingCommitRecord | None:
    """The commit by which a device enters its own direct conversation, stored."""
    group_info = choose_group_info(public, infos.group_infos)
    entered = _enter_externally(profile.account, public, group_info)
    conversation_id = UUID(bytes=public.group_id)
    command = AdvanceEpoch(conversation_id=conversation_id, commit=on_the_wire(entered))
    pending = record_of(
        conversation_id,
        command,
        entered.group,
        entered.commit,
        enters=True,
        peer_id=peer_id,
        consent=consent,
    )
    return await profile.vault.write(lambda tx: _keep(tx, pending))


def _propose_resync(
    tx: Transaction, account: AccountRecord, conversation_id: UUID, infos: GroupInfos
) -> PendingCommitRecord | None:
    """The commit that enters again, stored; None when the group has moved on meanwhile."""
    log = Log.load(tx, account, conversation_id)
    if log.record.epoch != infos.epoch or log.keyed:
        return None
    group_info = choose_group_info(log.public, infos.group_infos)
    entered = _enter_externally(account, log.public, group_info)
    command = AdvanceEpoch(conversation_id=conversation_id, commit=on_the_wire(entered))
    return _keep(tx, record_of(conversation_id, command, entered.group, entered.commit))


def _enter_externally(
    account: AccountRecord, public: PublicGroup, group_info: bytes, keys: LinkKeys | None = None
) -> PendingCommit:
    """An external commit: a resync where this device has a leaf, else a join with its proof."""
    device_key = account.device_key
    own = [i for i, leaf in public.tree.leaves() if leaf.signature_key == device_key]

    def warrants(context: GroupContext) -> bytes:
        if own:
            return b""
        devices = DeviceListItem(DeviceList.decode(account.device_list))
        return encode_warrants(
            [devices] if keys is None else [_proof(account, keys, context), devices]
        )

    return Group.join_externally(
        group_info,
        account.certificate,
        account.device_seed,
        capabilities=CAPABILITIES,
        leaf_extensions=[seat_extension(new_seat())],
        authenticated_data=warrants,
        removes=own,
        followed=public,
    )


def _proof(account: AccountRecord, keys: LinkKeys, context: GroupContext) -> JoinProof:
    certificate = Certificate.decode(account.certificate)
    return sign_join(keys.signing_seed, context.encoded, certificate, account.device_key)


def _keep(tx: Transaction, pending: PendingCommitRecord) -> PendingCommitRecord | None:
    if get_pending_commit(tx, pending.conversation_id) is not None:
        return None
    add_pending_commit(tx, pending)
    return pending


async def won(profile: Profile, pending: PendingCommitRecord) -> bool:
    """Whether the commit was ordered; False when another was first. Raises Refused."""
    try:
        await finish(profile, pending)
    except Refused as no:
        if isinstance(no.refusal, EpochStale):
            return False
        raise
    return True

"""Joining direct conversations that others have opened: by Welcome, or as a device of one's own.

Either way the chain of commits is verified from epoch 0, whose state names the two identities.
"""

from uuid import UUID

from coterie.governance.accept import accept_genesis
from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import SUITE, members_of, state_of
from coterie.governance.signatures import hash_of
from coterie.mls import Group, KeyPackageSecrets, MissingSecret, MLSError, PublicGroup, suite
from coterie.protocol.chain import next_link
from coterie.protocol.commands import (
    Anchor,
    Commits,
    Conversation,
    Done,
    GetAnchor,
    GetConversation,
    GetGroupInfo,
    GroupInfos,
    ListCommits,
    ListWelcomes,
    PendingWelcome,
    RemoveWelcome,
    Welcomes,
)
from coterie.protocol.errors import Refused
from coterie.sdk.attempts import attempts
from coterie.sdk.entering import follow_chain, propose_device, won
from coterie.sdk.errors import ClientError, IdentityChanged, UntrustedGroup
from coterie.sdk.key_packages import replenish
from coterie.sdk.pending import begin_log
from coterie.sdk.people import note, pin_user
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, get_direct
from coterie.sdk.vault.key_packages import list_key_packages, remove_key_package
from coterie.sdk.vault.records import Consent, PinRecord, Principal, Standing


async def join_welcomed(profile: Profile) -> None:
    """Join what others have opened with this device since it last looked.

    One that does not work does not stop the others.
    """
    done: set[UUID] = set()
    last_resort_used = False
    while welcomes := [one for one in await _waiting(profile) if one.conversation_id not in done]:
        for welcome in welcomes:
            last_resort_used |= await _take(profile, welcome)
            done.add(welcome.conversation_id)
    if done:
        await replenish(profile, last_resort=last_resort_used)


async def enter_as_device(profile: Profile, conversation_id: UUID) -> None:
    """Into one's own direct conversation, without a Welcome that this device could open.

    Raises UntrustedGroup, Refused.
    """
    async for _ in attempts():
        asked = GetGroupInfo(conversation_id=conversation_id)
        infos = await profile.connection.call(asked, GroupInfos)
        public, _ = await _follow_from_genesis(profile, conversation_id, infos.epoch)
        peer = await _peer(profile, conversation_id, public)
        consent = _consent(profile, peer)
        pending = await propose_device(profile, public, infos, peer.user_id, consent)
        if pending is not None and await won(profile, pending):
            return


def _consent(profile: Profile, peer: Principal) -> Consent:
    """Whoever else opened it asks, until this person writes there, or says yes."""
    return Consent.GIVEN if peer.user_id == profile.account.user_id else Consent.ASKED


async def _waiting(profile: Profile) -> list[PendingWelcome]:
    """As many as the server gives at once."""
    return (await profile.connection.call(ListWelcomes(), Welcomes)).welcomes


async def _take(profile: Profile, welcome: PendingWelcome) -> bool:
    """Join, and have the server forget the Welcome; whether a package of last resort was used.

    What goes wrong without proving the Welcome wrong is tried again another time.
    """
    last_resort_used = False
    try:
        try:
            last_resort_used = await _join(profile, welcome)
        except (UntrustedGroup, MLSError, EncodingError) as error:
            profile.warn(f"Somebody opened a conversation that cannot be verified: {error}")
        forget = RemoveWelcome(conversation_id=welcome.conversation_id)
        await profile.connection.call(forget, Done)
    except (ClientError, Refused) as error:
        profile.warn(f"Somebody opened a conversation that cannot be entered now: {error}")
    return last_resort_used


async def _join(profile: Profile, welcome: PendingWelcome) -> bool:
    """Whether it took a package of last resort. Raises UntrustedGroup, MLSError, Refused."""
    conversation_id = welcome.conversation_id
    if await profile.vault.read(lambda tx: _is_in(tx, conversation_id)):
        return False
    opened = await _open(profile, welcome)
    if opened is None:
        await enter_as_device(profile, conversation_id)
        return False
    reference, last_resort, group = opened
    public, last_commit = await _follow_from_genesis(profile, conversation_id, welcome.epoch)
    if public.context != group.public.context:
        raise UntrustedGroup("the Welcome is not of the chain that the server shows")
    peer = await _peer(profile, conversation_id, public)
    link = next_link(welcome.chain_before, welcome.seq, hash_of(last_commit))

    def work(tx: Transaction) -> None:
        if not _is_in(tx, conversation_id):
            begin_log(
                tx,
                profile.account,
                group,
                welcome.seq,
                link,
                peer_id=peer.user_id,
                consent=_consent(profile, peer),
            )
        if not last_resort:
            remove_key_package(tx, reference)

    await profile.vault.write(work)
    return last_resort


async def _open(profile: Profile, welcome: PendingWelcome) -> tuple[bytes, bool, Group] | None:
    """The state a Welcome gives, with the reference of the package it was made for and whether
    that is of last resort; None when this device has no such package (any more)."""
    for reference, secrets, last_resort in await profile.vault.read(list_key_packages):
        package = KeyPackageSecrets.decode(secrets)
        try:
            group = Group.join(suite(SUITE), welcome.welcome, package, welcome.ratchet_tree)
        except MissingSecret:
            continue
        return reference, last_resort, group
    return None


def _is_in(tx: Transaction, conversation_id: UUID) -> bool:
    record = get_conversation(tx, conversation_id)
    return record is not None and record.standing is Standing.MEMBER


async def _follow_from_genesis(
    profile: Profile, conversation_id: UUID, epoch: int
) -> tuple[PublicGroup, bytes]:
    """The public state of `epoch`, verified from its beginning, and the commit that made it."""
    command = GetAnchor(conversation_id=conversation_id, epoch=0)
    anchor = await profile.connection.call(command, Anchor)
    try:
        public = PublicGroup.from_anchor(
            anchor.group_context, anchor.ratchet_tree, anchor.confirmation_tag
        )
        accept_genesis(public, server_key=profile.account.server_key)
    except (MLSError, Refused) as error:
        raise UntrustedGroup(str(error)) from None
    last_commit = b""
    while public.epoch < epoch:
        asked = ListCommits(conversation_id=conversation_id, epoch=public.epoch)
        commits = (await profile.connection.call(asked, Commits)).commits[: epoch - public.epoch]
        if not commits:
            raise UntrustedGroup(f"the commit of epoch {public.epoch} is withheld")
        public, last_commit = await follow_chain(profile, public, commits), commits[-1]
    return public, last_commit


async def _peer(profile: Profile, conversation_id: UUID, public: PublicGroup) -> Principal:
    """The other of the two, pinned, or noted as a rival: then this is not the conversation that
    their name means. Raises UntrustedGroup when it is not ours, or not direct."""
    other = state_of(public).peer_of(profile.account.identity_key)
    if other is None:
        raise UntrustedGroup("it is not a conversation between two of whom this is one")
    seats = members_of(public.tree).get(other)
    if not seats:
        raise UntrustedGroup("whoever opened it is not in it")
    peer = Principal(seats[0].user_id, other)
    command = GetConversation(conversation_id=conversation_id)
    user = (await profile.connection.call(command, Conversation)).peer
    if user is None or user.user_id != peer.user_id:
        raise UntrustedGroup("the server names somebody else as the other")

    def work(tx: Transaction) -> PinRecord:
        known = get_direct(tx, peer)
        if known is not None and known.conversation_id != conversation_id:
            raise UntrustedGroup("there is a conversation with this person already")
        pin_user(tx, user)
        return note(tx, user.username, peer)

    pin = await profile.vault.write(work)
    if pin.principal != peer:
        profile.warn(
            "A conversation is kept aside which somebody opened under a name you know, with an "
            f"identity you do not. {IdentityChanged(pin.username)}"
        )
    return peer

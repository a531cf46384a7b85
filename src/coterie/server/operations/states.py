"""Public MLS states: epoch 0 as its maker hands it in, and the newest as it is kept."""

import asyncio
from collections import OrderedDict
from uuid import UUID

import msgspec

from coterie.governance.accept import accept_genesis
from coterie.governance.certificates import principal
from coterie.governance.rules.rule import Rule
from coterie.governance.state import GroupState
from coterie.mls import MLSError, PublicGroup
from coterie.protocol import limits
from coterie.protocol.chain import first_link
from coterie.protocol.commands import Anchor
from coterie.protocol.errors import CommitMismatch, CommitRefused, NotFound, Refused, TooLarge
from coterie.server.operations.access import Actor
from coterie.server.storage import accounts, devices, epochs, tables
from coterie.server.storage.database import Tx

REMEMBERED_BYTES = 16 * limits.MIB
"""Of encoded states whose decoded form is remembered; that takes some ten times as much."""


class Decoded:
    """A memory of what states decode to: 1,000 members take a tenth of a second."""

    def __init__(self) -> None:
        self._groups: OrderedDict[bytes, PublicGroup] = OrderedDict()
        self._bytes = 0

    async def decode(self, state: bytes) -> PublicGroup:
        if state not in self._groups:
            self.remember(state, await asyncio.to_thread(PublicGroup.decode, state))
        self._groups.move_to_end(state)
        return self._groups[state]

    def remember(self, state: bytes, group: PublicGroup) -> None:
        if state not in self._groups:
            self._bytes += len(state)
        self._groups[state] = group
        while self._bytes > REMEMBERED_BYTES and len(self._groups) > 1:
            forgotten, _ = self._groups.popitem(last=False)
            self._bytes -= len(forgotten)


_DECODED = Decoded()


async def decode(state: bytes) -> PublicGroup:
    return await _DECODED.decode(state)


async def current(tx: Tx, conversation_id: UUID) -> PublicGroup:
    """The public state of the newest epoch."""
    stored = await epochs.get_public_state(tx, conversation_id)
    if stored is None:
        raise Refused(NotFound("conversation"))
    return await decode(stored.state)


def check_group_info(group: PublicGroup, group_info: bytes, device_id: UUID) -> None:
    """A GroupInfo of this epoch, signed by this device's leaf, with external_pub, without tree."""
    try:
        info = group.verify_group_info(group_info)
    except MLSError as error:
        raise Refused(CommitRefused("group_info", str(error))) from None
    if info.external_pub is None or info.ratchet_tree is not None:
        raise Refused(CommitRefused("group_info", "it has external_pub, and not the tree"))
    signer = group.tree.leaf(info.signer)
    if signer is None or principal(signer).device_id != device_id:
        raise Refused(CommitMismatch("the GroupInfo is signed by another device"))


class Beginning(msgspec.Struct, frozen=True):
    """Epoch 0, accepted: one leaf, that of the device which asks."""

    group: PublicGroup
    state: GroupState

    @property
    def chain(self) -> bytes:
        """chain(0) of the conversation's log."""
        return first_link(UUID(bytes=self.group.group_id), self.state.genesis)


async def judge(anchor: Anchor, server_key: bytes) -> Beginning:
    """Whether this is an epoch 0. Raises TooLarge, CommitRefused."""
    if len(anchor.group_context) + len(anchor.ratchet_tree) > limits.NEW_ANCHOR_BYTES:
        raise Refused(TooLarge("anchor of a new conversation", limits.NEW_ANCHOR_BYTES))
    return await asyncio.to_thread(_judge, anchor, server_key)


async def require_own(tx: Tx, actor: Actor, conversation_id: UUID, beginning: Beginning) -> None:
    """It is of this conversation, and of the device that asks. Raises CommitMismatch."""
    if beginning.group.group_id != conversation_id.bytes:
        raise Refused(CommitMismatch("the anchor is of another group"))
    leaf = beginning.group.tree.leaf(0)
    if leaf is None or principal(leaf).device_id != actor.device_id:
        raise Refused(CommitMismatch("the first leaf is another device's"))
    await require_registered(
        tx, actor.user_id, actor.device_id, leaf.signature_key, principal(leaf).identity_key
    )


def _judge(anchor: Anchor, server_key: bytes) -> Beginning:
    try:
        group = PublicGroup.from_anchor(
            anchor.group_context, anchor.ratchet_tree, anchor.confirmation_tag
        )
    except MLSError as error:
        raise Refused(CommitRefused(Rule.ANCHOR_TREE.value, str(error))) from None
    return Beginning(group, accept_genesis(group, server_key=server_key))


async def require_registered(
    tx: Tx, user_id: UUID, device_id: UUID, device_key: bytes, identity_key: bytes
) -> None:
    """Whoever gets a leaf does so as the account they have here, and by its device."""
    person = await accounts.get_person(tx, user_id)
    device = await devices.get_device(tx, device_id)
    registered = (
        person is not None
        and device is not None
        and device.revoked_at is None
        and (device.user_id, device.device_key, person.identity_key)
        == (user_id, device_key, identity_key)
    )
    if not registered:
        raise Refused(CommitMismatch("a leaf is not that of a device of an account here"))


async def keep(tx: Tx, group: PublicGroup) -> None:
    """Make this the newest public state of its conversation."""
    conversation_id = UUID(bytes=group.group_id)
    state = group.encode()
    await epochs.set_public_state(tx, conversation_id, group.epoch, state)
    _DECODED.remember(state, group)


async def keep_anchor(tx: Tx, group: PublicGroup) -> None:
    """Let chains of commits be verified from this epoch on."""
    await epochs.add_anchor(
        tx,
        tables.Anchor(
            conversation_id=UUID(bytes=group.group_id),
            epoch=group.epoch,
            group_context=group.context.encoded,
            ratchet_tree=group.tree.encode(),
            confirmation_tag=group.confirmation_tag,
        ),
    )

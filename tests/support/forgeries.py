"""What a hostile server, or a hostile member with its help, would make."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_bytes
from typing import NamedTuple
from unittest.mock import patch
from uuid import UUID, uuid4

import msgspec

from coterie.governance.certificates import Certificate, CertificateType, certify
from coterie.governance.device_lists import DeviceList, first_device_list
from coterie.governance.leaves import (
    CAPABILITIES,
    SUITE,
    context_extensions,
    new_seat,
    seat_extension,
)
from coterie.governance.makers import first_state
from coterie.governance.signatures import new_key, public_key
from coterie.governance.state import GroupState
from coterie.governance.warrants import DeviceListItem, Warrant, encode_warrants, sign_join
from coterie.mls import (
    ExtensionType,
    Group,
    GroupInfo,
    PendingCommit,
    Suite,
    hpke,
    new_key_package,
    suite,
    tree_kem,
)
from coterie.mls.codec import opaque
from coterie.mls.commits import HPKECiphertext
from coterie.protocol.chain import next_link
from coterie.protocol.commands import Accepted, Entries, Entry, ListEntries, SendMessage
from coterie.protocol.header import EntryKind, entry_hash
from tests.support.insider import Insider
from tests.support.proxy import Answered, Asked, Forger, Forward


class Device(NamedTuple):
    """Whoever holds these acts as the identity the certificate names."""

    seed: bytes
    certificate: Certificate
    devices: DeviceList


def mint(user_id: UUID) -> Device:
    """A device that whoever runs the server made up, under an identity key of their own."""
    (identity_seed, _), (seed, key) = new_key(), new_key()
    device_id, created_at = uuid4(), time.time_ns() // 1_000_000
    certificate = certify(identity_seed, user_id, device_id, key, created_at)
    devices = first_device_list(identity_seed, user_id, device_id, key, created_at)
    return Device(seed, certificate, devices)


def device_of(insider: Insider) -> Device:
    account = insider.account
    certificate = Certificate.decode(account.certificate)
    return Device(account.device_seed, certificate, DeviceList.decode(account.device_list))


def as_if_approved(ghost: Device, owner: Insider) -> Device:
    """A provisional certificate for the ghost, in the name of the owner's device."""
    certificate = msgspec.structs.replace(
        ghost.certificate,
        type=CertificateType.PROVISIONAL,
        identity_key=owner.key,
        issuer=owner.account.device_key,
    )
    return ghost._replace(certificate=certificate)


def fake_group(group_id: UUID, state: GroupState, owner: Device) -> Group:
    """Epoch 0 of a group under the same id and genesis, with an owner of the server's making."""
    package = new_key_package(
        suite(SUITE),
        owner.certificate.encode(),
        owner.seed,
        capabilities=CAPABILITIES,
        leaf_extensions=[seat_extension(new_seat())],
        lifetime=(0, 2**40),
    )
    identity_key = owner.certificate.identity_key
    faked = first_state(state.genesis, state.server_key, identity_key, state.name)
    return Group.create(suite(SUITE), group_id.bytes, package, context_extensions(faked))


def entering(
    view: Insider,
    group_id: UUID,
    who: Device,
    *,
    invite_seed: bytes | None = None,
    removes: Sequence[int] = (),
) -> PendingCommit:
    """An external commit upon the group as `view` knows it, with a proof if there is a link."""
    group = view.group(group_id)
    listed = not removes and not who.certificate.provisional
    warrants: list[Warrant] = [DeviceListItem(who.devices)] if listed else []
    if invite_seed is not None:
        context, device_key = group.public.context.encoded, public_key(who.seed)
        warrants.append(sign_join(invite_seed, context, who.certificate, device_key))
    return Group.join_externally(
        group.group_info(),
        who.certificate.encode(),
        who.seed,
        capabilities=CAPABILITIES,
        leaf_extensions=[seat_extension(new_seat())],
        authenticated_data=encode_warrants(warrants),
        removes=removes,
    )


class Injecting:
    """The server shows one more commit than there is, at the end of the log, and plays along:
    nothing follows it, and whatever is sent after it is accepted."""

    def __init__(self, commit: bytes, sender: UUID) -> None:
        self._commit = commit
        self._sender = sender
        self._shown: tuple[int, bytes] | None = None

    async def __call__(self, asked: Asked, forward: Forward) -> Answered:
        answered = await forward(asked)
        if asked.is_for(SendMessage):
            return answered.saying(Accepted(message_id=1, seq=1, created_at=datetime.now(UTC)))
        if not asked.is_for(ListEntries) or answered.status != 200:
            return answered
        page = answered.read(Entries)
        return answered if page.more else answered.saying(self._longer(asked, page))

    def _longer(self, asked: Asked, page: Entries) -> Entries:
        after = int(asked.parameters["after"])
        if self._shown and after >= self._shown[0]:
            return Entries(entries=[], chain=self._shown[1], more=False)
        return self._appended(page, page.entries[-1].seq if page.entries else after)

    def _appended(self, page: Entries, last: int) -> Entries:
        hashed = entry_hash(self._commit)
        entry = Entry(
            seq=last + 1,
            kind=EntryKind.COMMIT,
            epoch=0,
            sender_id=self._sender,
            device_id=uuid4(),
            message_id=None,
            content=self._commit,
            hash=hashed,
            created_at=datetime.now(UTC),
        )
        self._shown = last + 1, next_link(page.chain, last + 1, hashed)
        return Entries(entries=[*page.entries, entry], chain=self._shown[1], more=False)


def rewriting(change: Callable[[list[Entry]], list[Entry]]) -> Forger:
    """The server shows a changed log, with a chain value that fits what it shows."""

    async def between(asked: Asked, forward: Forward) -> Answered:
        answered = await forward(asked)
        if not asked.is_for(ListEntries) or answered.status != 200:
            return answered
        page = answered.read(Entries)
        return answered.saying(msgspec.structs.replace(page, entries=change(page.entries)))

    return between


def wedging(view: Insider, group_id: UUID) -> PendingCommit:
    """A commit that is right in public; the secrets of its path are not those of its keys."""

    def wrong(suite: Suite, public: bytes, context: bytes, _: bytes) -> HPKECiphertext:
        return HPKECiphertext(
            *suite.encrypt_with_label(public, b"UpdatePathNode", context, token_bytes(32))
        )

    with patch.object(tree_kem, "_seal", wrong):
        return view.pending(group_id)


def false_group_info(view: Insider, group: Group) -> bytes:
    """A GroupInfo of the true epoch, honestly signed, with an external_pub nobody has a key to."""
    _, stray = hpke.generate_key_pair()
    info = GroupInfo.sign(
        group.suite,
        view.account.device_seed,
        group.public.context,
        ((ExtensionType.EXTERNAL_PUB, opaque(stray)),),
        group.public.confirmation_tag,
        group.own_leaf,
    )
    return info.encoded

"""Direct conversations: finding the one with somebody, or opening it."""

import time
from secrets import token_bytes
from uuid import UUID, uuid4

from coterie.governance.anchors import anchor_of
from coterie.governance.certificates import principal
from coterie.governance.device_lists import DeviceList
from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import SUITE, context_extensions, seat_of
from coterie.governance.makers import first_direct_state
from coterie.governance.signatures import BadSignature
from coterie.governance.warrants import DeviceListItem, encode_warrants
from coterie.mls import (
    Group,
    KeyPackage,
    MLSError,
    suite,
)
from coterie.protocol.commands import (
    ClaimedKeyPackages,
    ClaimKeyPackages,
    OpenDirect,
)
from coterie.protocol.errors import DirectExists, Refused
from coterie.sdk.consent import is_agreed
from coterie.sdk.device_lists import take_device_list
from coterie.sdk.errors import BadAnswer, IdentityChanged, NoKeys
from coterie.sdk.key_packages import make_key_package
from coterie.sdk.pending import finish, on_the_wire, record_of, settle
from coterie.sdk.people import is_other, name_of, note, peer_of, require_uncontested
from coterie.sdk.pins import find_person
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, get_direct, list_conversations
from coterie.sdk.vault.pending_commits import add_pending_commit, list_pending_commits
from coterie.sdk.vault.pins import get_pin
from coterie.sdk.vault.records import PendingCommitRecord, Principal
from coterie.sdk.views import Person
from coterie.sdk.welcomes import enter_as_device, join_welcomed


async def find_direct(profile: Profile, username: str) -> UUID | None:
    """The direct conversation with somebody, if there is one; theirs is joined first."""
    peer = await find_person(profile, username)
    record = await profile.vault.read(lambda tx: get_direct(tx, peer))
    if record is None:
        await _settle_begun(profile, peer)
        await join_welcomed(profile)
        record = await profile.vault.read(lambda tx: get_direct(tx, peer))
    return record and record.conversation_id


async def list_people(profile: Profile) -> list[Person]:
    """Whom this device has a direct conversation with that both want, by name."""

    def work(tx: Transaction) -> list[Person]:
        agreed = [record for record in list_conversations(tx) if is_agreed(tx, record)]
        peers = [peer_of(tx, record) for record in agreed]
        return [
            Person(
                user_id=peer.user_id,
                username=name_of(tx, peer),
                other_identity=is_other(tx, peer),
            )
            for peer in peers
            if peer is not None and get_pin(tx, peer.user_id) is not None
        ]

    return sorted(await profile.vault.read(work), key=lambda one: one.username)


async def _settle_begun(profile: Profile, peer: Principal) -> None:
    """One that a killed process has begun to open is seen through, not opened twice."""
    for pending in await profile.vault.read(list_pending_commits):
        if pending.peer_id == peer.user_id:
            await settle(profile, pending.conversation_id)


async def open_direct(profile: Profile, username: str) -> UUID:
    """The direct conversation with somebody, opened if there is none.

    Raises Refused(Blocked), NoKeys, IdentityChanged.
    """
    found = await find_direct(profile, username)
    if found is not None:
        return found
    peer = await find_person(profile, username)
    packages, devices = await _claim(profile, username, peer)
    pending = _propose(profile, peer, packages, devices)
    await profile.vault.write(lambda tx: add_pending_commit(tx, pending))
    try:
        await finish(profile, pending)
    except Refused as no:
        if not isinstance(no.refusal, DirectExists):
            raise
        await join_welcomed(profile)
        await _enter_existing(profile, no.refusal.conversation_id)
        return await _existing(profile, peer)
    return pending.conversation_id


async def _existing(profile: Profile, peer: Principal) -> UUID:
    """Which one it is, the device looks up: the server could name that with somebody else."""

    def work(tx: Transaction) -> UUID:
        record = get_direct(tx, peer)
        if record is None:
            require_uncontested(tx, [peer])
            raise BadAnswer("it tells of a conversation with one person, and shows another")
        return record.conversation_id

    return await profile.vault.read(work)


async def _enter_existing(profile: Profile, conversation_id: UUID) -> None:
    """A conversation that this device has not been welcomed into is entered by itself."""
    if await profile.vault.read(lambda tx: get_conversation(tx, conversation_id)) is None:
        await enter_as_device(profile, conversation_id)


async def _claim(
    profile: Profile, username: str, peer: Principal
) -> tuple[list[KeyPackage], DeviceList]:
    """A package of each of their devices, each proven by their certificate and device list.

    Of oneself: of one's other devices, if there are any. Raises NoKeys.
    """
    await profile.vault.read(lambda tx: require_uncontested(tx, [peer]))
    command = ClaimKeyPackages(user_id=peer.user_id)
    claimed = await profile.connection.call(command, ClaimedKeyPackages)
    try:
        devices = DeviceList.decode(claimed.device_list)
        devices.verify()
    except (EncodingError, BadSignature):
        raise NoKeys(username) from None
    found = Principal(devices.user_id, devices.identity_key)
    if found != peer:
        await profile.vault.write(lambda tx: note(tx, username, found))
        raise IdentityChanged(username)
    await profile.vault.write(lambda tx: take_device_list(tx, devices))
    packages = [
        package
        for package in map(_package, claimed.key_packages)
        if package is not None and _is_of(package, devices)
    ]
    if not packages and peer.user_id != profile.account.user_id:
        raise NoKeys(username)
    return packages, devices


def _package(encoded: bytes) -> KeyPackage | None:
    """None for one that may not be used now."""
    try:
        package = KeyPackage.decode(encoded)
        package.validate(suite(SUITE), int(time.time()))
        seat_of(package.leaf_node)
    except (MLSError, EncodingError):
        return None
    return package


def _is_of(package: KeyPackage, devices: DeviceList) -> bool:
    """Whether it is of an active device of the list, certified by the list's identity."""
    device_key = package.leaf_node.signature_key
    try:
        certificate = principal(package.leaf_node)
        certificate.verify(device_key)
    except (EncodingError, BadSignature):
        return False
    who = (certificate.user_id, certificate.identity_key)
    return who == (devices.user_id, devices.identity_key) and devices.names_active(
        certificate.device_id, device_key
    )


def _propose(
    profile: Profile, peer: Principal, packages: list[KeyPackage], devices: DeviceList
) -> PendingCommitRecord:
    account, conversation_id = profile.account, uuid4()
    state = first_direct_state(
        token_bytes(32), account.server_key, account.identity_key, peer.identity_key
    )
    first = Group.create(
        suite(SUITE),
        conversation_id.bytes,
        make_key_package(account),
        context_extensions(state),
    )
    warrants = [DeviceListItem(devices)] if packages else []
    added = first.commit(adds=packages, authenticated_data=encode_warrants(warrants))
    command = OpenDirect(
        conversation_id=conversation_id,
        peer_id=peer.user_id,
        anchor=anchor_of(first.public),
        commit=on_the_wire(added),
        welcome=added.welcome,
    )
    return record_of(
        conversation_id, command, added.group, added.commit, enters=True, peer_id=peer.user_id
    )

"""People with devices, and conversations in which they may do anything, also what is wrong.

Keys and ids come from a seed, so that a test that fails fails again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from coterie.governance import makers
from coterie.governance.certificates import Certificate, certify, certify_provisionally
from coterie.governance.device_lists import DeviceList, first_device_list
from coterie.governance.leaves import (
    CAPABILITIES,
    SUITE,
    context_extensions,
    members_of,
    seat_extension,
    state_of,
)
from coterie.governance.signatures import kdf, public_key
from coterie.governance.state import GroupState
from coterie.governance.warrants import (
    Acceptance,
    DeviceListItem,
    JoinProof,
    ServerStatement,
    ServerStatementKind,
    Warrant,
    encode_warrants,
    sign_acceptance,
    sign_join,
    sign_server_statement,
)
from coterie.mls import (
    Capabilities,
    Extension,
    Group,
    KeyPackage,
    KeyPackageSecrets,
    PendingCommit,
    Removed,
    Suite,
    new_key_package,
    suite,
)

MLS_SUITE = suite(SUITE)
LIFETIME = (0, 2**40)


class Dice:
    """Bytes that look random and come again."""

    def __init__(self, seed: str) -> None:
        self._key = seed.encode().ljust(16, b".")[:64]
        self._count = 0

    def throw(self, count: int = 32) -> bytes:
        self._count += 1
        return kdf(self._key, f"dice {self._count}")[:count]

    def uuid(self) -> UUID:
        return UUID(bytes=self.throw(16), version=4)


@dataclass(eq=False, repr=False)
class Device:
    person: "Person"
    device_id: UUID
    seed: bytes
    certificate: Certificate

    @property
    def key(self) -> bytes:
        return public_key(self.seed)

    def package(
        self,
        *,
        seat: bytes | None = None,
        identity: bytes | None = None,
        capabilities: Capabilities = CAPABILITIES,
        leaf_extensions: Sequence[Extension] | None = None,
        extensions: Sequence[Extension] = (),
        mls_suite: Suite = MLS_SUITE,
        lifetime: tuple[int, int] = LIFETIME,
    ) -> KeyPackageSecrets:
        """A KeyPackage of this device, right unless told otherwise."""
        seat = self.person.dice.throw(16) if seat is None else seat
        return new_key_package(
            mls_suite,
            self.certificate.encode() if identity is None else identity,
            self.seed,
            capabilities=capabilities,
            lifetime=lifetime,
            leaf_extensions=[seat_extension(seat)] if leaf_extensions is None else leaf_extensions,
            extensions=extensions,
        )

    def list_item(self) -> DeviceListItem:
        return DeviceListItem(self.person.devices)


@dataclass(eq=False, repr=False)
class Person:
    name: str
    dice: Dice
    identity_seed: bytes
    user_id: UUID
    devices: DeviceList
    first: Device = field(init=False)

    def __repr__(self) -> str:
        return self.name

    @classmethod
    def new(cls, name: str, created_at: int = 1_000) -> "Person":
        dice = Dice(name)
        identity_seed, user_id = dice.throw(), dice.uuid()
        device_id, seed = dice.uuid(), dice.throw()
        devices = first_device_list(identity_seed, user_id, device_id, public_key(seed), created_at)
        person = cls(name, dice, identity_seed, user_id, devices)
        person.first = person._device(device_id, seed, created_at)
        return person

    @property
    def key(self) -> bytes:
        return public_key(self.identity_seed)

    def _device(self, device_id: UUID, seed: bytes, created_at: int) -> Device:
        certificate = certify(
            self.identity_seed, self.user_id, device_id, public_key(seed), created_at
        )
        return Device(self, device_id, seed, certificate)

    def new_device(self, created_at: int = 2_000) -> Device:
        """A further device, in the next version of the list."""
        device = self._device(self.dice.uuid(), self.dice.throw(), created_at)
        self.devices = self.devices.with_device(
            self.identity_seed, device.device_id, device.key, created_at
        )
        return device

    def approve(self, issuer: Device, created_at: int = 3_000) -> Device:
        """A provisional device, vouched for by `issuer`."""
        device_id, seed = self.dice.uuid(), self.dice.throw()
        certificate = certify_provisionally(
            issuer.seed, issuer.certificate, device_id, public_key(seed), created_at
        )
        return Device(self, device_id, seed, certificate)

    def revoke(self, device: Device, revoked_at: int = 9_000) -> DeviceListItem:
        """The list that says a device is no more."""
        self.devices = self.devices.with_revoked(self.identity_seed, device.device_id, revoked_at)
        return DeviceListItem(self.devices)


class Conversation:
    """The groups of all who are in, and the public state that accept judges."""

    def __init__(
        self, owner: Device, *, direct: Person | None = None, name: str = "Garden"
    ) -> None:
        self.dice = Dice("conversation of " + owner.person.name)
        self.server_seed = self.dice.throw()
        self.group_id = self.dice.uuid().bytes
        genesis, server_key = self.dice.throw(), public_key(self.server_seed)
        state = (
            makers.first_state(genesis, server_key, owner.person.key, name)
            if direct is None
            else makers.first_direct_state(genesis, server_key, owner.person.key, direct.key)
        )
        self.groups = {
            owner: Group.create(
                MLS_SUITE, self.group_id, owner.package(), context_extensions(state)
            )
        }
        self.public = self.groups[owner].public

    # Reading

    @property
    def state(self) -> GroupState:
        return state_of(self.public)

    @property
    def next_epoch(self) -> int:
        return self.public.epoch + 1

    def leaf_of(self, device: Device) -> int:
        return self.groups[device].own_leaf

    def leaves_of(self, *people: Person) -> list[int]:
        members = members_of(self.public.tree)
        return [seat.leaf_index for person in people for seat in members[person.key]]

    def seat_of(self, device: Device) -> bytes:
        seats = members_of(self.public.tree)[device.person.key]
        return next(seat.seat for seat in seats if seat.device_key == device.key)

    def seats_of(self, person: Person) -> list[bytes]:
        return [seat.seat for seat in members_of(self.public.tree)[person.key]]

    # Warrants

    def proof(self, invite_seed: bytes, device: Device) -> JoinProof:
        context = self.public.context.encoded
        return sign_join(invite_seed, context, device.certificate, device.key)

    def acceptance(self, device: Device, package: KeyPackage) -> Acceptance:
        reference = package.reference(MLS_SUITE)
        return sign_acceptance(device.seed, self.group_id, self.state.genesis, reference)

    def statement(self, kind: ServerStatementKind, subject: bytes) -> ServerStatement:
        return sign_server_statement(self.server_seed, kind, self.group_id, subject)

    # Commits, built without any rule of ours

    def commit(
        self,
        device: Device,
        *,
        adds: Sequence[KeyPackage] = (),
        removes: Sequence[int] = (),
        state: GroupState | None = None,
        extensions: Sequence[Extension] | None = None,
        warrants: Iterable[Warrant] = (),
        authenticated_data: bytes | None = None,
        force_path: bool = False,
        now: int | None = None,
    ) -> PendingCommit:
        if state is not None:
            extensions = context_extensions(state)
        data = encode_warrants(warrants) if authenticated_data is None else authenticated_data
        return self.groups[device].commit(
            adds=adds,
            removes=removes,
            group_context_extensions=extensions,
            authenticated_data=data,
            force_path=force_path,
            now=now,
        )

    def enter(
        self,
        device: Device,
        warrants: Callable[["Conversation"], Iterable[Warrant]] | Iterable[Warrant] = (),
        *,
        removes: Sequence[int] = (),
        seat: bytes | None = None,
        identity: bytes | None = None,
        capabilities: Capabilities = CAPABILITIES,
        leaf_extensions: Sequence[Extension] | None = None,
        through: Device | None = None,
    ) -> PendingCommit:
        """An external commit by a device, upon the GroupInfo of somebody inside."""
        items = warrants(self) if callable(warrants) else warrants
        seat = self.dice.throw(16) if seat is None else seat
        inviter = self.groups[through] if through else next(iter(self.groups.values()))
        return Group.join_externally(
            inviter.group_info(),
            device.certificate.encode() if identity is None else identity,
            device.seed,
            capabilities=capabilities,
            leaf_extensions=[seat_extension(seat)] if leaf_extensions is None else leaf_extensions,
            authenticated_data=encode_warrants(items),
            removes=removes,
        )

    def join(self, device: Device, invite_seed: bytes) -> PendingCommit:
        """By a link, as it should be."""
        return self.enter(device, [self.proof(invite_seed, device), device.list_item()])

    # Going on

    def adopt(self, device: Device, pending: PendingCommit) -> None:
        """Everybody processes a commit, whether right or wrong."""
        others = {d: group for d, group in self.groups.items() if d is not device}
        self.groups = {device: pending.group}
        for other, group in others.items():
            try:
                self.groups[other] = group.process(pending.commit)
            except Removed:
                continue
        self.public = pending.group.public

    def welcome(self, device: Device, package: KeyPackageSecrets, pending: PendingCommit) -> None:
        """After `adopt`: who was added joins."""
        assert pending.welcome is not None
        self.groups[device] = Group.join(
            MLS_SUITE, pending.welcome, package, pending.group.public.tree.encode()
        )
        assert self.groups[device].public == self.public

    def add(self, by: Device, *devices: Device) -> None:
        """Adds devices in one commit, as it should be."""
        packages = [device.package() for device in devices]
        lists = {device.person: device.list_item() for device in devices}
        acceptances = [
            self.acceptance(device, package.package)
            for device, package in zip(devices, packages, strict=True)
            if device.person is not by.person and self.state.direct is None
        ]
        pending = self.commit(
            by,
            adds=[package.package for package in packages],
            warrants=[*lists.values(), *acceptances],
        )
        self.adopt(by, pending)
        for device, package in zip(devices, packages, strict=True):
            self.welcome(device, package, pending)

    def write(self, by: Device, state: GroupState, *, removes: Sequence[int] = ()) -> None:
        """Commits a change of the state, settled."""
        extensions = makers.extensions_for(self.public, state, removes)
        self.adopt(by, self.commit(by, removes=removes, extensions=extensions))

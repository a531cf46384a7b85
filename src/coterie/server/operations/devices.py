"""A device's key packages, by which it lets itself be added."""

import time
from datetime import UTC, datetime

from coterie.governance.leaves import LAST_RESORT, SUITE
from coterie.governance.rules.leaf import check_package
from coterie.mls import KeyPackage, MLSError, suite
from coterie.protocol import limits
from coterie.protocol.commands import (
    ClaimedKeyPackages,
    ClaimKeyPackages,
    KeyPackageCount,
    PublishKeyPackages,
)
from coterie.protocol.errors import Blocked, LimitReached, Malformed, NotFound, Refused
from coterie.server.operations.access import Actor
from coterie.server.storage import accounts, blocks, devices, tables
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Device


async def publish_key_packages(
    tx: Tx, actor: Actor, command: PublishKeyPackages
) -> KeyPackageCount:
    device = await devices.lock_device(tx, actor.device_id)
    if device is None:
        raise Refused(NotFound("device"))
    for data in command.key_packages:
        await devices.add_key_package(tx, _checked(device, data, last_resort=False))
    if command.last_resort is not None:
        await devices.add_key_package(tx, _checked(device, command.last_resort, last_resort=True))
    count = await devices.count_key_packages(tx, actor.device_id)
    if count > limits.KEY_PACKAGES_PER_DEVICE:
        raise Refused(LimitReached("key packages", limits.KEY_PACKAGES_PER_DEVICE))
    return KeyPackageCount(key_packages=count)


def _checked(device: Device, data: bytes, *, last_resort: bool) -> tables.KeyPackage:
    """Valid now, this device's own, and marked as what it is published for."""
    now = int(time.time())
    try:
        package = KeyPackage.decode(data)
        package.validate(suite(SUITE), now)
    except MLSError as error:
        raise Refused(Malformed(f"a key package is not valid: {error}")) from None
    check_package(package)
    leaf = package.leaf_node
    if (leaf.identity, leaf.signature_key) != (device.certificate, device.device_key):
        raise Refused(Malformed("a key package is another device's"))
    if (package.extensions == ((LAST_RESORT, b""),)) is not last_resort:
        raise Refused(Malformed("only the last resort is marked as one"))
    return tables.KeyPackage(
        reference=package.reference(suite(SUITE)),
        device_id=device.id,
        key_package=data,
        last_resort=last_resort,
        expires_at=_end_of_life(package, now),
        created_at=datetime.fromtimestamp(now, UTC),
    )


def _end_of_life(package: KeyPackage, now: int) -> datetime:
    _, not_after = package.leaf_node.lifetime or (0, 0)
    if not_after - now > limits.KEY_PACKAGE_SECONDS:
        raise Refused(Malformed("a key package lives for 90 days at most"))
    return datetime.fromtimestamp(not_after, UTC)


async def claim_key_packages(tx: Tx, actor: Actor, command: ClaimKeyPackages) -> ClaimedKeyPackages:
    """One package of each active device; of one's own, of every other device."""
    tx.spend((ClaimKeyPackages, actor.user_id), limits.KEY_CLAIMS_PER_ACCOUNT)
    by_whom_of_whom = ClaimKeyPackages, actor.user_id, command.user_id
    tx.spend(by_whom_of_whom, limits.KEY_CLAIMS_PER_PERSON)
    person = await accounts.get_person(tx, command.user_id)
    if person is None:
        raise Refused(NotFound("user"))
    if await blocks.has_block(tx, command.user_id, actor.user_id):
        raise Refused(Blocked())
    taken = await devices.take_key_packages(tx, command.user_id, actor.device_id)
    return ClaimedKeyPackages(
        key_packages=[package.key_package for package in taken], device_list=person.device_list
    )

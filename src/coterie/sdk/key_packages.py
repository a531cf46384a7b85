"""The pool of key packages by which this device is added: one-time ones, and one of last resort."""

from typing import Final

from coterie.governance.leaves import CAPABILITIES, LAST_RESORT, SUITE, new_seat, seat_extension
from coterie.mls import KeyPackageSecrets, new_key_package, suite
from coterie.protocol.commands import Account, GetAccount, KeyPackageCount, PublishKeyPackages
from coterie.protocol.limits import HOUR, KEY_PACKAGE_POOL, KEY_PACKAGE_SECONDS
from coterie.sdk.clock import milliseconds, now
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.key_packages import (
    add_key_package,
    list_key_packages,
    remove_key_package,
)
from coterie.sdk.vault.records import AccountRecord

_SKEW_SECONDS: Final = HOUR
"""How far our clock may be ahead of that of whoever adds us."""


async def replenish(profile: Profile, *, last_resort: bool = True) -> None:
    """Fill the pool up when it is half empty; `last_resort` replaces that package too."""
    held = (await profile.connection.call(GetAccount(), Account)).key_packages
    missing = KEY_PACKAGE_POOL - held if held <= KEY_PACKAGE_POOL // 2 else 0
    if missing or last_resort:
        await _publish(profile, missing, last_resort)


async def _publish(profile: Profile, one_time: int, last_resort: bool) -> None:
    account = profile.account
    packages = [make_key_package(account) for _ in range(one_time)]
    resort = make_key_package(account, last_resort=True) if last_resort else None
    await profile.vault.write(lambda tx: _store(tx, packages, resort))
    command = PublishKeyPackages(
        key_packages=[one.package.encoded for one in packages],
        last_resort=resort and resort.package.encoded,
    )
    await profile.connection.call(command, KeyPackageCount)


def make_key_package(account: AccountRecord, *, last_resort: bool = False) -> KeyPackageSecrets:
    """A fresh package of this device, with a seat of its own."""
    begins = milliseconds(now()) // 1000 - _SKEW_SECONDS
    return new_key_package(
        suite(SUITE),
        account.certificate,
        account.device_seed,
        capabilities=CAPABILITIES,
        lifetime=(begins, begins + KEY_PACKAGE_SECONDS),
        leaf_extensions=[seat_extension(new_seat())],
        extensions=[(LAST_RESORT, b"")] if last_resort else [],
    )


def _store(
    tx: Transaction, packages: list[KeyPackageSecrets], resort: KeyPackageSecrets | None
) -> None:
    _forget_expired(tx)
    for one in packages if resort is None else [*packages, resort]:
        reference = one.package.reference(suite(SUITE))
        add_key_package(tx, reference, one.encode(), last_resort=one is resort)


def _forget_expired(tx: Transaction) -> None:
    """Nobody adds by these any more. Those of last resort are kept so long too: a Welcome for one
    that has been replaced may still be on its way."""
    moment = milliseconds(now()) // 1000 - _SKEW_SECONDS
    for reference, secrets, _ in list_key_packages(tx):
        lifetime = KeyPackageSecrets.decode(secrets).package.leaf_node.lifetime
        if lifetime is not None and lifetime[1] < moment:
            remove_key_package(tx, reference)

"""Clients and groups for the tests of MLS."""

import secrets
import time
from collections.abc import Sequence

from coterie.mls import Capabilities, Extension, Group, KeyPackageSecrets, new_key_package, suite

GROUP_ID = b"a group of tests"
SUITE_IDS = (1, 3)


def capabilities(suite_id: int, extensions: tuple[int, ...] = ()) -> Capabilities:
    return Capabilities(cipher_suites=(suite_id,), extensions=extensions)


def key_package(
    name: str,
    suite_id: int = 1,
    *,
    supports: tuple[int, ...] = (),
    leaf_extensions: Sequence[Extension] = (),
    signature_private: bytes | None = None,
    lifetime: tuple[int, int] | None = None,
) -> KeyPackageSecrets:
    now = int(time.time())
    return new_key_package(
        suite(suite_id),
        name.encode(),
        signature_private or secrets.token_bytes(32),
        capabilities=capabilities(suite_id, supports),
        leaf_extensions=leaf_extensions,
        lifetime=lifetime or (now - 3600, now + 86400),
    )


def create(name: str = "ann", suite_id: int = 1, extensions: Sequence[Extension] = ()) -> Group:
    supports = tuple(kind for kind, _ in extensions if kind > 5)
    package = key_package(name, suite_id, supports=supports)
    return Group.create(suite(suite_id), GROUP_ID, package, extensions)


def with_members(
    names: Sequence[str], suite_id: int = 1, extensions: Sequence[Extension] = ()
) -> list[Group]:
    """A group of these members, each with its own state, the first one having added the rest."""
    supports = tuple(kind for kind, _ in extensions if kind > 5)
    first = create(names[0], suite_id, extensions)
    if len(names) == 1:
        return [first]
    packages = [key_package(name, suite_id, supports=supports) for name in names[1:]]
    pending = first.commit(adds=[package.package for package in packages])
    assert pending.welcome is not None
    tree = pending.group.public.tree.encode()
    joined = [Group.join(suite(suite_id), pending.welcome, package, tree) for package in packages]
    return [pending.group, *joined]


def exported(group: Group) -> bytes:
    return group.export("test", b"context", 32)

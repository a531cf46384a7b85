"""Leaf nodes and key packages: made valid, refused when not (RFC 9420 §7.3, §10.1)."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.mls import (
    Capabilities,
    DecodeError,
    KeyPackage,
    KeyPackageSecrets,
    LeafNode,
    MLSError,
    suite,
)
from coterie.mls.codec import opaque, uint16
from coterie.mls.extensions import encode_extensions
from tests.mls.clients import SUITE_IDS, capabilities, key_package
from tests.mls.refusals import refused

SUITE = suite(1)
SIGNER = bytes(range(32))
LIFETIME = (0, 2**63)
HPKE_KEY = bytes.fromhex("85" * 31 + "05")
OTHER_KEY = bytes.fromhex("86" * 31 + "05")
SMALL_ORDER = bytes(32)


def leaf(
    *,
    encryption_key: bytes = HPKE_KEY,
    supports: Capabilities | None = None,
    extensions: tuple[tuple[int, bytes], ...] = (),
    lifetime: tuple[int, int] | None = LIFETIME,
) -> LeafNode:
    return LeafNode.sign(
        SUITE,
        SIGNER,
        encryption_key=encryption_key,
        identity=b"ann",
        capabilities=supports or capabilities(1),
        extensions=extensions,
        lifetime=lifetime,
        place=None if lifetime else (b"group", 0),
    )


def package_of(
    node: LeafNode,
    *,
    version: int = 1,
    suite_id: int = 1,
    init_key: bytes = OTHER_KEY,
    signer: bytes = SIGNER,
) -> KeyPackage:
    """A key package whatever its leaf is like, signed."""
    content = uint16(version) + uint16(suite_id) + opaque(init_key) + node.encoded
    content += encode_extensions(())
    return KeyPackage.decode(
        content + opaque(SUITE.sign_with_label(signer, b"KeyPackageTBS", content))
    )


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_a_new_key_package_is_valid_and_round_trips(suite_id: int) -> None:
    secrets = key_package("ann", suite_id, supports=(0xF0C1,), leaf_extensions=[(0xF0C1, b"seat")])
    package = secrets.package
    package.validate(suite(suite_id), int(time.time()))
    assert KeyPackage.decode(package.encoded) == package
    assert KeyPackageSecrets.decode(secrets.encode()) == secrets
    assert package.leaf_node.extension(0xF0C1) == b"seat"
    assert package.leaf_node.extension(0xF0C2) is None
    assert len(package.reference(suite(suite_id))) == 32


@given(st.data())
def test_every_flipped_bit_is_refused(draw: st.DataObject) -> None:
    encoded = bytearray(package_of(leaf()).encoded)
    place = draw.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[place // 8] ^= 1 << place % 8
    with pytest.raises(MLSError):
        KeyPackage.decode(bytes(encoded)).validate(SUITE)


def test_leaf_signature_is_verified() -> None:
    good = leaf()
    forged = LeafNode.decode(good.encoded[:-1] + bytes((good.encoded[-1] ^ 1,)))
    with refused("leaf.signature"):
        package_of(forged).validate(SUITE)


def test_package_signature_is_verified() -> None:
    with refused("key-package.signature"):
        package_of(leaf(), signer=bytes(32)).validate(SUITE)


def test_package_for_another_suite_or_version_is_refused() -> None:
    for package in (package_of(leaf(), suite_id=3), package_of(leaf(), version=2)):
        with refused("key-package.suite"):
            package.validate(SUITE)


def test_leaf_must_support_version_suite_and_own_credential() -> None:
    for check, supports in (
        ("leaf.version", Capabilities((2,), (1,))),
        ("leaf.suite", Capabilities((1,), (3,))),
        ("leaf.credential", Capabilities((1,), (1,), credentials=(2,))),
    ):
        with refused(check):
            package_of(leaf(supports=supports)).validate(SUITE)


def test_leaf_must_support_its_own_extensions_save_the_default_ones() -> None:
    package_of(leaf(extensions=((1, b"application id"),))).validate(SUITE)
    with refused("leaf.extensions"):
        package_of(leaf(extensions=((0xF0C1, b""),))).validate(SUITE)


def test_leaf_of_another_source_is_refused() -> None:
    with refused("key-package.source"):
        package_of(leaf(lifetime=None)).validate(SUITE)


@pytest.mark.parametrize("key", [SMALL_ORDER, b"\x01" + bytes(31), bytes(31), bytes(33)])
def test_keys_nobody_can_seal_to_are_refused(key: bytes) -> None:
    with refused("key.hpke"):
        package_of(leaf(encryption_key=key)).validate(SUITE)
    with refused("key.hpke"):
        package_of(leaf(), init_key=key).validate(SUITE)


def test_init_key_must_differ_from_the_leafs() -> None:
    with refused("key-package.init-key"):
        package_of(leaf(), init_key=HPKE_KEY).validate(SUITE)


def test_lifetime_counts_only_when_a_time_is_given() -> None:
    package = key_package("ann", lifetime=(100, 200)).package
    package.validate(SUITE, 100)
    package.validate(SUITE, 200)
    package.validate(SUITE)
    for now in (99, 201):
        with refused("key-package.lifetime"):
            package.validate(SUITE, now)


def test_unknown_source_credential_or_doubled_extension_does_not_decode() -> None:
    encoded = leaf().encoded
    body = opaque(HPKE_KEY) + opaque(leaf().signature_key)
    with refused("credential.type", DecodeError):
        LeafNode.decode(body + uint16(7) + encoded[len(body) + 2 :])
    source = len(body) + 2 + len(opaque(b"ann")) + len(capabilities(1).encode())
    with refused("leaf.source", DecodeError):
        LeafNode.decode(encoded[:source] + b"\x04" + encoded[source + 1 :])
    doubled = replace(leaf(), extensions=((9, b""), (9, b"")))
    with refused("extensions.unique", DecodeError):
        KeyPackage.decode(
            package_of(leaf()).encoded.replace(
                encode_extensions(()) + opaque(package_of(leaf()).signature),
                encode_extensions(doubled.extensions),
            )
        )


def test_secrets_show_nothing() -> None:
    secrets = key_package("ann")
    for secret in (
        secrets.init_private,
        secrets.encryption_private,
        secrets.signature_private,
    ):
        assert secret.hex() not in repr(secrets)
        assert repr(secret) not in repr(secrets)


def test_other_suites_are_refused() -> None:
    with refused("suite.supported"):
        suite(2)

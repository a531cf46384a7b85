"""The keys of an invite link: all from its secret, each bound to what it is for."""

import secrets
from hashlib import blake2b
from uuid import uuid4

import pytest
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
from nacl.signing import SigningKey

from coterie.sdk.link_keys import LinkKeys
from coterie.sdk.seals import SealBroken

ANCHOR = b"an encoded anchor"


def test_the_keys_have_the_bytes_of_the_protocol() -> None:
    secret, group_id = secrets.token_bytes(32), uuid4()
    keys = LinkKeys(secret)
    seed = blake2b(b"coterie/1 invite sign", key=secret, digest_size=32).digest()
    invite_key = bytes(SigningKey(seed).verify_key)
    assert (keys.signing_seed, keys.invite_key) == (seed, invite_key)

    sealed = keys.seal_anchor(group_id, ANCHOR)
    anchor_key = blake2b(b"coterie/1 invite anchor", key=secret, digest_size=32).digest()
    assert decrypt(sealed[24:], group_id.bytes + invite_key, sealed[:24], anchor_key) == ANCHOR


def test_whoever_holds_the_secret_opens_the_anchor() -> None:
    secret, group_id = secrets.token_bytes(32), uuid4()
    sealed = LinkKeys(secret).seal_anchor(group_id, ANCHOR)
    assert LinkKeys(secret).open_anchor(group_id, sealed) == ANCHOR


def test_an_anchor_opens_for_its_link_and_group_only() -> None:
    """A server that swaps the anchors of two links or groups is caught here."""
    keys, group_id = LinkKeys(secrets.token_bytes(32)), uuid4()
    sealed = keys.seal_anchor(group_id, ANCHOR)
    with pytest.raises(SealBroken):
        keys.open_anchor(uuid4(), sealed)
    with pytest.raises(SealBroken):
        LinkKeys(secrets.token_bytes(32)).open_anchor(group_id, sealed)
    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(SealBroken):
            keys.open_anchor(group_id, bytes(damaged))


def test_the_secret_hides_in_repr() -> None:
    assert repr(LinkKeys(secrets.token_bytes(32))) == "LinkKeys(…)"

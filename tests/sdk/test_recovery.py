"""The recovery code: what people copy is what opens the identity, and nothing else does."""

import secrets
from hashlib import blake2b

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt

from coterie.sdk.recovery import (
    BadRecoveryCode,
    RecoveryCode,
    WrongRecoveryCode,
    new_recovery_code,
    open_identity,
    seal_identity,
)

USER_ID = bytes(range(16))
IDENTITY_KEY = bytes(range(32))
SEED = bytes(range(100, 132))


@given(st.binary(min_size=32, max_size=32))
def test_both_forms_read_back_as_the_same_code(secret: bytes) -> None:
    code = RecoveryCode(secret)
    assert len(code.words.split()) == 24
    assert RecoveryCode.parse(code.words) == code
    assert RecoveryCode.parse(code.text) == code


def test_words_are_the_entropy_itself() -> None:
    """No PBKDF2 seed in between: any BIP-39 tool turns the words back into the 32 bytes."""
    code = new_recovery_code()
    assert bytes(Mnemonic("english").to_entropy(code.words)) == code.secret
    assert base58.b58decode_check(code.text) == code.secret


def test_two_codes_differ() -> None:
    assert new_recovery_code() != new_recovery_code()


def test_people_type_sloppily() -> None:
    code = new_recovery_code()
    four_letters = " ".join(word[:4] for word in code.words.split())
    assert RecoveryCode.parse(f"  {code.words.upper()}\n") == code
    assert RecoveryCode.parse(four_letters) == code, "four letters name a BIP-39 word"
    assert RecoveryCode.parse(f"{code.text[:20]} {code.text[20:]}") == code


def test_every_slip_is_refused_without_repeating_the_code() -> None:
    code = RecoveryCode(bytes(range(32)))
    words = code.words.split()
    swapped = " ".join([words[1], words[0], *words[2:]])
    wrong = " ".join(["notaword", *words[1:]])
    other = "2" if code.text[5] != "2" else "3"
    mistyped = code.text[:5] + other + code.text[6:]
    for slip in (swapped, wrong, " ".join(words[:23]), mistyped, code.text[:-1], "", "0OIl"):
        with pytest.raises(BadRecoveryCode) as refusal:
            RecoveryCode.parse(slip)
        assert words[5] not in str(refusal.value)
        assert code.text[:10] not in str(refusal.value)


def test_the_wrong_word_is_named_by_its_number() -> None:
    words = new_recovery_code().words.split()
    words[6] = "coterie"
    with pytest.raises(BadRecoveryCode, match="number 7 "):
        RecoveryCode.parse(" ".join(words))


def test_text_of_another_length_is_no_code() -> None:
    with pytest.raises(BadRecoveryCode, match="not complete"):
        RecoveryCode.parse(base58.b58encode_check(bytes(31)).decode())


def test_the_code_hides_in_repr() -> None:
    assert repr(new_recovery_code()) == "RecoveryCode(…)"


def test_the_identity_comes_back_from_the_code_alone() -> None:
    code = new_recovery_code()
    sealed = seal_identity(code, SEED, USER_ID, IDENTITY_KEY)
    retyped = RecoveryCode.parse(code.words)
    assert open_identity(retyped, sealed, USER_ID, IDENTITY_KEY) == SEED


def test_the_seal_has_the_bytes_of_the_protocol() -> None:
    """nonce 24 ‖ XChaCha20-Poly1305 under KDF(code, 'identity seal'), AAD user ‖ identity."""
    code = new_recovery_code()
    sealed = seal_identity(code, SEED, USER_ID, IDENTITY_KEY)
    key = blake2b(b"coterie/1 identity seal", key=code.secret, digest_size=32).digest()
    assert len(sealed) == 72
    assert decrypt(sealed[24:], USER_ID + IDENTITY_KEY, sealed[:24], key) == SEED


def test_nothing_else_opens_the_identity() -> None:
    code = new_recovery_code()
    sealed = seal_identity(code, SEED, USER_ID, IDENTITY_KEY)
    for position in range(len(sealed)):
        with pytest.raises(WrongRecoveryCode):
            open_identity(code, _flip(sealed, position), USER_ID, IDENTITY_KEY)
    with pytest.raises(WrongRecoveryCode):
        open_identity(new_recovery_code(), sealed, USER_ID, IDENTITY_KEY)
    with pytest.raises(WrongRecoveryCode):
        open_identity(code, sealed, secrets.token_bytes(16), IDENTITY_KEY)
    with pytest.raises(WrongRecoveryCode):
        open_identity(code, sealed, USER_ID, secrets.token_bytes(32))
    for length in range(len(sealed)):
        with pytest.raises(WrongRecoveryCode):
            open_identity(code, sealed[:length], USER_ID, IDENTITY_KEY)


def _flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]

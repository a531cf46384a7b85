"""The recovery code: 32 random bytes that hold the identity key, and nothing a server ever sees.

For people it is 24 BIP-39 words (entropy to words, no seed derivation) or base58check.
"""

import secrets
from typing import Final

import base58
import msgspec
from mnemonic import Mnemonic

from coterie.governance.signatures import kdf
from coterie.sdk.errors import ClientError
from coterie.sdk.seals import SealBroken, seal, unseal

CODE_BYTES: Final = 32
WORD_COUNT: Final = 24


class BadRecoveryCode(ClientError):
    """The text is not a recovery code. The message never repeats it."""

    code = "bad_recovery_code"


class WrongRecoveryCode(ClientError):
    """A recovery code, but not that of this account."""

    code = "wrong_recovery_code"

    def __init__(self) -> None:
        super().__init__("This recovery code is not the one of this account.")


class RecoveryCode(msgspec.Struct, frozen=True):
    """32 secret bytes. Show `words` for paper, `text` for a password store."""

    secret: bytes

    @property
    def words(self) -> str:
        return _bip39().to_mnemonic(self.secret)

    @property
    def text(self) -> str:
        return base58.b58encode_check(self.secret).decode()

    def __repr__(self) -> str:
        return "RecoveryCode(…)"

    @classmethod
    def parse(cls, typed: str) -> "RecoveryCode":
        """Read either form, however spaced. Raises BadRecoveryCode."""
        parts = typed.split()
        if len(parts) == WORD_COUNT:
            return cls(_from_words(parts))
        if len(parts) > 1 and all(part.isalpha() for part in parts):
            raise BadRecoveryCode(f"A recovery code has {WORD_COUNT} words, not {len(parts)}.")
        return cls(_from_text("".join(parts)))


def new_recovery_code() -> RecoveryCode:
    return RecoveryCode(secrets.token_bytes(CODE_BYTES))


def seal_identity(
    code: RecoveryCode, identity_seed: bytes, user_id: bytes, identity_key: bytes
) -> bytes:
    """The identity's private key as the server keeps it: `nonce 24 ‖ ciphertext 48`."""
    return seal(_sealing_key(code), identity_seed, user_id + identity_key)


def open_identity(code: RecoveryCode, sealed: bytes, user_id: bytes, identity_key: bytes) -> bytes:
    """The identity's private key (32-byte seed). Raises WrongRecoveryCode."""
    try:
        return unseal(_sealing_key(code), sealed, user_id + identity_key)
    except SealBroken:
        raise WrongRecoveryCode from None


def _sealing_key(code: RecoveryCode) -> bytes:
    return kdf(code.secret, "identity seal")


def _from_words(words: list[str]) -> bytes:
    bip39 = _bip39()
    known = [bip39.expand_word(word.lower()) for word in words]
    strangers = [n for n, word in enumerate(known, 1) if word not in bip39.wordlist]
    if strangers:
        numbers = ", ".join(map(str, strangers))
        raise BadRecoveryCode(f"Not a word of the list: number {numbers} of what you typed.")
    try:
        return bytes(bip39.to_entropy(known))
    except ValueError:
        raise BadRecoveryCode("A word is wrong, or two changed places.") from None


def _from_text(text: str) -> bytes:
    try:
        secret = base58.b58decode_check(text)
    except ValueError:
        raise BadRecoveryCode("The recovery code is mistyped or not complete.") from None
    if len(secret) != CODE_BYTES:
        raise BadRecoveryCode("The recovery code is not complete.")
    return secret


def _bip39() -> Mnemonic:
    return Mnemonic("english")

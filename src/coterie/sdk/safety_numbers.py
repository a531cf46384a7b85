"""Safety numbers: what two people compare to know that nobody stands between them.

60 digits, the same on both sides: of `BLAKE2b-480("coterie/1 safety number" ‖ pairs)`, where each
pair is `user_id 16 ‖ identity_key 32`, the lower one first, every five bytes modulo 100,000 give
five digits.
"""

from hashlib import blake2b
from typing import Final

from coterie.sdk.vault.records import Principal

_LABEL: Final = b"coterie/1 safety number"
_GROUPS: Final = 12
_GROUP_BYTES: Final = 5


def safety_number(one: Principal, other: Principal) -> str:
    """Twelve groups of five digits, with spaces between."""
    pairs = sorted(who.user_id.bytes + who.identity_key for who in (one, other))
    size = _GROUPS * _GROUP_BYTES
    digest = blake2b(_LABEL + b"".join(pairs), digest_size=size).digest()
    parts = (digest[at : at + _GROUP_BYTES] for at in range(0, size, _GROUP_BYTES))
    return " ".join(f"{int.from_bytes(part, 'big') % 100_000:05}" for part in parts)


def is_same_number(number: str, typed: str) -> bool:
    """However the digits are spaced."""
    return "".join(number.split()) == "".join(typed.split())

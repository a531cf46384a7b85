"""Invite links: `https://host/join/{code}#{secret}`; what follows `#` never reaches the server."""

import base64
import binascii
import secrets
import string
from typing import Final
from urllib.parse import urlsplit

import msgspec

CODE_LENGTH: Final = 20
SECRET_BYTES: Final = 32
BASE62: Final = string.ascii_letters + string.digits
CODE_PATTERN: Final = r"^[A-Za-z0-9]{20}(?!\n)$"


class LinkError(ValueError):
    """The text is not an invite link."""


class InviteLink(msgspec.Struct, frozen=True):
    """`server` is the base URL, without a slash at its end; `secret` is 32 bytes."""

    server: str
    code: str
    secret: bytes

    def __str__(self) -> str:
        fragment = base64.urlsafe_b64encode(self.secret).rstrip(b"=").decode()
        return f"{self.server}/join/{self.code}#{fragment}"

    def __repr__(self) -> str:
        return f"InviteLink(server={self.server!r}, code={self.code!r}, secret=…)"

    @classmethod
    def parse(cls, text: str) -> "InviteLink":
        """Read a link. Raises LinkError with a text that does not repeat the secret."""
        try:
            parts = urlsplit(text.strip())
        except ValueError:
            raise LinkError("this is not a link") from None
        base, _, code = parts.path.rpartition("/join/")
        if parts.scheme not in ("http", "https") or not parts.netloc or not is_code(code):
            raise LinkError("an invite link looks like https://host/join/CODE#SECRET")
        return cls(f"{parts.scheme}://{parts.netloc}{base}", code, _secret(parts.fragment))


def is_code(text: str) -> bool:
    return len(text) == CODE_LENGTH and all(c in BASE62 for c in text)


def new_code() -> str:
    """A fresh code: 119 random bits; it never begins with a dash."""
    return "".join(secrets.choice(BASE62) for _ in range(CODE_LENGTH))


def _secret(fragment: str) -> bytes:
    if not fragment:
        raise LinkError("the link lacks its secret: copy it whole, with the part after #")
    try:
        secret = base64.b64decode(fragment + "=" * (-len(fragment) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise LinkError("the secret of the link (the part after #) is damaged") from None
    if len(secret) != SECRET_BYTES:
        raise LinkError("the secret of the link (the part after #) is not complete")
    return secret

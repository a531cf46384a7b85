"""Transcript hashes: the history of commits in one value (RFC 9420 §8.2)."""

from coterie.mls.codec import opaque, uint16
from coterie.mls.framing import AuthenticatedContent
from coterie.mls.suites import Suite


def confirmed_transcript_hash(suite: Suite, interim: bytes, commit: AuthenticatedContent) -> bytes:
    content = uint16(commit.wire_format) + commit.framed.encoded + opaque(commit.signature)
    return suite.hash(interim + content)


def interim_transcript_hash(suite: Suite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    return suite.hash(confirmed + opaque(confirmation_tag))

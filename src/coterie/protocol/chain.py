"""The hash chain of a conversation's log.

`chain(0) = H("coterie/1 chain" ‖ group_id ‖ genesis)`;
`chain(s) = H(chain(s-1) ‖ s u64 ‖ entry_hash)`, with H = BLAKE2b-256.
"""

from hashlib import blake2b
from uuid import UUID


def first_link(conversation_id: UUID, genesis: bytes) -> bytes:
    """chain(0): what the first entry of a conversation is linked to."""
    return _hash(b"coterie/1 chain" + conversation_id.bytes + genesis)


def next_link(previous: bytes, seq: int, entry_hash: bytes) -> bytes:
    """chain(seq), from chain(seq - 1) and the hash of the entry at `seq`."""
    return _hash(previous + seq.to_bytes(8, "big") + entry_hash)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()

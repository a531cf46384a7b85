"""What a client opens: message bodies, files, and their names."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import msgspec

from coterie.governance.signatures import public_key
from coterie.protocol.codec import MSGPACK_ENCODER, UNREADABLE
from coterie.protocol.header import EntryKind, Header
from coterie.sdk.content import Body, ContentError, open_entry, seal_entry
from coterie.sdk.file_names import local_name, open_name, seal_name
from coterie.sdk.files import FileDamaged, FileInfo, FileOpener, SealedFile
from coterie.sdk.seals import SealBroken
from tests.fuzz.examples import example_of
from tests.fuzz.protocol import text_of
from tests.fuzz.target import Target

KEY, SEED, CONTEXT = bytes(range(32)), bytes(32), bytes(range(32, 64))
FILE_HEADER = bytes(24)
BODIES = msgspec.msgpack.Decoder(Body)
FILE_INFOS = msgspec.msgpack.Decoder(FileInfo)


def described_file(data: bytes) -> None:
    """A description that a member has signed may still be anything."""
    info = FILE_INFOS.decode(data)
    assert local_name(info.name)
    assert FileOpener(info).update(b"") == b""


def contents() -> Target:
    body = example_of(Body)
    header = Header(UUID(int=1), 2, UUID(int=3), UUID(int=4), EntryKind.MESSAGE)
    entry = seal_entry(KEY, header, body, SEED, CONTEXT)
    device_key = public_key(SEED)
    return Target(
        [
            (lambda data: open_entry(KEY, data, device_key, CONTEXT), (ContentError,)),
            (BODIES.decode, UNREADABLE),
            (described_file, UNREADABLE),
        ],
        [entry, MSGPACK_ENCODER.encode(body), MSGPACK_ENCODER.encode(example_of(FileInfo))],
    )


def files() -> Target:
    info, sealed = sealed_file(b"hello")

    def read(data: bytes) -> None:
        opener = FileOpener(info)
        opener.update(data)
        opener.finish()

    names = [seal_name(KEY, FILE_HEADER, name).encode() for name in ("plan.pdf", "ü" * 90)]
    return Target(
        [
            (read, (FileDamaged,)),
            (lambda data: open_name(KEY, FILE_HEADER, text_of(data)), (SealBroken,)),
            (lambda data: local_name(text_of(data)).encode(), ()),
        ],
        [sealed, *names, b"../photo.jpg", b"-rf \xe2\x80\xae.txt"],
    )


def sealed_file(content: bytes) -> tuple[FileInfo, bytes]:
    """What the message says of a file, and what the server stores."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "plan.pdf")
        path.write_bytes(content)
        outgoing = SealedFile(path)
        sealed = b"".join(outgoing.chunks())
    return outgoing.info(), sealed

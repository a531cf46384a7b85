"""Files: whole or not at all, in constant memory, and under names that harm nobody."""

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings as sodium

from coterie.protocol import limits
from coterie.sdk.files import (
    FileChanged,
    FileDamaged,
    FileInfo,
    FileOpener,
    FileTooLarge,
    SealedFile,
    open_file,
    sealed_size,
)

CHUNK = 65_536
SEALED_CHUNK = CHUNK + 17
SIZES = [0, 1, 255, 256, 257, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5_000_000]


def _content(size: int) -> bytes:
    return (blake2b(size.to_bytes(8, "big")).digest() * (size // 64 + 1))[:size]


def _file(folder: Path, content: bytes, name: str = "notes.txt") -> SealedFile:
    path = folder / name
    path.write_bytes(content)
    return SealedFile(path)


def _sealed(folder: Path, content: bytes) -> tuple[list[bytes], FileInfo]:
    file = _file(folder, content)
    chunks = list(file.chunks())
    return chunks, file.info()


async def _blocks(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_comes_back_as_it_was(tmp_path: Path, size: int) -> None:
    file = _file(tmp_path, _content(size))
    sent = [block async for block in file.stream()]
    stored = b"".join(sent)
    assert len(stored) == file.sealed_bytes == sealed_size(size), "reserved before it is sent"
    path = await open_file(file.info(), _blocks(stored), tmp_path / "copy")
    assert path.read_bytes() == _content(size)
    assert file.info().size_bytes == size


@pytest.mark.parametrize("size", SIZES)
def test_the_stream_is_what_libsodium_makes_of_the_padded_file(tmp_path: Path, size: int) -> None:
    chunks, info = _sealed(tmp_path, _content(size))
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, info.encryption_header, info.key)
    opened = [sodium.crypto_secretstream_xchacha20poly1305_pull(state, each) for each in chunks]
    plain = b"".join(part for part, _ in opened)
    assert [tag for _, tag in opened] == [0] * (len(chunks) - 1) + [3], "TAG_FINAL ends it"
    assert all(len(part) == CHUNK for part, _ in opened[:-1])
    assert plain[:size] == _content(size)
    assert not any(plain[size:])
    assert info.hash == blake2b(info.encryption_header + b"".join(chunks), digest_size=32).digest()


def test_each_upload_has_its_own_key_and_header(tmp_path: Path) -> None:
    one, two = _sealed(tmp_path, b"same"), _sealed(tmp_path, b"same")
    assert one[1].key != two[1].key
    assert one[1].encryption_header != two[1].encryption_header
    assert one[0] != two[0]


def test_lengths_fall_into_buckets() -> None:
    assert len({sealed_size(size) for size in range(257)}) == 1
    assert len({sealed_size(size) for size in range(5_000_000, 5_100_000)}) <= 2


@given(st.lists(st.integers(1, 200_000), max_size=8))
def test_it_does_not_matter_how_the_bytes_arrive(cuts: list[int]) -> None:
    stored, info = _stored()
    opener = FileOpener(info)
    opened = b"".join(opener.update(block) for block in _cut(stored, cuts))
    opener.finish()
    assert opened == _content(150_000)


def test_every_changed_byte_is_refused() -> None:
    stored, info = _stored()
    edges = [0, 1, 2, SEALED_CHUNK - 1, SEALED_CHUNK, 2 * SEALED_CHUNK, len(stored) - 1]
    for position in [*edges, *range(0, len(stored), 997)]:
        damaged = bytearray(stored)
        damaged[position] ^= 1
        _assert_damaged(bytes(damaged), info)


def test_a_file_that_is_cut_off_is_refused() -> None:
    stored, info = _stored()
    for length in (0, 1, SEALED_CHUNK, 2 * SEALED_CHUNK, len(stored) - 1):
        _assert_damaged(stored[:length], info, "cut off")


def test_moved_repeated_or_dropped_chunks_are_refused() -> None:
    stored, info = _stored()
    one, two, rest = (
        stored[:SEALED_CHUNK],
        stored[SEALED_CHUNK : 2 * SEALED_CHUNK],
        stored[2 * SEALED_CHUNK :],
    )
    for order in (two + one + rest, one + one + rest, two + rest, one + rest, one + two + two):
        _assert_damaged(order, info)


def test_bytes_after_the_end_are_refused() -> None:
    stored, info = _stored()
    _assert_damaged(stored + b"\0", info, "after its end")


def test_a_stream_without_its_final_tag_is_refused() -> None:
    """Else whoever stores the file could cut it between two chunks unseen."""
    for tags in ([0, 0], [3, 0], [3, 3], [1, 3], [2, 3]):
        stored, info = _made_by_hand(tags)
        _assert_damaged(stored, info, "wrong place")
    stored, info = _made_by_hand([0, 3])
    _assert_opens(stored, info)


def test_content_hidden_in_the_padding_is_refused() -> None:
    stored, info = _made_by_hand([0, 3], fill=b"x")
    _assert_damaged(stored, info, "longer")


def test_another_file_of_the_same_key_is_refused() -> None:
    """The hash binds the message to these bytes, not only to a key its sender may use twice."""
    stored, info = _stored()
    _assert_damaged(stored, msgspec.structs.replace(info, hash=bytes(32)), "message names")


def test_another_key_or_header_is_refused() -> None:
    stored, info = _stored()
    _assert_damaged(stored, msgspec.structs.replace(info, key=bytes(32)))
    _assert_damaged(stored, msgspec.structs.replace(info, encryption_header=bytes(24)))


async def test_a_damaged_download_leaves_nothing_behind(tmp_path: Path) -> None:
    stored, info = _stored()
    out = tmp_path / "kept.txt"
    out.write_text("what was here before")
    with pytest.raises(FileDamaged):
        await open_file(info, _blocks(stored[:-1]), out)
    assert out.read_text() == "what was here before"
    assert _names(tmp_path) == ["kept.txt"]


async def test_an_interrupted_download_leaves_nothing_behind(tmp_path: Path) -> None:
    stored, info = _stored()
    started = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield stored[:SEALED_CHUNK]
        started.set()
        await asyncio.Event().wait()

    download = asyncio.create_task(open_file(info, stalling(), tmp_path))
    await started.wait()
    download.cancel()
    with pytest.raises(asyncio.CancelledError):
        await download
    assert _names(tmp_path) == []


async def test_a_file_keeps_its_name_in_a_folder_and_replaces_nothing(tmp_path: Path) -> None:
    stored, info = _stored()
    paths = [await open_file(info, _blocks(stored), tmp_path) for _ in range(3)]
    assert [path.name for path in paths] == ["notes.txt", "notes (1).txt", "notes (2).txt"]


async def test_by_default_a_file_lands_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored, info = _stored()
    hostile = msgspec.structs.replace(info, name="../../etc/passwd")
    assert (await open_file(hostile, _blocks(stored))).resolve() == tmp_path / "passwd"


async def test_a_device_is_never_replaced_by_a_file() -> None:
    stored, info = _stored()
    with pytest.raises(FileExistsError):
        await open_file(info, _blocks(stored), Path("/dev/null"))


async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        for _ in range(64):
            file.write(bytes(1024 * 1024))
    sealed = SealedFile(path)
    stored = tmp_path / "stored"
    tracemalloc.start()
    try:
        with stored.open("wb") as out:
            async for block in sealed.stream():
                out.write(block)
        await open_file(sealed.info(), _read(stored), tmp_path / "copy")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    assert (tmp_path / "copy").stat().st_size == 64 * 1024 * 1024


async def test_progress_counts_up_to_the_whole(tmp_path: Path) -> None:
    file = _file(tmp_path, _content(3_000_000))
    stored = b"".join([block async for block in file.stream()])
    arrived: list[int] = []
    await open_file(file.info(), _blocks(stored), tmp_path / "copy", arrived.append)
    assert arrived == sorted(arrived)
    assert arrived[-1] == file.sealed_bytes


@pytest.mark.parametrize("change", [b"", b"shorter", b"a longer content than before"])
def test_a_file_that_changes_while_it_is_sent_is_refused(tmp_path: Path, change: bytes) -> None:
    file = _file(tmp_path, b"its first content")
    (tmp_path / "notes.txt").write_bytes(change)
    with pytest.raises(FileChanged):
        list(file.chunks())


def test_what_cannot_be_sent_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SealedFile(tmp_path / "missing")
    with pytest.raises(OSError, match="not an ordinary file"):
        SealedFile(tmp_path)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(limits.FILE_BYTES + 1)
    with pytest.raises(FileTooLarge):
        SealedFile(huge)


def test_the_type_is_guessed_from_the_name(tmp_path: Path) -> None:
    for name, mime_type in (("a.png", "image/png"), ("b", "application/octet-stream")):
        file = _file(tmp_path, b"", name)
        list(file.chunks())
        assert file.info().mime_type == mime_type


def test_a_file_whose_name_is_no_text_is_sent(tmp_path: Path) -> None:
    file = _file(tmp_path, b"hello", os.fsdecode(b"caf\xe9.txt"))
    assert file.filename
    list(file.chunks())
    info = file.info()
    assert (info.name, info.mime_type) == ("caf?.txt", "text/plain")
    assert msgspec.msgpack.encode(info)


def test_the_key_hides_in_repr() -> None:
    _, info = _stored()
    assert "key" not in repr(info)
    assert "notes" not in repr(info)


def _stored(content: bytes = _content(150_000)) -> tuple[bytes, FileInfo]:
    return _made_by_hand([0, 0, 3], content)


def _made_by_hand(
    tags: list[int], content: bytes = _content(CHUNK + 5), fill: bytes = b"\0"
) -> tuple[bytes, FileInfo]:
    """A stream with these tags, as another implementation or a hostile sender makes it."""
    file_id, key = SealedFile(Path(__file__)).file_id, bytes(range(32))
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    padded = content.ljust(sealed_size(len(content)) - 17 * len(tags), fill)
    parts = [padded[start : start + CHUNK] for start in range(0, len(padded), CHUNK)]
    stored = b"".join(
        sodium.crypto_secretstream_xchacha20poly1305_push(state, part, tag=tag)
        for part, tag in zip(parts, tags, strict=True)
    )
    return stored, FileInfo(
        file_id=file_id,
        key=key,
        encryption_header=header,
        name="notes.txt",
        mime_type="text/plain",
        size_bytes=len(content),
        hash=blake2b(header + stored, digest_size=32).digest(),
    )


def _assert_opens(stored: bytes, info: FileInfo) -> None:
    assert len(_open(FileOpener(info), stored)) == info.size_bytes


def _assert_damaged(stored: bytes, info: FileInfo, why: str = "This is not the file") -> None:
    opener = FileOpener(info)
    with pytest.raises(FileDamaged, match=why):
        _open(opener, stored)


def _open(opener: FileOpener, stored: bytes) -> bytes:
    opened = b"".join(opener.update(block) for block in _cut(stored, [50_000, 100_000]))
    opener.finish()
    return opened


def _cut(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def _read(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(256 * 1024):
            yield block

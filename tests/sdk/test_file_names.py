"""Names of files: unreadable for the server, harmless on the local disk."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt

from coterie.sdk.file_names import free_path, local_name, open_name, seal_name, shortened
from coterie.sdk.seals import SealBroken

KEY = bytes(range(32))
HEADER = bytes(range(24))
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(names)
def test_a_sealed_name_fits_its_column(name: str) -> None:
    column = seal_name(KEY, HEADER, name)
    assert len(column) in (107, 171, 255)
    assert open_name(KEY, HEADER, column) == shortened(name.replace("\0", ""), 175)


def test_the_column_has_the_bytes_of_the_protocol() -> None:
    key = blake2b(b"coterie/1 name" + HEADER, key=KEY, digest_size=32).digest()
    sealed = urlsafe_b64decode(seal_name(KEY, HEADER, "plan.pdf") + "=")
    assert decrypt(sealed, b"", bytes(24), key) == b"plan.pdf".ljust(64, b"\0")


def test_short_names_all_look_alike() -> None:
    assert len({len(seal_name(KEY, HEADER, "n" * length)) for length in range(65)}) == 1


def test_a_changed_column_is_refused() -> None:
    column = seal_name(KEY, HEADER, "plan.pdf")
    for other in ("A" + column[1:], column[:-4], "", "*"):
        with pytest.raises(SealBroken):
            open_name(KEY, HEADER, other)
    with pytest.raises(SealBroken):
        open_name(KEY, bytes(24), column)


def test_a_name_that_is_no_text_is_refused() -> None:
    key = blake2b(b"coterie/1 name" + HEADER, key=KEY, digest_size=32).digest()
    sealed = encrypt(b"\xff".ljust(64, b"\0"), b"", bytes(24), key)
    with pytest.raises(SealBroken):
        open_name(KEY, HEADER, urlsafe_b64encode(sealed).rstrip(b"=").decode())


@given(names, st.integers(20, 200))
def test_shortening_keeps_characters_whole(name: str, most: int) -> None:
    assert len(shortened(name, most).encode()) <= most


def test_shortening_keeps_the_extension() -> None:
    assert shortened("ä" * 200 + ".tar", 175) == "ä" * 85 + ".tar"
    assert shortened("x" * 10 + "." + "y" * 200, 50) == ("x" * 10 + "." + "y" * 200)[:50]


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Übersicht 2026 (final).pdf", "Übersicht 2026 (final).pdf"),
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\cmd.exe", "cmd.exe"),
        ("/etc/shadow", "shadow"),
        (".bashrc", "bashrc"),
        ("--output=x", "output=x"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("a\x1b[31mred\n.txt", "a[31mred.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("C:evil.txt", "C_evil.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("trailing. . ", "trailing"),
        ("", "file"),
        ("..", "file"),
        ("///", "file"),
        ("\0", "file"),
    ],
)
def test_hostile_names_become_harmless(name: str, harmless: str) -> None:
    assert local_name(name) == harmless


@given(st.text(max_size=300))
def test_no_name_leaves_its_folder_or_passes_for_an_option(name: str) -> None:
    harmless = local_name(name)
    assert harmless not in ("", ".", "..")
    assert not set(harmless) & set('/\\\0\n\r\x1b<>:"|?*')
    assert harmless[0] not in ".-~"
    assert len(harmless.encode()) <= 205


@given(st.text(max_size=300))
def test_every_harmless_name_can_be_made(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("names")
    first, second = free_path(folder, name), free_path(folder, name)
    assert first != second
    assert first.parent == second.parent == folder


def test_a_taken_name_is_numbered(tmp_path: Path) -> None:
    made = [free_path(tmp_path, "a.tar.gz").name for _ in range(3)]
    assert made == ["a.tar.gz", "a.tar (1).gz", "a.tar (2).gz"]

"""The search finds what is there: a search that finds nothing proves nothing else."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from tests.support.needles import occurrences

TEXT = "CANARY-x-0123456789ab-ü".encode()


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_it_is_found_in_every_spelling_at_every_place(before: bytes, after: bytes) -> None:
    whole = before + TEXT + after
    written = {
        "raw": whole,
        "hex": whole.hex().encode(),
        "HEX": whole.hex().upper().encode(),
        "base64": base64.b64encode(whole),
        "base64url": base64.urlsafe_b64encode(whole),
        "utf-16-le": before + TEXT.decode().encode("utf-16-le"),
        "utf-16-be": before + TEXT.decode().encode("utf-16-be"),
    }
    for how, content in written.items():
        found = occurrences(TEXT, iter([("here", content)]))
        assert any(f"({how}" in hit for hit in found), how


@given(st.binary(max_size=400))
def test_it_is_not_found_where_it_is_not(content: bytes) -> None:
    assert occurrences(TEXT, iter([("here", content)])) == []

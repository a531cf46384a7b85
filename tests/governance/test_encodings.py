"""Each object has one encoding: what decodes encodes to the same bytes, what is signed holds."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.governance.anchors import SealedAnchor
from coterie.governance.certificates import Certificate, certify, certify_provisionally
from coterie.governance.device_lists import DeviceList, first_device_list
from coterie.governance.encoding import EncodingError
from coterie.governance.signatures import BadSignature, hash_of, is_valid_key, kdf, sign, verify
from coterie.governance.state import BanEntry, GroupState, InviteEntry, RoleEntry
from coterie.governance.warrants import (
    Acceptance,
    DeviceListItem,
    JoinProof,
    LeaveStatement,
    RevokeStatement,
    ServerStatement,
    ServerStatementKind,
    Warrant,
    decode_warrants,
    encode_warrants,
    sign_leave,
)
from coterie.protocol.roles import History, Inviters, Rank
from tests.governance.people import Person

KEYS = st.binary(min_size=32, max_size=32)
SEATS = st.binary(min_size=16, max_size=16)
SIGNATURES = st.binary(min_size=64, max_size=64)
UINT64 = st.integers(0, 2**64 - 1)
UUIDS = st.binary(min_size=16, max_size=16).map(lambda data: UUID(bytes=data))

ROLES = st.builds(RoleEntry, KEYS, st.sampled_from([r for r in Rank if r > Rank.MEMBER]), UINT64)
INVITES = st.builds(InviteEntry, KEYS, KEYS, UINT64)
BANS = st.builds(BanEntry, KEYS, st.sampled_from(Rank))


Entry = TypeVar("Entry", RoleEntry, InviteEntry, BanEntry)


def sorted_entries(entries: st.SearchStrategy[Entry]) -> st.SearchStrategy[tuple[Entry, ...]]:
    listed = st.lists(entries, max_size=6, unique_by=_key)
    return listed.map(lambda found: tuple(sorted(found, key=_key)))


def _key(entry: RoleEntry | InviteEntry | BanEntry) -> bytes:
    return entry.key


STATES = st.builds(
    GroupState,
    genesis=KEYS,
    server_key=KEYS,
    direct=st.none() | st.tuples(KEYS, KEYS).map(lambda two: tuple(sorted(two))),
    table=st.integers(0, 255),
    roles=sorted_entries(ROLES),
    invites=sorted_entries(INVITES),
    banned=sorted_entries(BANS),
    name=st.text(max_size=100),
    history=st.sampled_from(History),
    inviters=st.sampled_from(Inviters),
)

PERSON = Person.new("olivia")
DEVICE_LISTS = st.lists(UUIDS, max_size=4, unique=True).map(
    lambda ids: _listed(PERSON.devices, ids)
)


def _listed(devices: DeviceList, ids: list[UUID]) -> DeviceList:
    for device_id in ids:
        devices = devices.with_device(PERSON.identity_seed, device_id, bytes(32), 5)
    return devices


WARRANTS: st.SearchStrategy[Warrant] = st.one_of(
    st.builds(JoinProof, KEYS, SIGNATURES),
    st.builds(DeviceListItem, DEVICE_LISTS),
    st.builds(
        LeaveStatement,
        KEYS,
        st.sets(SEATS, max_size=10).map(lambda s: tuple(sorted(s))),
        SIGNATURES,
    ),
    st.builds(RevokeStatement, KEYS, SEATS, SIGNATURES),
    st.builds(ServerStatement, st.just(ServerStatementKind.ACCOUNT_ENDED), KEYS, SIGNATURES),
    st.builds(ServerStatement, st.just(ServerStatementKind.DEVICE_REVOKED), SEATS, SIGNATURES),
    st.builds(ServerStatement, st.just(ServerStatementKind.LINK_ENDED), KEYS, SIGNATURES),
    st.builds(Acceptance, KEYS, SIGNATURES),
)
ANCHORS = st.builds(SealedAnchor, KEYS, UINT64, KEYS, KEYS, KEYS)


@given(STATES)
def test_a_state_comes_back(state: GroupState) -> None:
    assert GroupState.decode(state.encode()) == state


@given(st.lists(WARRANTS, max_size=8))
def test_warrants_come_back(warrants: list[Warrant]) -> None:
    assert decode_warrants(encode_warrants(warrants)) == tuple(warrants)


@given(ANCHORS)
def test_an_anchor_comes_back(anchor: SealedAnchor) -> None:
    assert SealedAnchor.decode(anchor.encode()) == anchor
    assert len(anchor.encode()) == 137


@given(DEVICE_LISTS)
def test_a_device_list_comes_back(devices: DeviceList) -> None:
    decoded = DeviceList.decode(devices.encode())
    assert decoded == devices
    decoded.verify()


def mutated(data: bytes, draw: st.DataObject) -> bytes:
    position = draw.draw(st.integers(0, len(data) - 1))
    flip = draw.draw(st.integers(1, 255))
    return data[:position] + bytes((data[position] ^ flip,)) + data[position + 1 :]


@given(STATES, st.data())
def test_no_two_encodings_are_of_one_state(state: GroupState, draw: st.DataObject) -> None:
    """Whatever still decodes is another state, and encodes to exactly these bytes."""
    data = mutated(state.encode(), draw)
    try:
        assert GroupState.decode(data).encode() == data
    except EncodingError:
        return


@given(st.lists(WARRANTS, max_size=4), st.data())
def test_no_two_encodings_are_of_one_list_of_warrants(
    warrants: list[Warrant], draw: st.DataObject
) -> None:
    data = mutated(encode_warrants(warrants) or b"\x01\x00", draw)
    try:
        assert encode_warrants(decode_warrants(data)) == data
    except EncodingError:
        return


def certificates() -> list[tuple[Certificate, bytes]]:
    device = PERSON.first
    later = PERSON.approve(device)
    return [(device.certificate, device.key), (later.certificate, later.key)]


@pytest.mark.parametrize(("certificate", "key"), certificates(), ids=["identity", "provisional"])
@given(draw=st.data())
def test_a_changed_certificate_certifies_nothing(
    certificate: Certificate, key: bytes, draw: st.DataObject
) -> None:
    Certificate.decode(certificate.encode()).verify(key)
    data = mutated(certificate.encode(), draw)
    with pytest.raises((EncodingError, BadSignature)):
        Certificate.decode(data).verify(key)


@given(DEVICE_LISTS, st.data())
def test_a_changed_device_list_is_not_signed(devices: DeviceList, draw: st.DataObject) -> None:
    data = mutated(devices.encode(), draw)
    with pytest.raises((EncodingError, BadSignature)):
        DeviceList.decode(data).verify()


@given(st.data())
def test_a_changed_leave_statement_is_not_signed(draw: st.DataObject) -> None:
    statement = sign_leave(PERSON.first.seed, bytes(16), [bytes(16), bytes((1,)) * 16])
    data = mutated(statement.encode(), draw)
    with pytest.raises((EncodingError, BadSignature)):
        LeaveStatement.decode(data).verify(bytes(16))


DECODERS: list[Callable[[bytes], object]] = [
    GroupState.decode,
    Certificate.decode,
    DeviceList.decode,
    SealedAnchor.decode,
    LeaveStatement.decode,
    decode_warrants,
]


@pytest.mark.parametrize("decode", DECODERS, ids=lambda d: d.__qualname__)
@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_nothing_else(
    decode: Callable[[bytes], object], data: bytes
) -> None:
    """A decoder gives a value or an EncodingError; it never fails in another way."""
    try:
        decode(data)
    except EncodingError:
        return


def test_the_sizes_are_those_of_the_protocol() -> None:
    (identity, _), (provisional, _) = certificates()
    assert len(identity.encode()) == 137
    assert len(provisional.encode()) == 169
    assert len(PERSON.devices.encode()) == 1 + 16 + 32 + 4 + 32 + 1 + 64 + 64


def test_a_device_list_follows_only_its_predecessor() -> None:
    first = PERSON.devices
    other = UUID(int=7)
    second = first.with_device(PERSON.identity_seed, other, bytes(32), 5)
    revoked = second.with_revoked(PERSON.identity_seed, other, 6)
    assert second.follows(first)
    assert revoked.follows(second)
    assert not revoked.follows(first), "a version is missing between"
    assert not first.follows(second), "versions only rise"
    dropped = first.with_device(PERSON.identity_seed, UUID(int=8), bytes(32), 5)
    assert not dropped.with_revoked(PERSON.identity_seed, UUID(int=8), 6).follows(second)
    assert revoked.names_revoked(other, bytes(32))
    assert not revoked.names_active(other, bytes(32))
    again = revoked.with_revoked(PERSON.identity_seed, other, 9)
    assert again.entry(other) == revoked.entry(other), "the first revocation counts"


def test_a_signature_is_of_one_label_and_one_cut_of_fields() -> None:
    seed, key = PERSON.first.seed, PERSON.first.key
    signature = sign(seed, "leave", b"ab", b"c")
    verify(key, signature, "leave", b"ab", b"c")
    for label, fields in (("revoke", (b"ab", b"c")), ("leave", (b"a", b"bc"))):
        with pytest.raises(BadSignature):
            verify(key, signature, label, *fields)


@pytest.mark.parametrize(
    "key",
    [bytes((1,)) + bytes(31), bytes(32), b"\xee" + b"\xff" * 30 + b"\x7f", b"", bytes(31)],
    ids=["neutral", "order 4", "not canonical", "empty", "short"],
)
def test_a_key_that_signs_everything_signs_nothing(key: bytes) -> None:
    """R the same point and S = 0 verifies in some Ed25519 libraries (attack F12)."""
    assert not is_valid_key(key)
    with pytest.raises(BadSignature):
        verify(key, key.ljust(32, b"\x00") + bytes(32), "join")


def test_a_signature_with_a_large_s_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signature = sign(PERSON.first.seed, "join", b"x")
    s = int.from_bytes(signature[32:], "little") + order
    malleable = signature[:32] + s.to_bytes(32, "little")
    with pytest.raises(BadSignature):
        verify(PERSON.first.key, malleable, "join", b"x")


def test_hash_and_kdf_are_blake2b_256() -> None:
    assert (
        hash_of(b"")
        .hex()
        .startswith("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    )
    assert kdf(bytes(32), "name") != kdf(bytes(32), "reaction")
    assert len(kdf(bytes(32), "name")) == 32


def test_nothing_is_certified_for_another_device() -> None:
    certificate = certify(PERSON.identity_seed, PERSON.user_id, UUID(int=1), bytes(32), 1)
    with pytest.raises(BadSignature):
        certificate.verify(PERSON.first.key)
    provisional = certify_provisionally(
        PERSON.first.seed, PERSON.first.certificate, UUID(int=2), bytes(32), 2
    )
    assert provisional.issuer == PERSON.first.key
    with pytest.raises(BadSignature):
        provisional.verify(PERSON.first.key)


def test_a_first_list_has_no_predecessor() -> None:
    devices = first_device_list(PERSON.identity_seed, PERSON.user_id, UUID(int=1), bytes(32), 1)
    assert devices.version == 1
    assert devices.prev_hash == bytes(32)

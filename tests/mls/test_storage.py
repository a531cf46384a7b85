"""What is stored comes back complete, and nothing secret shows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.mls import DecodeError, Group, MLSError, PendingCommit, PublicGroup, Remove
from tests.mls.clients import create, exported, key_package, with_members
from tests.mls.forger import frame, state_of
from tests.mls.refusals import refused


def busy() -> Group:
    """A state with every part in use: path keys, ratchets, skipped keys, a proposal, PSKs."""
    ann, bela = with_members(["ann", "bela"])
    update = bela.commit(force_path=True)
    ann, bela = ann.process(update.commit), update.group
    ann = ann.with_external_psks({b"name": b"value"})
    _, bela = bela.protect(b"lost")
    message, bela = bela.protect(b"read")
    ann = ann.process_message(message).group
    _, ann = ann.protect(b"sent")
    return ann.process_message(frame(bela, Remove(0))).group


def test_every_part_of_a_state_comes_back() -> None:
    group = busy()
    assert Group.decode(group.encode()) == group
    assert PublicGroup.decode(group.public.encode()) == group.public
    pending = group.commit(adds=[key_package("chen").package])
    assert PendingCommit.decode(pending.encode()) == pending
    assert exported(PendingCommit.decode(pending.encode()).group) == exported(pending.group)


def test_unknown_formats_are_refused() -> None:
    group = create()
    with refused("storage.format", DecodeError):
        Group.decode(b"\x02" + group.encode()[1:])
    with refused("storage.format", DecodeError):
        PublicGroup.decode(b"\x02" + group.public.encode()[1:])


@settings(max_examples=100, deadline=None)
@given(st.integers(0))
def test_cut_off_states_raise_decode_errors(length: int) -> None:
    cut = _BUSY[: length % len(_BUSY)]
    with pytest.raises(MLSError):
        Group.decode(cut)


def test_no_secret_shows_in_repr() -> None:
    group = busy()
    pending = group.commit(force_path=True)
    state = state_of(group)
    shown = repr(group) + repr(pending) + repr(state) + str(group)
    secrets = [
        state.signature_private,
        *state.private_keys.values(),
        state.secrets.exporter_secret,
        state.secrets.init_secret,
        state.secrets.encode(),
        *state.psks.external.values(),
        *state.psks.resumption.values(),
    ]
    for secret in secrets:
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


_BUSY = busy().encode()

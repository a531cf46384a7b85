"""What only members can refuse: tags and path secrets. Public state accepts each forgery here, so
the delivery service may order it; a member names it `SecretError`, stays, and goes on with the
genuine commit."""

from dataclasses import replace

import pytest

from coterie.mls import Group, Remove, SecretError, ValidationError
from coterie.mls.commits import HPKECiphertext, UpdatePath
from coterie.mls.messages import decode_public_message
from tests.mls.clients import exported, key_package, with_members
from tests.mls.forger import altered, commit_in, frame, on_secrets, state_of
from tests.mls.refusals import refused


@pytest.fixture(scope="module")
def members() -> list[Group]:
    return with_members(["ann", "bela", "chen", "dana"])


def test_membership_tag(members: list[Group]) -> None:
    ann, bela, *_ = members
    pending = ann.commit(force_path=True)
    forged = pending.commit[:-1] + bytes((pending.commit[-1] ^ 1,))
    bela.public.stage(forged)
    with refused("framing.membership-tag", SecretError):
        bela.process(forged)
    assert exported(bela.process(pending.commit)) == exported(pending.group)


def test_membership_tag_of_a_proposal(members: list[Group]) -> None:
    ann, bela, *_ = members
    with refused("framing.membership-tag", SecretError):
        bela.process_message(frame(ann, Remove(2), membership_tag=bytes(32)))


def test_confirmation_tag(members: list[Group]) -> None:
    ann, bela, *_ = members
    pending = ann.commit(adds=[key_package("erin").package])
    forged = frame(ann, commit_in(pending), confirmation_tag=bytes(32))
    bela.public.stage(forged)
    with refused("commit.confirmation-tag", SecretError):
        bela.process(forged)
    assert exported(bela.process(pending.commit)) == exported(pending.group)


def test_path_secret_that_does_not_open(members: list[Group]) -> None:
    ann, bela, chen, _ = members
    pending = ann.commit(force_path=True)
    garbled = on_secrets(0, lambda sealed: (replace(sealed[0], ciphertext=bytes(48)),))
    forged = altered(ann, pending, garbled)
    bela.public.stage(forged)
    with refused("hpke.open", SecretError):
        bela.process(forged)
    with refused("commit.confirmation-tag", SecretError):
        chen.process(forged)
    assert exported(bela.process(pending.commit)) == exported(pending.group)


def test_path_secret_of_other_keys(members: list[Group]) -> None:
    """It opens, but to a secret whose public key is not the one in the path."""
    ann, bela, *_ = members
    pending = ann.commit(force_path=True)
    context = bela.public.stage(pending.commit).path_context.encoded
    key = bela.public.tree.encryption_key(2 * bela.own_leaf)
    assert key is not None
    sealed = ann.suite.encrypt_with_label(key, b"UpdatePathNode", context, bytes(32))

    def swap(path: UpdatePath) -> UpdatePath:
        return on_secrets(0, lambda _: (HPKECiphertext(*sealed),))(path)

    with refused("path.secret", SecretError):
        bela.process(altered(ann, pending, swap))


def test_a_state_without_its_keys_opens_no_path(members: list[Group]) -> None:
    ann, bela, *_ = members
    pending = ann.commit(force_path=True)
    stripped = replace(state_of(bela), private_keys={})
    with refused("update.own", SecretError):
        Group.decode(stripped.encode()).process(pending.commit)


def test_a_state_without_its_path_keys_opens_no_path(members: list[Group]) -> None:
    ann, bela, chen, _ = members
    update = ann.commit(force_path=True)
    bela, chen = bela.process(update.commit), chen.process(update.commit)
    state = state_of(bela)
    own = 2 * bela.own_leaf
    poorer = replace(state, private_keys={own: state.private_keys[own]})
    with refused("path.recipient", SecretError):
        Group.decode(poorer.encode()).process(chen.commit(force_path=True).commit)


def test_own_commit_is_adopted_not_processed(members: list[Group]) -> None:
    ann, *_ = members
    with refused("commit.own", ValidationError):
        ann.process(ann.commit(force_path=True).commit)


def test_refusal_changes_nothing_and_blocks_nothing(members: list[Group]) -> None:
    ann, bela, *_ = members
    genuine = ann.commit(force_path=True)
    tag = decode_public_message(genuine.commit).membership_tag
    assert tag is not None
    garbled = on_secrets(0, lambda sealed: (replace(sealed[0], ciphertext=bytes(48)),))
    before = bela.encode()
    for forged in (
        genuine.commit.replace(tag, bytes(32)),
        frame(ann, commit_in(genuine), confirmation_tag=bytes(32)),
        altered(ann, genuine, garbled),
    ):
        with pytest.raises(SecretError):
            bela.process(forged)
        assert bela.encode() == before
    assert exported(bela.process(genuine.commit)) == exported(genuine.group)

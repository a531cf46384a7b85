"""Entering by Welcome: all that a joiner verifies (RFC 9420 §12.4.3.1)."""

from dataclasses import replace

import pytest

from coterie.mls import (
    DecodeError,
    Group,
    GroupInfo,
    KeyPackageSecrets,
    MissingSecret,
    MLSError,
    PendingCommit,
    SecretError,
    Welcome,
    suite,
)
from coterie.mls.commits import HPKECiphertext
from coterie.mls.key_schedule import JoinerSecrets
from coterie.mls.suites import NO_SECRET
from coterie.mls.welcome import GroupSecrets
from tests.mls.clients import SUITE_IDS, create, exported, key_package, with_members
from tests.mls.forger import state_of
from tests.mls.refusals import refused

SUITE = suite(1)


class Invited:
    """Somebody whom a commit adds, and what he is sent."""

    def __init__(self, group: Group, name: str = "erin") -> None:
        self.own = key_package(name)
        self.adder = group
        self.pending: PendingCommit = group.commit(adds=[self.own.package], force_path=True)
        self.tree = self.pending.group.public.tree.encode()

    @property
    def welcome(self) -> bytes:
        assert self.pending.welcome is not None
        return self.pending.welcome

    def join(self, welcome: bytes | None = None, own: KeyPackageSecrets | None = None) -> Group:
        return Group.join(SUITE, welcome or self.welcome, own or self.own, self.tree)

    def forge(
        self,
        *,
        info: GroupInfo | None = None,
        path_secret: bytes | None = None,
        joiner_secret: bytes | None = None,
    ) -> bytes:
        """A Welcome by the adder with something in it changed."""
        decoded = Welcome.decode(self.welcome)
        true = decoded.group_secrets(SUITE, self.own)
        joiner = JoinerSecrets.of_joiner(SUITE, joiner_secret or true.joiner_secret, NO_SECRET)
        secret = joiner.welcome_secret(SUITE)
        changed = GroupSecrets(joiner.joiner_secret, path_secret or true.path_secret, ())
        genuine = self.info()
        return Welcome.seal(SUITE, info or genuine, secret, [(self.own.package, changed)]).encoded

    def info(self) -> GroupInfo:
        return GroupInfo.decode(self.pending.group.group_info(with_tree=False))

    def resign(self, info: GroupInfo) -> GroupInfo:
        return GroupInfo.sign(
            SUITE,
            state_of(self.adder).signature_private,
            info.context,
            info.extensions,
            info.confirmation_tag,
            info.signer,
        )


@pytest.fixture(scope="module")
def invited() -> Invited:
    return Invited(with_members(["ann", "bela", "chen"])[0])


@pytest.mark.parametrize("suite_id", SUITE_IDS)
@pytest.mark.parametrize("with_tree", [True, False])
def test_tree_inside_or_apart(suite_id: int, with_tree: bool) -> None:
    ann, own = create("ann", suite_id), key_package("bela", suite_id)
    pending = ann.commit(adds=[own.package], with_tree_in_welcome=with_tree)
    assert pending.welcome is not None
    tree = None if with_tree else pending.group.public.tree.encode()
    joined = Group.join(suite(suite_id), pending.welcome, own, tree)
    assert exported(joined) == exported(pending.group)
    if not with_tree:
        with refused("group-info.tree-missing"):
            Group.join(suite(suite_id), pending.welcome, own)


def test_one_welcome_serves_all_who_were_added() -> None:
    packages = [key_package(name) for name in ("bela", "chen", "dana")]
    pending = create().commit(adds=[one.package for one in packages], force_path=True)
    assert pending.welcome is not None
    tree = pending.group.public.tree.encode()
    joined = [Group.join(SUITE, pending.welcome, one, tree) for one in packages]
    update = joined[2].commit(force_path=True)
    assert exported(joined[0].process(update.commit)) == exported(update.group), (
        "the joiners' path secrets are the true ones"
    )


def test_forgeries_made_from_the_genuine_parts_are_otherwise_valid(invited: Invited) -> None:
    assert exported(invited.join(invited.forge())) == exported(invited.pending.group)


def test_welcome_for_others_or_another_suite(invited: Invited) -> None:
    with refused("welcome.recipient", MissingSecret):
        invited.join(own=key_package("erin"))
    with refused("welcome.suite"):
        Group.join(suite(3), invited.welcome, key_package("erin", 3), invited.tree)
    with refused("framing.wire-format", DecodeError):
        invited.join(invited.pending.commit)


def test_every_flipped_bit_is_refused_and_the_genuine_one_still_joins(invited: Invited) -> None:
    for place in range(0, 8 * len(invited.welcome), 31):
        flipped = bytearray(invited.welcome)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(MLSError):
            invited.join(bytes(flipped))
    assert invited.join().epoch == 2


def test_a_secret_cut_elsewhere_does_not_open(invited: Invited) -> None:
    """KEM output and ciphertext are two fields; their bytes joined together would still open."""
    welcome = Welcome.decode(invited.welcome)
    sealed = welcome.secrets[0].sealed
    shifted = HPKECiphertext(sealed.kem_output[:-1], sealed.kem_output[-1:] + sealed.ciphertext)
    moved = (replace(welcome.secrets[0], sealed=shifted),)
    with refused("hpke.open", SecretError):
        invited.join(replace(welcome, secrets=moved).encoded)


def test_confirmation_tag_is_verified(invited: Invited) -> None:
    """A GroupInfo that a member signed, for secrets that are not the group's."""
    with refused("welcome.confirmation-tag", SecretError):
        invited.join(invited.forge(joiner_secret=bytes(32)))
    wrong = invited.resign(replace(invited.info(), confirmation_tag=bytes(32)))
    with refused("welcome.confirmation-tag", SecretError):
        invited.join(invited.forge(info=wrong))


def test_path_secret_is_verified(invited: Invited) -> None:
    with refused("path.secret", SecretError):
        invited.join(invited.forge(path_secret=bytes(32)))


def test_group_info_inside_is_verified(invited: Invited) -> None:
    info = invited.info()
    unsigned = GroupInfo.decode(info.encoded[:-1] + bytes((info.encoded[-1] ^ 1,)))
    with refused("group-info.signature"):
        invited.join(invited.forge(info=unsigned))
    for_suite_3 = invited.resign(replace(info, context=replace(info.context, cipher_suite=3)))
    with refused("welcome.group-suite"):
        invited.join(invited.forge(info=for_suite_3))
    other_tree = invited.resign(replace(info, context=replace(info.context, tree_hash=bytes(32))))
    with refused("tree.hash"):
        invited.join(invited.forge(info=other_tree))


def test_own_leaf_is_that_of_the_key_package(invited: Invited) -> None:
    """The adder's tree holds somebody else in the place of the one he sends the Welcome to."""
    stranger = key_package("erin")
    decoded = Welcome.decode(invited.welcome)
    true = decoded.group_secrets(SUITE, invited.own)
    joiner = JoinerSecrets.of_joiner(SUITE, true.joiner_secret, NO_SECRET)
    forged = Welcome.seal(
        SUITE, invited.info(), joiner.welcome_secret(SUITE), [(stranger.package, true)]
    )
    with refused("welcome.own-leaf"):
        invited.join(forged.encoded, stranger)

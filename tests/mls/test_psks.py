"""Pre-shared keys, and groups that continue another (RFC 9420 §8.4, §11.2, §11.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from coterie.mls import (
    DecodeError,
    Extension,
    ExternalPSK,
    Group,
    GroupInfo,
    KeyPackageSecrets,
    MissingSecret,
    PreSharedKeyID,
    ReInit,
    ResumptionPSK,
    ResumptionUsage,
    Welcome,
    suite,
)
from coterie.mls.codec import decode, opaque
from coterie.mls.key_schedule import EpochSecrets, JoinerSecrets
from coterie.mls.limits import KEPT_RESUMPTION_PSKS
from coterie.mls.psk import psk_secret, read_psk_id
from coterie.mls.welcome import GroupSecrets
from tests.mls.clients import create, exported, key_package, with_members
from tests.mls.forger import frame, state_of
from tests.mls.refusals import refused

SUITE = suite(1)
NONCE = bytes(32)
PARTY = ExternalPSK(b"party", NONCE)


def test_external_psk_enters_the_key_schedule_of_all() -> None:
    ann, bela = with_members(["ann", "bela"])
    knowing = {b"party": b"secret"}
    chen = key_package("chen")
    pending = ann.with_external_psks(knowing).commit(psks=[PARTY], adds=[chen.package])
    for ignorant in ({}, {b"other": b"secret"}):
        with refused("psk.known", MissingSecret):
            bela.with_external_psks(ignorant).process(pending.commit)
    assert pending.welcome is not None
    tree = pending.group.public.tree.encode()
    joined = Group.join(SUITE, pending.welcome, chen, tree, external_psks=knowing)
    followed = bela.with_external_psks(knowing).process(pending.commit)
    assert exported(joined) == exported(followed) == exported(pending.group)
    with refused("psk.known", MissingSecret):
        ann.commit(psks=[PARTY])


def test_resumption_psk_of_a_recent_epoch() -> None:
    ann, bela = with_members(["ann", "bela"])
    psk = ResumptionPSK(ResumptionUsage.APPLICATION, ann.group_id, ann.epoch, NONCE)
    for _ in range(KEPT_RESUMPTION_PSKS - 1):
        update = ann.commit(force_path=True)
        ann, bela = update.group, Group.decode(bela.process(update.commit).encode())
    pending = ann.commit(psks=[psk])
    assert exported(bela.process(pending.commit)) == exported(pending.group)
    with refused("psk.known", MissingSecret):
        pending.group.commit(psks=[psk])


def test_malformed_ids_do_not_decode() -> None:
    with refused("psk.type", DecodeError):
        decode(read_psk_id, b"\x03" + PARTY.encode()[1:])
    with refused("psk.usage", DecodeError):
        decode(read_psk_id, b"\x02\x04" + opaque(b"group") + bytes(8) + opaque(NONCE))
    for psk in (PARTY, ResumptionPSK(ResumptionUsage.REINIT, b"group", 7, NONCE)):
        assert decode(read_psk_id, psk.encode()) == psk


@dataclass
class Successor:
    """A new group whose Welcome names the old one, as its creator would make it."""

    old: Group
    welcome: bytes
    own: KeyPackageSecrets
    tree: bytes
    created: Group

    def join(self, predecessor: Group | None) -> Group:
        return Group.join(SUITE, self.welcome, self.own, self.tree, predecessor=predecessor)


def successor(
    old: Group,
    *psk_ids: PreSharedKeyID,
    group_id: bytes = b"next group",
    extensions: tuple[Extension, ...] = (),
    names: tuple[str, ...] = ("ann", "bela"),
    known: Mapping[bytes, bytes] | None = None,
    late: bool = False,
) -> Successor:
    first, *others = (key_package(name) for name in names)
    group = Group.create(SUITE, group_id, first, extensions)
    if late:
        group = group.commit(force_path=True).group
    pending = group.commit(adds=[other.package for other in others])
    assert pending.welcome is not None
    created, own = pending.group, others[-1]
    true = Welcome.decode(pending.welcome).group_secrets(SUITE, own)
    store = state_of(old.with_external_psks(known or {})).psks
    joiner = JoinerSecrets.of_joiner(SUITE, true.joiner_secret, psk_secret(SUITE, psk_ids, store))
    context = created.public.context
    epoch = EpochSecrets.derive(SUITE, joiner.epoch_secret(SUITE, context.encoded))
    info = GroupInfo.sign(
        SUITE,
        first.signature_private,
        context,
        (),
        epoch.confirmation_tag(SUITE, context.confirmed_transcript_hash),
        0,
    )
    secrets = GroupSecrets(true.joiner_secret, true.path_secret, psk_ids)
    welcome = Welcome.seal(SUITE, info, joiner.welcome_secret(SUITE), [(own.package, secrets)])
    return Successor(old, welcome.encoded, own, created.public.tree.encode(), created)


def link(old: Group, usage: ResumptionUsage) -> ResumptionPSK:
    return ResumptionPSK(usage, old.group_id, old.epoch, NONCE)


def reinitialized(announced: ReInit) -> tuple[Group, Group]:
    """Two members after the commit of a ReInit; the first one proposed, the second committed."""
    ann, bela = with_members(["ann", "bela"])
    proposal = frame(ann, announced)
    heard = bela.process_message(proposal)
    pending = heard.group.commit(references=[heard.reference])
    followed = ann.process_message(proposal).group.process(pending.commit)
    assert followed.public.re_init == announced
    return Group.decode(followed.encode()), pending.group


ANNOUNCED = ReInit(b"next group", 1, 1, ())


def test_after_a_reinit_nothing_is_committed() -> None:
    ann, bela = reinitialized(ANNOUNCED)
    assert ann.public == bela.public
    with refused("commit.reinitialized"):
        ann.commit(force_path=True)
    before = replace(state_of(ann), public=replace(ann.public, re_init=None))
    with refused("commit.reinitialized"):
        bela.process(Group.decode(before.encode()).commit(force_path=True).commit)


def test_the_announced_group_is_joined() -> None:
    ann, _ = reinitialized(ANNOUNCED)
    joined = successor(ann, link(ann, ResumptionUsage.REINIT)).join(ann)
    assert (joined.group_id, joined.epoch) == (b"next group", 1)


def test_a_group_that_was_not_announced_is_refused() -> None:
    ann, _ = reinitialized(ANNOUNCED)
    reinit = link(ann, ResumptionUsage.REINIT)
    for other in (
        successor(ann, reinit, group_id=b"other group"),
        successor(ann, reinit, extensions=((5, b"\x00"),)),
    ):
        with refused("successor.reinit"):
            other.join(ann)
    never, _ = with_members(["ann", "bela"])
    with refused("successor.reinit"):
        successor(never, link(never, ResumptionUsage.REINIT)).join(never)


def test_members_are_carried_over() -> None:
    ann, _ = reinitialized(ANNOUNCED)
    without = successor(ann, link(ann, ResumptionUsage.REINIT), names=("ann", "chen"))
    with refused("successor.members"):
        without.join(ann)
    old, *_ = with_members(["ann", "bela", "chen"])
    branch = link(old, ResumptionUsage.BRANCH)
    assert successor(old, branch).join(old).epoch == 1
    with refused("successor.members"):
        successor(old, branch, names=("ann", "eve")).join(old)


def test_a_branch_keeps_the_suite() -> None:
    old = create(suite_id=3)
    with refused("successor.branch"):
        successor(old, link(old, ResumptionUsage.BRANCH), names=("ann", "ann")).join(old)


def test_a_successor_is_joined_in_its_first_epoch() -> None:
    old, *_ = with_members(["ann", "bela"])
    with refused("successor.epoch"):
        successor(old, link(old, ResumptionUsage.BRANCH), late=True).join(old)


def test_a_successor_without_its_predecessor_is_refused() -> None:
    old, *_ = with_members(["ann", "bela"])
    made = successor(old, link(old, ResumptionUsage.BRANCH))
    with refused("psk.known", MissingSecret):
        made.join(None)
    both = successor(old, link(old, ResumptionUsage.BRANCH), link(old, ResumptionUsage.REINIT))
    with refused("successor.known"):
        both.join(old)
    later = old.commit(force_path=True).group
    with refused("successor.known"):
        successor(later, link(old, ResumptionUsage.BRANCH)).join(later)

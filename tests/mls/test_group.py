"""A group's life through its public door: create, add, join, commit, leave, enter from outside."""

import secrets

import pytest

from coterie.mls import Group, PendingCommit, PublicGroup, Removed, suite
from coterie.mls.limits import MAX_EXPORT_BYTES
from tests.mls.clients import (
    SUITE_IDS,
    capabilities,
    create,
    exported,
    key_package,
    with_members,
)
from tests.mls.refusals import refused


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_members_agree_after_every_kind_of_commit(suite_id: int) -> None:
    ann, bela, chen = with_members(["ann", "bela", "chen"], suite_id)
    assert exported(ann) == exported(bela) == exported(chen), "all joined one epoch"

    update = bela.commit(force_path=True)
    ann, bela, chen = ann.process(update.commit), update.group, chen.process(update.commit)
    assert exported(ann) == exported(bela) == exported(chen), "an update reaches all"

    removal = chen.commit(removes=[bela.own_leaf], authenticated_data=b"why")
    staged = ann.public.stage(removal.commit)
    assert (staged.sender, staged.removes, staged.authenticated_data) == (2, (1,), b"why")
    with refused("commit.removed", Removed):
        bela.process(removal.commit)
    ann, chen = ann.process(removal.commit), removal.group
    assert exported(ann) == exported(chen), "those who stay agree"
    assert exported(bela) != exported(ann), "who is removed stays behind"


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_external_commit_enters_and_resync_replaces_the_old_leaf(suite_id: int) -> None:
    ann, bela = with_members(["ann", "bela"], suite_id)
    signer = secrets.token_bytes(32)
    info = ann.group_info()
    entry = Group.join_externally(
        info,
        b"chen",
        signer,
        capabilities=capabilities(suite_id),
        authenticated_data=lambda context: context.tree_hash,
    )
    staged = ann.public.stage(entry.commit)
    assert staged.external_init
    assert staged.sender is None
    assert staged.authenticated_data == ann.public.context.tree_hash
    ann, bela, chen = ann.process(entry.commit), bela.process(entry.commit), entry.group
    assert exported(ann) == exported(bela) == exported(chen)
    assert ann.public.tree.leaf(2) == staged.path_leaf

    resync = Group.join_externally(
        bela.group_info(with_tree=False),
        b"chen",
        signer,
        capabilities=capabilities(suite_id),
        removes=[chen.own_leaf],
        ratchet_tree=bela.public.tree.encode(),
    )
    ann, bela = ann.process(resync.commit), bela.process(resync.commit)
    assert exported(ann) == exported(bela) == exported(resync.group)
    with refused("commit.removed", Removed):
        chen.process(resync.commit)


def test_public_state_follows_and_is_the_members_own() -> None:
    ann, bela = with_members(["ann", "bela"])
    public = PublicGroup.from_group_info(ann.group_info())
    anchored = PublicGroup.from_anchor(
        ann.public.context.encoded, ann.public.tree.encode(), ann.public.confirmation_tag
    )
    assert public == anchored == ann.public
    pending = bela.commit(adds=[key_package("chen").package])
    after = PublicGroup.decode(public.encode()).stage(pending.commit).after
    assert after == pending.group.public == ann.process(pending.commit).public
    assert after.verify_group_info(pending.group.group_info()).signer == bela.own_leaf


def test_save_and_restore_at_every_step() -> None:
    ann, bela = (Group.decode(group.encode()) for group in with_members(["ann", "bela"]))
    pending = PendingCommit.decode(ann.commit(force_path=True).encode())
    assert exported(bela.process(pending.commit)) == exported(pending.group)
    assert Group.decode(pending.group.encode()) == pending.group


def test_exported_secrets_differ_by_label_context_and_length() -> None:
    ann = create()
    assert ann.export("label", b"", 64) != ann.export(b"label", b"context", 64)
    assert ann.export("label", b"", 64) != ann.export("other", b"", 64)
    assert ann.export("label", b"", 32) != ann.export("label", b"", 64)[:32]
    assert len(ann.export("label", b"", MAX_EXPORT_BYTES)) == MAX_EXPORT_BYTES
    with refused("export.length"):
        ann.export("label", b"", MAX_EXPORT_BYTES + 1)


def test_group_of_one_updates_itself() -> None:
    ann = create()
    pending = ann.commit(force_path=True)
    assert pending.group.epoch == 1
    assert suite(1) is ann.suite

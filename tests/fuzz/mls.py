"""Whatever comes in as MLS: messages and their parts, and what a group makes of them.

The groups are those of our own vectors, so that bytes that were found once are found again; save
where the enemy is a member, who signs whatever it is.
"""

from dataclasses import replace

from coterie.mls import (
    Commit,
    Group,
    GroupContext,
    GroupInfo,
    KeyPackage,
    KeyPackageSecrets,
    MLSError,
    PublicGroup,
    RatchetTree,
    Welcome,
    new_key_package,
    suite,
)
from coterie.mls.codec import decode
from coterie.mls.messages import decode_message
from tests.fuzz.target import Target
from tests.mls.clients import capabilities, key_package, with_members
from tests.mls.forger import commit_in, frame, resigned, tag_in
from tests.mls.vector_files import anchored, joined, own, unhex

SUITE = suite(1)
PASSIVE, PUBLIC, REFUSED = (own(name)[0] for name in ("passive", "public", "refused"))
COMMITS = [unhex(epoch["commit"]) for epoch in PASSIVE["epochs"]]
PROPOSALS = [unhex(proposal) for epoch in PASSIVE["epochs"] for proposal in epoch["proposals"]]
CHAIN = [unhex(link["commit"]) for link in PUBLIC["commits"]]
FORGERIES = [unhex(forgery["commit"]) for forgery in REFUSED["refused"]]


def tree_hash(data: bytes) -> bytes:
    return RatchetTree.decode(data).tree_hash(SUITE)


def validated_package(data: bytes) -> None:
    KeyPackage.decode(data).validate(SUITE, now=0)


def messages() -> Target:
    member = joined(PASSIVE)
    message, _ = member.protect(b"hello")
    package = decode_message(unhex(PASSIVE["key_package"]))
    assert isinstance(package, KeyPackage)
    parsers = (
        decode_message,
        Welcome.decode,
        GroupInfo.decode,
        PublicGroup.from_group_info,
        validated_package,
        tree_hash,
        GroupContext.decode,
    )
    samples = [
        *COMMITS,
        *PROPOSALS,
        message,
        member.group_info(),
        member.group_info(with_tree=False),
        member.public.tree.encode(),
        member.public.context.encoded,
        package.encoded,
        *(unhex(PASSIVE[name]) for name in ("key_package", "welcome", "ratchet_tree")),
    ]
    return Target([(parse, (MLSError,)) for parse in parsers], samples)


def groups() -> Target:
    """Messages to a group that is there, and states as they are stored."""
    member, public = joined(PASSIVE), anchored(PUBLIC)
    message, _ = member.protect(b"hello")
    parsers = (
        public.stage,
        member.process,
        member.process_message,
        member.verify_group_info,
        PublicGroup.decode,
        Group.decode,
        KeyPackageSecrets.decode,
    )
    own_package = new_key_package(
        SUITE, b"ann", bytes(32), capabilities=capabilities(1), lifetime=(0, 1)
    )
    stored = [member.encode(), member.public.encode(), own_package.encode()]
    samples = [
        *COMMITS[:2],
        *CHAIN[:2],
        *PROPOSALS,
        *FORGERIES,
        message,
        member.group_info(),
        *stored,
    ]
    return Target([(parse, (MLSError,)) for parse in parsers], samples)


def insiders() -> Target:
    """Any commit at all, framed and signed by a member."""
    ann, bela, chen = with_members(["ann", "bela", "chen"])
    dana = key_package("dana").package
    made = [
        ann.commit(),
        ann.commit(adds=[dana]),
        ann.commit(adds=[dana], removes=[chen.own_leaf], force_path=True),
        ann.commit(group_context_extensions=[(3, bytes(3))]),
    ]
    honest = {commit_in(one).encode(): tag_in(one) for one in made}

    def framed(data: bytes) -> bytes:
        commit = decode(Commit.read, data)
        if commit.path:
            leaf = resigned(ann, commit.path.leaf_node)
            commit = replace(commit, path=replace(commit.path, leaf_node=leaf))
        return frame(ann, commit, confirmation_tag=honest.get(data, bytes(32)))

    return Target(
        [
            (lambda data: ann.public.stage(framed(data)), (MLSError,)),
            (lambda data: bela.process(framed(data)), (MLSError,)),
        ],
        list(honest),
    )

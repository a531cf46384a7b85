"""Whatever comes in as MLS: messages and their parts, and what a group makes of them.

The groups are those of our own vectors, so that bytes that were found once are found again.
"""

from coterie.mls import (
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
from coterie.mls.messages import decode_message
from tests.fuzz.target import Target
from tests.mls.clients import capabilities
from tests.mls.vector_files import anchored, joined, own, unhex

SUITE = suite(1)
PASSIVE, PUBLIC, REFUSED = (own(name)[0] for name in ("passive", "public", "refused"))
COMMITS = [unhex(epoch["commit"]) for epoch in PASSIVE["epochs"]]
PROPOSALS = [unhex(proposal) for epoch in PASSIVE["epochs"] for proposal in epoch["proposals"]]
CHAIN = [unhex(link["commit"]) for link in PUBLIC["commits"]]
FORGERIES = [unhex(forgery["commit"]) for forgery in REFUSED["refused"]]


def tree_hash(data: bytes) -> bytes:
    return RatchetTree.decode(data).tree_hash(SUITE)


def key_package(data: bytes) -> None:
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
        key_package,
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

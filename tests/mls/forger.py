"""A malicious member: signs and tags whatever the honest code would refuse to build."""

from collections.abc import Callable
from dataclasses import replace

from coterie.mls import (
    Capabilities,
    Commit,
    Group,
    LeafNode,
    PendingCommit,
    Proposal,
    Sender,
    UpdatePath,
)
from coterie.mls.commits import HPKECiphertext, UpdatePathNode
from coterie.mls.framing import (
    AuthenticatedContent,
    Content,
    FramedContent,
    PublicMessage,
    WireFormat,
)
from coterie.mls.member_state import MemberState
from coterie.mls.messages import decode_public_message
from coterie.mls.proposals import ProposalReference


def state_of(group: Group) -> MemberState:
    """Everything a member knows; he is free to use it."""
    return MemberState.decode(group.encode())


def commit_in(pending: PendingCommit) -> Commit:
    content = decode_public_message(pending.commit).authenticated.framed.content
    assert isinstance(content, Commit)
    return content


def tag_in(pending: PendingCommit) -> bytes:
    tag = decode_public_message(pending.commit).authenticated.confirmation_tag
    assert tag is not None
    return tag


def path_in(pending: PendingCommit) -> UpdatePath:
    path = commit_in(pending).path
    assert path is not None
    return path


def frame(
    group: Group,
    content: Content,
    *,
    sender: Sender | None = None,
    group_id: bytes | None = None,
    epoch: int | None = None,
    signer: bytes | None = None,
    confirmation_tag: bytes = bytes(32),
    membership_tag: bytes | None = None,
) -> bytes:
    """Content as PublicMessage, signed and tagged with the member's keys save where told."""
    state = state_of(group)
    used, context = group.suite, group.public.context.encoded
    framed = FramedContent.of(
        group.group_id if group_id is None else group_id,
        group.epoch if epoch is None else epoch,
        sender or Sender.member(group.own_leaf),
        b"",
        content,
    )
    signed = AuthenticatedContent.sign(
        used, WireFormat.PUBLIC_MESSAGE, framed, context, signer or state.signature_private
    )
    if isinstance(content, Commit):
        signed = signed.confirmed(confirmation_tag)
    tag = membership_tag
    if tag is None and framed.sender.leaf_index is not None:
        tag = signed.membership_tag(used, state.secrets.membership_key, context)
    return PublicMessage(signed, tag).encode()


def commit_of(
    group: Group,
    *proposals: Proposal | ProposalReference,
    path: UpdatePath | None = None,
) -> bytes:
    """A commit of these proposals with this path, whatever they are."""
    return frame(group, Commit(proposals, path))


def altered(
    group: Group, pending: PendingCommit, change: Callable[[UpdatePath], UpdatePath]
) -> bytes:
    """The pending commit with its path changed, framed anew by the same member."""
    commit = commit_in(pending)
    assert commit.path is not None
    changed = Commit(commit.proposals, change(commit.path))
    return frame(group, changed, confirmation_tag=tag_in(pending))


def resigned(
    group: Group,
    leaf: LeafNode,
    *,
    encryption_key: bytes | None = None,
    parent_hash: bytes | None = None,
    leaf_index: int | None = None,
    group_id: bytes | None = None,
    capabilities: Capabilities | None = None,
) -> LeafNode:
    """A path's leaf with something changed, signed by the member."""
    return LeafNode.sign(
        group.suite,
        state_of(group).signature_private,
        encryption_key=leaf.encryption_key if encryption_key is None else encryption_key,
        identity=leaf.identity,
        capabilities=capabilities or leaf.capabilities,
        extensions=leaf.extensions,
        parent_hash=leaf.parent_hash if parent_hash is None else parent_hash,
        place=(
            group.group_id if group_id is None else group_id,
            group.own_leaf if leaf_index is None else leaf_index,
        ),
    )


PathEdit = Callable[[UpdatePath], UpdatePath]


def on_leaf(change: Callable[[LeafNode], LeafNode]) -> PathEdit:
    return lambda path: replace(path, leaf_node=change(path.leaf_node))


def on_node(position: int, change: Callable[[UpdatePathNode], UpdatePathNode]) -> PathEdit:
    def edit(path: UpdatePath) -> UpdatePath:
        nodes = list(path.nodes)
        nodes[position] = change(nodes[position])
        return replace(path, nodes=tuple(nodes))

    return edit


Sealed = tuple[HPKECiphertext, ...]


def on_secrets(position: int, change: Callable[[Sealed], Sealed]) -> PathEdit:
    """Changes what is sealed to the recipients of one node's secret."""
    return on_node(
        position,
        lambda node: replace(node, encrypted_path_secrets=change(node.encrypted_path_secrets)),
    )

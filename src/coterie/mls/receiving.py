"""What a message does to a member's state; a refused one does nothing.

The public half of a commit is judged first, by `PublicGroup.stage_content`. Whatever fails after
that is a `SecretError`: only members can see it.
"""

from dataclasses import replace

from coterie.mls.commits import Commit
from coterie.mls.errors import Removed, SecretError, ValidationError, WrongEpoch
from coterie.mls.extensions import ExternalSender
from coterie.mls.framing import AuthenticatedContent, PublicMessage, Sender, SenderType
from coterie.mls.key_schedule import JoinerSecrets
from coterie.mls.member_state import MemberState
from coterie.mls.private_message import PrivateMessage
from coterie.mls.proposal_list import SentProposal, check_sender
from coterie.mls.proposals import Add, Proposal
from coterie.mls.psk import psk_secret
from coterie.mls.public_group import PublicGroup, StagedCommit
from coterie.mls.suites import NO_SECRET
from coterie.mls.tree_kem import PrivateKeys, open_path, still_valid


def receive_public(
    state: MemberState, message: PublicMessage
) -> tuple[AuthenticatedContent, MemberState]:
    """The content and the state after it."""
    content = message.authenticated
    if isinstance(content.framed.content, bytes):
        raise ValidationError("framing.application", "application data in a PublicMessage")
    state.public.check_place(content.framed.group_id, content.framed.epoch)
    following = _receive(state, content, message)
    return content, following


def receive_private(
    state: MemberState, message: PrivateMessage
) -> tuple[AuthenticatedContent, MemberState]:
    """The content and the state after it, without the key the message used."""
    public = state.public
    public.check_place(message.group_id, message.epoch)
    content, tree = message.unseal(
        public.suite, state.secrets.sender_data_secret, state.secret_tree
    )
    return content, _receive(replace(state, secret_tree=tree), content, None)


def receive_staged(state: MemberState, staged: StagedCommit) -> MemberState:
    """The state after a commit that `state.public` has judged."""
    if staged.before != state.public.context:
        raise WrongEpoch("framing.epoch", "a commit was judged upon another epoch")
    _check_membership(state, staged.message)
    return _next_epoch(state, staged)


def _receive(
    state: MemberState, content: AuthenticatedContent, message: PublicMessage | None
) -> MemberState:
    """`message` is what the content came in, when that carries a membership tag to check."""
    body = content.framed.content
    if isinstance(body, Commit):
        staged = state.public.stage_content(content, state.proposals)
        _check_membership(state, message)
        return _next_epoch(state, staged)
    content.verify_signature(
        state.public.suite,
        _sender_key(state.public, content.framed.sender, body),
        state.public.context.encoded,
    )
    _check_membership(state, message)
    if isinstance(body, bytes):
        return state
    return _remember(state, content, body)


def _check_membership(state: MemberState, message: PublicMessage | None) -> None:
    """RFC 9420 §6.2."""
    if message is not None and not message.has_membership_tag(
        state.public.suite, state.secrets.membership_key, state.public.context.encoded
    ):
        raise SecretError("framing.membership-tag", "a message has a wrong membership tag")


def _sender_key(public: PublicGroup, sender: Sender, body: bytes | Proposal) -> bytes:
    """The signature key of whoever sent a proposal or application data (RFC 9420 §6.1)."""
    if sender.kind is SenderType.MEMBER:
        return public.member(sender.leaf_index).signature_key
    if sender.kind is SenderType.NEW_MEMBER_PROPOSAL and isinstance(body, Add):
        return body.key_package.leaf_node.signature_key
    if sender.kind is SenderType.EXTERNAL and sender.index is not None:
        senders = ExternalSender.list_of(public.extensions)
        if sender.index < len(senders):
            return senders[sender.index].signature_key
    raise ValidationError("sender.known", "such a sender may not send this")


def _remember(state: MemberState, content: AuthenticatedContent, proposal: Proposal) -> MemberState:
    sent = SentProposal(proposal, content.framed.sender)
    check_sender(sent)
    reference = content.proposal_reference(state.public.suite)
    return replace(state, proposals={**state.proposals, reference: sent})


def _next_epoch(state: MemberState, staged: StagedCommit) -> MemberState:
    """The secret half of somebody else's commit (RFC 9420 §12.4.2)."""
    if state.own_leaf in staged.removes:
        raise Removed("commit.removed", "this commit removes us")
    if staged.sender == state.own_leaf:
        raise ValidationError("commit.own", "an own commit is adopted, not processed")
    suite, context = state.public.suite, staged.after.context.encoded
    keys, commit_secret = _open_path(state, staged)
    psk = psk_secret(suite, staged.psk_ids, state.psks)
    joiner = JoinerSecrets.of_commit(
        suite, _init_secret(state, staged), commit_secret, psk, context
    )
    following = MemberState.enter(
        staged.after,
        state.own_leaf,
        state.signature_private,
        keys,
        joiner.epoch_secret(suite, context),
        state.psks,
    )
    if not following.is_confirmed():
        raise SecretError("commit.confirmation-tag", "a commit has a wrong confirmation tag")
    return following


def _open_path(state: MemberState, staged: StagedCommit) -> tuple[PrivateKeys, bytes]:
    """The private keys in the next epoch, and the commit_secret."""
    keys = still_valid(state.private_keys, state.public.tree, staged.after.tree)
    if 2 * state.own_leaf not in keys:
        raise SecretError("update.own", "our leaf was replaced by one we have no key of")
    if staged.path is None:
        return keys, NO_SECRET
    opened = open_path(
        state.public.suite,
        staged.after.tree,
        staged.path,
        staged.committer,
        state.own_leaf,
        staged.added,
        keys,
        staged.path_context.encoded,
    )
    return {**keys, **opened.keys_by_node()}, opened.commit_secret


def _init_secret(state: MemberState, staged: StagedCommit) -> bytes:
    """The last epoch's, or for an external commit the one its author chose (RFC 9420 §8.3)."""
    if staged.kem_output is None:
        return state.secrets.init_secret
    private, _ = state.secrets.external_key_pair()
    return state.public.suite.external_init_receiver(private, staged.kem_output)

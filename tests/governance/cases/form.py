"""The form of a commit."""

from dataclasses import replace

from coterie.governance.leaves import SUITE
from coterie.governance.rules.rule import Rule
from coterie.governance.warrants import Acceptance, encode_warrants
from coterie.mls import Add, ExternalPSK, PreSharedKey, ReInit, Remove, Sender
from coterie.mls.framing import AuthenticatedContent, FramedContent, WireFormat
from coterie.mls.proposal_list import SentProposal
from coterie.mls.proposals import ProposalReference
from coterie.protocol import limits
from tests.governance.cases.case import accepted, refused
from tests.governance.forgery import forge, forge_external
from tests.governance.people import MLS_SUITE, Person
from tests.governance.scene import Offer, garden


@accepted
def a_member_updates_the_own_leaf() -> Offer:
    scene = garden()
    return scene.offer(scene.chat.commit(scene.member.first, force_path=True))


@accepted
def a_member_shows_a_newer_device_list() -> Offer:
    scene = garden()
    scene.member.new_device()
    items = [scene.member.first.list_item()]
    return scene.offer(scene.chat.commit(scene.member.first, warrants=items, force_path=True))


@refused(Rule.COMMIT_SIZE)
def a_commit_is_larger_than_a_mebibyte() -> Offer:
    return garden().offer(bytes(limits.COMMIT_BYTES + 1))


@refused(Rule.COMMIT_MLS)
def a_bit_of_a_commit_is_flipped() -> Offer:
    public, commit = a_member_updates_the_own_leaf()
    middle = len(commit) // 2
    return public, commit[:middle] + bytes((commit[middle] ^ 1,)) + commit[middle + 1 :]


@refused(Rule.COMMIT_MLS)
def a_commit_is_of_the_epoch_before() -> Offer:
    scene = garden()
    late = scene.chat.commit(scene.member.first, force_path=True)
    scene.chat.adopt(scene.owner.first, scene.chat.commit(scene.owner.first, force_path=True))
    return scene.offer(late)


@refused(Rule.COMMIT_MLS)
def a_commit_is_of_another_group() -> Offer:
    public, _ = a_member_updates_the_own_leaf()
    context = replace(public.context, group_id=bytes(16))
    other = replace(public, context=context)
    return other, a_member_updates_the_own_leaf()[1]


@refused(Rule.COMMIT_MLS)
def a_commit_is_no_commit() -> Offer:
    return garden().offer(b"commit")


@refused(Rule.COMMIT_MLS)
def a_proposal_stands_by_reference() -> Offer:
    scene = garden()
    group = scene.chat.groups[scene.moderator.first]
    proposal = Remove(scene.chat.leaf_of(scene.member.first))
    framed = FramedContent.of(
        group.group_id, group.epoch, Sender.member(group.own_leaf), b"", proposal
    )
    content = AuthenticatedContent.sign(
        MLS_SUITE,
        WireFormat.PUBLIC_MESSAGE,
        framed,
        group.public.context.encoded,
        scene.moderator.first.seed,
    )
    reference = ProposalReference(content.proposal_reference(MLS_SUITE))
    sent = SentProposal(proposal, framed.sender)
    return scene.offer(forge(scene.chat, scene.moderator.first, [(reference, sent)]))


def _psk(number: int) -> PreSharedKey:
    return PreSharedKey(ExternalPSK(number.to_bytes(2, "big"), bytes(32)))


@refused(Rule.COMMIT_COUNT)
def a_commit_has_201_proposals() -> Offer:
    scene = garden()
    proposals = [_psk(number) for number in range(limits.PROPOSALS_PER_COMMIT + 1)]
    return scene.offer(forge(scene.chat, scene.owner.first, proposals))


@refused(Rule.COMMIT_KINDS)
def a_member_commits_a_pre_shared_key() -> Offer:
    scene = garden()
    return scene.offer(forge(scene.chat, scene.owner.first, [_psk(0)]))


@refused(Rule.COMMIT_KINDS)
def somebody_joins_with_a_pre_shared_key() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    items = encode_warrants([scene.chat.proof(scene.link, stranger), stranger.list_item()])
    commit = forge_external(scene.chat, stranger, [_psk(0)], authenticated_data=items)
    return scene.offer(commit)


@refused(Rule.COMMIT_KINDS)
def the_owner_reinitializes_the_group() -> Offer:
    scene = garden()
    proposal = ReInit(scene.chat.group_id, 1, SUITE, ())
    return scene.offer(forge(scene.chat, scene.owner.first, [proposal]))


@refused(Rule.WARRANT_ENCODING)
def authenticated_data_is_not_ours() -> Offer:
    scene = garden()
    return scene.offer(
        scene.chat.commit(scene.member.first, authenticated_data=b"\x02anything", force_path=True)
    )


@refused(Rule.WARRANT_ENCODING)
def no_warrants_are_encoded_as_a_list() -> Offer:
    scene = garden()
    return scene.offer(
        scene.chat.commit(scene.member.first, authenticated_data=b"\x01\x00", force_path=True)
    )


@refused(Rule.WARRANT_ENCODING)
def a_byte_follows_the_warrants() -> Offer:
    scene = garden()
    data = encode_warrants([scene.member.first.list_item()]) + b"\x00"
    return scene.offer(
        scene.chat.commit(scene.member.first, authenticated_data=data, force_path=True)
    )


@refused(Rule.WARRANT_UNUSED)
def a_warrant_warrants_nothing() -> Offer:
    scene = garden()
    items = [scene.leaving(scene.moderator)]
    return scene.offer(scene.chat.commit(scene.member.first, warrants=items, force_path=True))


@refused(Rule.WARRANT_UNUSED)
def a_warrant_stands_twice() -> Offer:
    scene = garden()
    items = [scene.leaving(scene.member)] * 2
    return scene.commit(scene.moderator, removes=[scene.member], warrants=items)


@refused(Rule.WARRANT_UNUSED)
def an_acceptance_is_for_a_package_that_is_not_added() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    package = stranger.package().package
    items = [
        stranger.list_item(),
        scene.chat.acceptance(stranger, package),
        Acceptance(bytes(32), bytes(64)),
    ]
    commit = forge(
        scene.chat,
        scene.moderator.first,
        [Add(package)],
        authenticated_data=encode_warrants(items),
    )
    return scene.offer(commit)

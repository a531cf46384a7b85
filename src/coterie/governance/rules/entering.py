"""Who enters, and by what: a link, an own device, a device's return, or a member's hand."""

from coterie.governance.changes import (
    Change,
    DeviceAdded,
    DeviceResynced,
    LeafUpdated,
    PersonJoined,
)
from coterie.governance.device_lists import DeviceList
from coterie.governance.leaves import Seat
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.rules.step import Finding, Step
from coterie.governance.signatures import BadSignature
from coterie.governance.state import InviteEntry
from coterie.governance.succession import may_invite
from coterie.governance.warrants import Acceptance, DeviceListItem, JoinProof, Warrant
from coterie.mls import KeyPackage
from coterie.protocol.roles import Action


def judge_entry(step: Step) -> list[Finding]:
    """An external commit is exactly one of three: a resync, a join, a device."""
    seat = step.seats_after[step.staged.committer]
    if step.staged.removes:
        return [_resync(step, seat, step.seats[step.staged.removes[0]])]
    _check_device_list(step, seat)
    proof = next((w for w in step.warrants if isinstance(w, JoinProof)), None)
    return [_device(step, seat) if proof is None else _join(step, seat, proof)]


def _join(step: Step, seat: Seat, proof: JoinProof) -> Finding:
    users = (seats[0].user_id.int for seats in step.members.values())
    demand(
        seat.identity_key not in step.members and seat.user_id.int not in users,
        Rule.JOIN_MEMBER,
        "who joins is a member already",
    )
    _check_not_banned(step, seat)
    entry = step.state.invite(proof.invite_key)
    demand(
        entry is not None and _is_valid(step, entry),
        Rule.JOIN_INVITE,
        "there is no open link with this key by somebody who may invite",
    )
    try:
        proof.verify(step.group.context.encoded, seat.certificate, seat.device_key)
    except BadSignature as error:
        refuse(Rule.JOIN_PROOF, str(error))
    return Finding(_entered(step, seat, proof.invite_key), (proof,))


def _is_valid(step: Step, entry: InviteEntry) -> bool:
    """A link lives as long as its creator is there and may invite."""
    return entry.creator in step.members and may_invite(step.state, entry.creator)


def _device(step: Step, seat: Seat) -> Finding:
    """Of an identity that has a leaf; in a direct conversation either may come back without."""
    expected = step.state.direct or step.members
    demand(
        seat.identity_key in expected,
        Rule.DEVICE_MEMBER,
        "who enters is no member and shows no link",
    )
    return Finding(_entered(step, seat))


def _resync(step: Step, seat: Seat, old: Seat) -> Finding:
    demand(
        seat.certificate == old.certificate and seat.device_key == old.device_key,
        Rule.RESYNC_SAME,
        "the leaf that is removed has another credential or signature key",
    )
    demand(seat.seat != old.seat, Rule.RESYNC_SEAT, "a resync draws a new seat")
    change = DeviceResynced(seat.identity_key, seat.user_id, seat.device_id, seat.leaf_index)
    return Finding(change)


def judge_adds(step: Step) -> list[Finding]:
    packages = zip(step.staged.adds, step.staged.added, strict=True)
    return [_add(step, package, step.seats_after[leaf]) for package, leaf in packages]


def _add(step: Step, package: KeyPackage, seat: Seat) -> Finding:
    _check_device_list(step, seat)
    _check_not_banned(step, seat)
    if seat.identity_key == step.committer.identity_key or step.state.direct is not None:
        return Finding(_entered(step, seat))
    demand(step.may(Action.ADD), Rule.ADD_RIGHT, f"a {step.rank.role} adds nobody")
    return Finding(_entered(step, seat), (_acceptance(step, package, seat),))


def _acceptance(step: Step, package: KeyPackage, seat: Seat) -> Acceptance:
    reference = package.reference(step.group.suite)
    for warrant in step.warrants:
        if isinstance(warrant, Acceptance) and warrant.reference == reference:
            try:
                warrant.verify(seat.device_key, step.group_id, step.state.genesis)
            except BadSignature as error:
                refuse(Rule.ADD_ACCEPTANCE, str(error))
            return warrant
    refuse(Rule.ADD_ACCEPTANCE, "who is added has not accepted")


def _check_not_banned(step: Step, seat: Seat) -> None:
    """Judged in state n: no commit lifts a ban and lets in at once."""
    demand(step.state.ban(seat.identity_key) is None, Rule.ENTER_BANNED, "who enters is banned")


def _entered(step: Step, seat: Seat, invite_key: bytes | None = None) -> Change:
    """The first leaf of somebody is a person joining, every other a device."""
    first = step.members_after[seat.identity_key][0]
    who = (seat.identity_key, seat.user_id, seat.device_id, seat.device_key, seat.leaf_index)
    if seat.identity_key in step.members or seat.leaf_index != first.leaf_index:
        return DeviceAdded(*who)
    return PersonJoined(*who, invite_key)


def lists_in(step: Step) -> tuple[DeviceList, ...]:
    return tuple(w.devices for w in step.warrants if isinstance(w, DeviceListItem))


def check_lists(step: Step) -> None:
    """Each list is signed, and the only one of somebody who is or was in the group."""
    lists = lists_in(step)
    demand(
        len({devices.identity_key for devices in lists}) == len(lists),
        Rule.LIST_VALID,
        "two device lists are of one identity",
    )
    for devices in lists:
        known = step.members_after.get(devices.identity_key) or step.members.get(
            devices.identity_key
        )
        demand(
            known is not None and known[0].user_id == devices.user_id,
            Rule.LIST_VALID,
            "a device list is of nobody here",
        )
        try:
            devices.verify()
        except BadSignature as error:
            refuse(Rule.LIST_VALID, str(error))


def _check_device_list(step: Step, seat: Seat) -> None:
    """Who enters under the identity's own certificate shows the list that says so to all; a
    provisional device stands in none, and must not be revoked in one."""
    devices = next((one for one in lists_in(step) if one.identity_key == seat.identity_key), None)
    if devices is None:
        named = seat.certificate.provisional
    elif seat.certificate.provisional:
        named = not devices.names_revoked(seat.device_id, seat.device_key)
    else:
        named = devices.names_active(seat.device_id, seat.device_key)
    demand(
        named, Rule.ENTER_DEVICE_LIST, "no device list in the commit names this device as active"
    )


def judge_path(step: Step) -> list[Finding]:
    """A member's commit with a path renews the member's own leaf."""
    sender, leaf = step.staged.sender, step.staged.path_leaf
    if sender is None or leaf is None:
        return []
    seat = step.seats_after[sender]
    certified = step.seats[sender].certificate != seat.certificate
    who = (seat.identity_key, seat.user_id, seat.device_id, sender)
    return [Finding(LeafUpdated(*who, certified))]


def check_all_used(step: Step, findings: list[Finding]) -> None:
    """A warrant that warrants nothing has no place in a commit; device lists are news."""
    used = {warrant for finding in findings for warrant in finding.warrants}
    left: list[Warrant] = [
        warrant
        for warrant in step.warrants
        if warrant not in used and not isinstance(warrant, DeviceListItem)
    ]
    demand(
        not left and len(set(step.warrants)) == len(step.warrants),
        Rule.WARRANT_UNUSED,
        "a warrant warrants nothing, or stands twice",
    )

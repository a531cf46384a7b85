"""Whose leaves go, and by what: rank, a leave, a revocation, or the word of the server."""

from coterie.governance.changes import DeviceRemoved, RemovalWarrant
from coterie.governance.leaves import Seat
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.rules.step import Finding, Step
from coterie.governance.signatures import BadSignature
from coterie.governance.warrants import (
    DeviceListItem,
    LeaveStatement,
    RevokeStatement,
    ServerStatement,
    ServerStatementKind,
    Warrant,
)
from coterie.protocol.roles import Action


def judge_removes(step: Step) -> list[Finding]:
    return [_remove(step, step.seats[leaf]) for leaf in step.staged.removes]


def _remove(step: Step, seat: Seat) -> Finding:
    warrant = _named_warrant(step, seat)
    kind = _judge(step, seat, warrant)
    last = seat.identity_key not in step.members_after
    who = (seat.identity_key, seat.user_id, seat.device_id, seat.leaf_index)
    return Finding(DeviceRemoved(*who, kind, last), () if warrant is None else (warrant,))


def _named_warrant(step: Step, seat: Seat) -> Warrant | None:
    """The one that names this leaf; a provisional device falls with its issuer."""
    issuer = next(
        (one for one in step.members[seat.identity_key] if _vouches(step, one, seat)), None
    )
    named = [w for w in step.warrants if _names(w, seat)]
    if not named and issuer is not None:
        named = [w for w in step.warrants if _names(w, issuer)]
    return named[0] if named else None


def _vouches(step: Step, issuer: Seat, seat: Seat) -> bool:
    gone = issuer.leaf_index in step.staged.removes
    return gone and issuer.device_key == seat.certificate.issuer


def _names(warrant: Warrant, seat: Seat) -> bool:
    match warrant:
        case LeaveStatement():
            return seat.seat in warrant.seats
        case RevokeStatement():
            return seat.seat == warrant.seat
        case DeviceListItem(devices):
            of_identity = devices.identity_key == seat.identity_key
            return of_identity and devices.names_revoked(seat.device_id, seat.device_key)
        case ServerStatement(ServerStatementKind.ACCOUNT_ENDED, identity_key):
            return identity_key == seat.identity_key
        case ServerStatement(ServerStatementKind.DEVICE_REVOKED, subject):
            return subject == seat.seat
        case _:
            return False


def _judge(step: Step, seat: Seat, warrant: Warrant | None) -> RemovalWarrant:
    match warrant:
        case LeaveStatement():
            return _by_leave(step, seat, warrant)
        case RevokeStatement():
            return _by_revocation(step, seat, warrant)
        case DeviceListItem():
            _check_not_last(step, seat)
            return "revoke"
        case ServerStatement():
            return _by_server(step, seat, warrant)
        case _:
            return _by_rank(step, seat)


def _by_rank(step: Step, seat: Seat) -> RemovalWarrant:
    demand(step.may(Action.KICK), Rule.REMOVE_RIGHT, f"a {step.rank.role} removes nobody by rank")
    demand(
        step.rank > step.state.rank_of(seat.identity_key),
        Rule.REMOVE_RANK,
        "who is removed is not below the committer",
    )
    _check_whole(step, seat)
    return "rank"


def _by_leave(step: Step, seat: Seat, statement: LeaveStatement) -> RemovalWarrant:
    """By a device of the same person, for all their seats: a statement that spared some would
    let a stolen device evict the others."""
    own = {one.device_key for one in step.members[seat.identity_key]}
    demand(
        statement.device_key in own, Rule.REMOVE_LEAVE, "the statement is by somebody else's device"
    )
    try:
        statement.verify(step.group_id)
    except BadSignature as error:
        refuse(Rule.REMOVE_LEAVE, str(error))
    _check_whole(step, seat)
    return "leave"


def _by_revocation(step: Step, seat: Seat, statement: RevokeStatement) -> RemovalWarrant:
    """By a device of the same person that was certified earlier, by the identity itself. A
    provisional device that falls with its issuer was certified later still."""
    signer = next(
        (one for one in step.members[seat.identity_key] if one.device_key == statement.device_key),
        None,
    )
    demand(
        signer is not None
        and not signer.certificate.provisional
        and signer.certificate.created_at < seat.certificate.created_at,
        Rule.REMOVE_REVOKE,
        "the statement is not by an earlier device of the same person",
    )
    try:
        statement.verify(step.group_id)
    except BadSignature as error:
        refuse(Rule.REMOVE_REVOKE, str(error))
    _check_not_last(step, seat)
    return "revoke"


def _by_server(step: Step, seat: Seat, statement: ServerStatement) -> RemovalWarrant:
    try:
        statement.verify(step.state.server_key, step.group_id)
    except BadSignature as error:
        refuse(Rule.REMOVE_SERVER, str(error))
    if statement.kind is ServerStatementKind.ACCOUNT_ENDED:
        _check_whole(step, seat)
    else:
        _check_not_last(step, seat)
    return "server"


def _check_whole(step: Step, seat: Seat) -> None:
    demand(
        seat.identity_key not in step.members_after,
        Rule.REMOVE_WHOLE,
        "a person is removed with all their leaves",
    )


def _check_not_last(step: Step, seat: Seat) -> None:
    demand(
        seat.identity_key in step.members_after,
        Rule.REMOVE_LAST,
        "a revocation never takes a person's last leaf: the new device enters first",
    )

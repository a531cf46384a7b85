"""What the tree of epoch n+1 must be, whoever made it so."""

from collections.abc import Iterable, Sequence

from coterie.governance.leaves import Members, Seat
from coterie.governance.rules.rule import Rule, demand
from coterie.governance.state import GroupState
from coterie.protocol import limits


def check_tree(state: GroupState, members: Members) -> None:
    """`state` and `members` of the same epoch."""
    _check_principals(members)
    _check_counts(members)
    for seats in members.values():
        _check_issuers(seats)
    if state.direct is not None:
        third = any(identity_key not in state.direct for identity_key in members)
        demand(not third, Rule.TREE_DIRECT, "a direct conversation is of two")
    banned = any(entry.key in members for entry in state.banned)
    demand(not banned, Rule.TREE_BANNED, "somebody banned has a leaf")


def _check_principals(members: Members) -> None:
    """A principal is one user_id with one identity key; devices and seats are told apart."""
    of_one_user = all(
        seat.user_id == seats[0].user_id for seats in members.values() for seat in seats[1:]
    )
    users = (seats[0].user_id.int for seats in members.values())
    demand(
        of_one_user and _distinct(users),
        Rule.TREE_IDENTITY,
        "a user has two identities, or an identity two users",
    )
    seats = [seat for seats in members.values() for seat in seats]
    demand(
        _distinct(seat.device_id.int for seat in seats), Rule.TREE_DEVICE, "a device has two leaves"
    )
    demand(_distinct(seat.seat for seat in seats), Rule.TREE_SEAT, "a seat is taken twice")


def _distinct(items: Iterable[object]) -> bool:
    listed = list(items)
    return len(set(listed)) == len(listed)


def _check_counts(members: Members) -> None:
    most = max(len(seats) for seats in members.values())
    demand(
        most <= limits.LEAVES_PER_USER,
        Rule.TREE_USER_LEAVES,
        f"a user has at most {limits.LEAVES_PER_USER} leaves",
    )
    demand(
        sum(len(seats) for seats in members.values()) <= limits.LEAVES_PER_GROUP,
        Rule.TREE_LEAVES,
        f"a group has at most {limits.LEAVES_PER_GROUP} leaves",
    )


def _check_issuers(seats: Sequence[Seat]) -> None:
    """A provisional device stands by an earlier one of its identity, and falls with it."""
    for seat in seats:
        if seat.certificate.provisional:
            demand(
                any(_issued(issuer, seat) for issuer in seats),
                Rule.TREE_ISSUER,
                "a provisional device is without the earlier one that vouches for it",
            )


def _issued(issuer: Seat, seat: Seat) -> bool:
    return (
        issuer.device_key == seat.certificate.issuer
        and not issuer.certificate.provisional
        and issuer.certificate.created_at < seat.certificate.created_at
    )

"""The new state against the old: every entry that differs needs its right, or follows by itself."""

from collections.abc import Sequence
from typing import TypeVar

from coterie.governance.changes import (
    GroupRenamed,
    InviteClosed,
    InviteOpened,
    PersonBanned,
    PersonUnbanned,
    PolicyChanged,
    RoleChanged,
)
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.rules.step import Finding, Step
from coterie.governance.signatures import BadSignature, is_valid_key
from coterie.governance.state import BanEntry, InviteEntry, RoleEntry
from coterie.governance.succession import may_invite, settle
from coterie.governance.warrants import ServerStatement, ServerStatementKind
from coterie.protocol.roles import Action, Rank


def judge_state(step: Step) -> list[Finding]:
    _check_immutable(step)
    findings = [
        *_judge_roles(step),
        *_judge_invites(step),
        *_judge_bans(step),
        *_judge_name(step),
        *_judge_policy(step),
    ]
    _check_settled(step)
    return findings


def _check_immutable(step: Step) -> None:
    before, after = step.state, step.proposed
    demand(
        (before.genesis, before.server_key, before.direct)
        == (after.genesis, after.server_key, after.direct),
        Rule.STATE_IMMUTABLE,
        "genesis, server_key and direct never change",
    )


def _check_settled(step: Step) -> None:
    """The commit carries what its removals entail, exactly."""
    proposed = step.proposed
    settled = settle(step.state, proposed, step.members_after, step.next_epoch)
    demand(
        settled.owner == proposed.owner,
        Rule.SETTLE_OWNER,
        "the owner is gone, and who succeeds is not who the commit says",
    )
    demand(settled.roles == proposed.roles, Rule.SETTLE_ROLES, "somebody with a role has no leaf")
    demand(
        settled.invites == proposed.invites,
        Rule.SETTLE_INVITES,
        "an open link is by somebody who is gone or may not invite",
    )


Entry = TypeVar("Entry", RoleEntry, InviteEntry, BanEntry)


def _changed(
    before: Sequence[Entry], after: Sequence[Entry]
) -> list[tuple[bytes, Entry | None, Entry | None]]:
    """Key, entry before and entry after of all that differ, by key."""
    old = {entry.key: entry for entry in before}
    new = {entry.key: entry for entry in after}
    keys = sorted(old.keys() | new.keys())
    return [(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


# --- roles


def _judge_roles(step: Step) -> list[Finding]:
    changed = _changed(step.state.roles, step.proposed.roles)
    return [_judge_role(step, key, after) for key, _, after in changed]


def _judge_role(step: Step, key: bytes, entry: RoleEntry | None) -> Finding:
    before, after = step.state.rank_of(key), step.proposed.rank_of(key)
    demand(before is not after, Rule.STATE_UNEXPLAINED, "a role is as it was, its epoch is not")
    demand(
        entry is None or entry.since == step.next_epoch,
        Rule.ROLE_SINCE,
        "a role begins in the epoch that gives it",
    )
    entailed = _is_entailed(step, key, after)
    if not entailed:
        _check_role_right(step, key, before, after)
    return Finding(RoleChanged(key, before, after, entailed))


def _is_entailed(step: Step, key: bytes, after: Rank) -> bool:
    """An entry that fell with its last leaf, or the successor of an owner who is gone. That it
    is the right one, `settle` has said."""
    owner_gone = step.state.owner not in step.members_after
    return key not in step.members_after or (owner_gone and after is Rank.OWNER)


def _check_role_right(step: Step, key: bytes, before: Rank, after: Rank) -> None:
    own = key == step.committer.identity_key
    if Rank.OWNER in (before, after):
        _check_transfer(step, after, own)
    elif not (own and after is Rank.MEMBER):
        demand(step.may(Action.SET_ROLE), Rule.ROLE_RIGHT, f"a {step.rank.role} gives no roles")
        demand(
            not own and step.rank > before and step.rank > after,
            Rule.ROLE_RANK,
            "roles below one's own are given, to people below oneself",
        )


def _check_transfer(step: Step, after: Rank, own: bool) -> None:
    demand(step.may(Action.TRANSFER), Rule.TRANSFER_RIGHT, "only the owner hands over the group")
    demand(not own or after is Rank.ADMIN, Rule.TRANSFER_ADMIN, "who hands over becomes admin")


# --- links


def _judge_invites(step: Step) -> list[Finding]:
    changed = _changed(step.state.invites, step.proposed.invites)
    return [_judge_invite(step, before, after) for _, before, after in changed]


def _judge_invite(step: Step, before: InviteEntry | None, after: InviteEntry | None) -> Finding:
    if before is None and after is not None:
        return _opened(step, after)
    if before is not None and after is None:
        return _closed(step, before)
    refuse(Rule.STATE_UNEXPLAINED, "an open link was altered")


def _opened(step: Step, entry: InviteEntry) -> Finding:
    demand(step.may(Action.INVITE), Rule.INVITE_RIGHT, f"a {step.rank.role} makes no links here")
    demand(
        entry.creator == step.committer.identity_key,
        Rule.INVITE_CREATOR,
        "a link is made in somebody else's name",
    )
    demand(is_valid_key(entry.key), Rule.INVITE_KEY, "the link's key is no valid Ed25519 key")
    return Finding(InviteOpened(entry.key, entry.creator, entry.expires_at))


def _closed(step: Step, entry: InviteEntry) -> Finding:
    ended = _ended(step, entry.key)
    if ended is not None:
        return Finding(InviteClosed(entry.key, entailed=False, ended=True), (ended,))
    entailed = entry.creator not in step.members_after or not may_invite(
        step.proposed, entry.creator
    )
    own = entry.creator == step.committer.identity_key
    demand(
        entailed or own or step.may(Action.REVOKE_INVITE),
        Rule.INVITE_CLOSE,
        f"a {step.rank.role} closes only own links, or those the server says have ended",
    )
    return Finding(InviteClosed(entry.key, entailed))


def _ended(step: Step, key: bytes) -> ServerStatement | None:
    """The server's word that this link has ended: then anybody may close it."""
    for warrant in step.warrants:
        match warrant:
            case ServerStatement(ServerStatementKind.LINK_ENDED, subject) if subject == key:
                try:
                    warrant.verify(step.state.server_key, step.group_id)
                except BadSignature as error:
                    refuse(Rule.INVITE_ENDED, str(error))
                return warrant
            case _:
                continue
    return None


# --- bans


def _judge_bans(step: Step) -> list[Finding]:
    changed = _changed(step.state.banned, step.proposed.banned)
    return [_judge_ban(step, before, after) for _, before, after in changed]


def _judge_ban(step: Step, before: BanEntry | None, after: BanEntry | None) -> Finding:
    if before is None and after is not None:
        return _banned(step, after)
    if before is not None and after is None:
        return _unbanned(step, before)
    refuse(Rule.STATE_UNEXPLAINED, "a ban was altered")


def _banned(step: Step, entry: BanEntry) -> Finding:
    demand(step.may(Action.BAN), Rule.BAN_RIGHT, f"a {step.rank.role} bans nobody")
    demand(
        entry.rank is step.rank and step.rank > step.state.rank_of(entry.key),
        Rule.BAN_RANK,
        "one bans with one's own rank, and only who is below",
    )
    return Finding(PersonBanned(entry.key, entry.rank))


def _unbanned(step: Step, entry: BanEntry) -> Finding:
    demand(step.may(Action.UNBAN), Rule.UNBAN_RIGHT, f"a {step.rank.role} lifts no bans")
    demand(step.rank >= entry.rank, Rule.UNBAN_RANK, "the ban was made by a higher rank")
    return Finding(PersonUnbanned(entry.key))


# --- name and settings


def _judge_name(step: Step) -> list[Finding]:
    if step.proposed.name == step.state.name:
        return []
    demand(step.may(Action.UPDATE_GROUP), Rule.NAME_RIGHT, f"a {step.rank.role} renames nothing")
    return [Finding(GroupRenamed(step.proposed.name))]


def _judge_policy(step: Step) -> list[Finding]:
    before, after = step.state, step.proposed
    if (before.history, before.inviters) == (after.history, after.inviters):
        return []
    demand(step.may(Action.SET_POLICY), Rule.POLICY_RIGHT, "only the owner changes settings")
    return [Finding(PolicyChanged(after.history, after.inviters))]

"""Who may do what in a group: enforced by the server, checked again by every client.

The one table behind `permissions.md`. `ROLE_TABLE` is its version; a group's signed state names it,
so that a changed table is adopted by a commit and never by an upgrade.
"""

from enum import IntEnum, StrEnum
from typing import Final

ROLE_TABLE: Final = 1


class Role(StrEnum):
    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> "Rank":
        return Rank[self.name]


class Rank(IntEnum):
    """A role as the signed state writes it: one byte, higher is more."""

    MEMBER = 1
    MODERATOR = 2
    ADMIN = 3
    OWNER = 4

    @property
    def role(self) -> Role:
        return Role[self.name]


MENTIONS_EVERYONE: Final = Rank.MODERATOR
"""From this rank on `@everyone` means everyone. The server cannot see it: clients judge it."""


class Inviters(IntEnum):
    """Who may make invite links: a setting of the group."""

    MODERATORS = 0
    MEMBERS = 1


class History(IntEnum):
    """What somebody who joins may read of the time before."""

    SINCE_JOIN = 0
    ALL = 1


class Action(StrEnum):
    READ = "read"
    SEND = "send"
    REACT = "react"
    UPLOAD = "upload"
    EDIT_OWN = "edit_own"
    DELETE_OWN = "delete_own"
    SKIP_SLOW_MODE = "skip_slow_mode"
    DELETE_OTHERS = "delete_others"
    PIN = "pin"
    INVITE = "invite"
    LIST_INVITES = "list_invites"
    REVOKE_INVITE = "revoke_invite"
    ADD = "add"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    SEE_BANS = "see_bans"
    SEE_AUDIT = "see_audit"
    UPDATE_GROUP = "update_group"
    SET_ROLE = "set_role"
    SET_POLICY = "set_policy"
    TRANSFER = "transfer"
    DELETE_GROUP = "delete_group"
    LEAVE = "leave"


_MEMBER = frozenset(
    {
        Action.READ,
        Action.SEND,
        Action.REACT,
        Action.UPLOAD,
        Action.EDIT_OWN,
        Action.DELETE_OWN,
        Action.LEAVE,
    }
)
_MODERATOR = _MEMBER | {
    Action.SKIP_SLOW_MODE,
    Action.DELETE_OTHERS,
    Action.PIN,
    Action.INVITE,
    Action.LIST_INVITES,
    Action.REVOKE_INVITE,
    Action.ADD,
    Action.KICK,
    Action.BAN,
    Action.UNBAN,
    Action.SEE_BANS,
    Action.SEE_AUDIT,
}
_ADMIN = _MODERATOR | {Action.UPDATE_GROUP, Action.SET_ROLE}

PERMISSIONS: Final[dict[Role, frozenset[Action]]] = {
    Role.MEMBER: _MEMBER,
    Role.MODERATOR: _MODERATOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: frozenset(Action),
}

DIRECT: Final = _MEMBER | {Action.PIN}
"""In a direct conversation, which has no roles, either of the two may do these."""


def may(role: Role, action: Action, inviters: Inviters = Inviters.MODERATORS) -> bool:
    """Whether `role` allows `action`. On whom, `outranks` says."""
    if action is Action.INVITE and inviters is Inviters.MEMBERS:
        return True
    return action in PERMISSIONS[role]


def outranks(role: Role, other: Role) -> bool:
    """Nobody acts on somebody at or above their own rank."""
    return role.rank > other.rank


def roles_that_may(action: Action) -> tuple[Role, ...]:
    return tuple(role for role in Role if action in PERMISSIONS[role])

"""What a signed state must be by itself, whoever wrote it."""

from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import REQUIRED, REQUIRED_CAPABILITIES, STATE_EXTENSION, Extensions
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.state import GroupState
from coterie.protocol import limits
from coterie.protocol.roles import ROLE_TABLE, History, Inviters, Rank


def read_state(extensions: Extensions) -> GroupState:
    """From a GroupContext's extensions: exactly the two, in their order, the first one fixed."""
    kinds = tuple(kind for kind, _ in extensions)
    fixed = kinds == (REQUIRED_CAPABILITIES, STATE_EXTENSION) and extensions[0][1] == REQUIRED
    demand(
        fixed,
        Rule.STATE_EXTENSIONS,
        "a GroupContext has required_capabilities and 0xF0C0, exactly",
    )
    data = extensions[1][1]
    demand(
        len(data) <= limits.STATE_BYTES,
        Rule.STATE_LIMITS,
        f"the state has more than {limits.STATE_BYTES} bytes",
    )
    try:
        return GroupState.decode(data)
    except EncodingError as error:
        refuse(Rule.STATE_ENCODING, str(error))


def check_state(state: GroupState) -> None:
    demand(state.table == ROLE_TABLE, Rule.STATE_TABLE, f"role table {state.table} is unknown")
    if state.direct is not None:
        _check_direct(state)
    else:
        _check_limits(state)
        owners = sum(entry.rank is Rank.OWNER for entry in state.roles)
        demand(owners == 1, Rule.STATE_OWNER, f"a group has one owner, not {owners}")
        _check_name(state.name)


def _check_direct(state: GroupState) -> None:
    bare = not (state.roles or state.invites or state.banned or state.name)
    unset = state.history is History.SINCE_JOIN and state.inviters is Inviters.MODERATORS
    demand(
        bare and unset,
        Rule.STATE_DIRECT,
        "a direct conversation has no roles, links, bans, name or settings",
    )


def _check_limits(state: GroupState) -> None:
    for entries, limit, what in (
        (state.roles, limits.ROLES_PER_GROUP, "roles"),
        (state.invites, limits.INVITES_PER_GROUP, "open links"),
        (state.banned, limits.BANS_PER_GROUP, "bans"),
    ):
        demand(len(entries) <= limit, Rule.STATE_LIMITS, f"a group has at most {limit} {what}")


def _check_name(name: str) -> None:
    """1 to 100 code points, at most 400 bytes, no control characters (U+0000-1F, U+7F)."""
    demand(
        1 <= len(name) <= limits.GROUP_NAME_LENGTH
        and len(name.encode()) <= limits.GROUP_NAME_BYTES
        and not any(ord(char) < 0x20 or ord(char) == 0x7F for char in name),
        Rule.STATE_NAME,
        f"a name has 1 to {limits.GROUP_NAME_LENGTH} characters and no control characters",
    )

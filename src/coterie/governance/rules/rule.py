"""Every rule by which a commit is refused. The ids are part of the protocol: docs/protocol.md."""

from enum import StrEnum
from typing import NoReturn

from coterie.protocol.errors import CommitRefused, Refused


class Rule(StrEnum):
    # the commit's form
    COMMIT_SIZE = "commit.size"
    COMMIT_MLS = "commit.mls"
    COMMIT_COUNT = "commit.count"
    COMMIT_KINDS = "commit.kinds"
    WARRANT_ENCODING = "warrant.encoding"
    WARRANT_UNUSED = "warrant.unused"
    # a leaf that enters or is renewed
    LEAF_CREDENTIAL = "leaf.credential"
    LEAF_CERTIFICATE = "leaf.certificate"
    LEAF_KEYS = "leaf.keys"
    LEAF_CAPABILITIES = "leaf.capabilities"
    LEAF_EXTENSIONS = "leaf.extensions"
    PACKAGE_EXTENSIONS = "package.extensions"
    PATH_KEPT = "path.kept"
    # the tree of epoch n+1
    TREE_IDENTITY = "tree.identity"
    TREE_DEVICE = "tree.device"
    TREE_SEAT = "tree.seat"
    TREE_USER_LEAVES = "tree.user_leaves"
    TREE_LEAVES = "tree.leaves"
    TREE_ISSUER = "tree.issuer"
    TREE_BANNED = "tree.banned"
    TREE_DIRECT = "tree.direct"
    # entering
    LIST_VALID = "list.valid"
    ENTER_DEVICE_LIST = "enter.device_list"
    ENTER_BANNED = "enter.banned"
    JOIN_MEMBER = "join.member"
    JOIN_INVITE = "join.invite"
    JOIN_PROOF = "join.proof"
    DEVICE_MEMBER = "device.member"
    RESYNC_SAME = "resync.same"
    RESYNC_SEAT = "resync.seat"
    ADD_RIGHT = "add.right"
    ADD_ACCEPTANCE = "add.acceptance"
    # going
    REMOVE_RIGHT = "remove.right"
    REMOVE_RANK = "remove.rank"
    REMOVE_WHOLE = "remove.whole"
    REMOVE_LAST = "remove.last"
    REMOVE_LEAVE = "remove.leave"
    REMOVE_REVOKE = "remove.revoke"
    REMOVE_SERVER = "remove.server"
    # the state by itself
    STATE_EXTENSIONS = "state.extensions"
    STATE_ENCODING = "state.encoding"
    STATE_LIMITS = "state.limits"
    STATE_OWNER = "state.owner"
    STATE_NAME = "state.name"
    STATE_TABLE = "state.table"
    STATE_DIRECT = "state.direct"
    # the state against that of epoch n
    STATE_IMMUTABLE = "state.immutable"
    STATE_UNEXPLAINED = "state.unexplained"
    SETTLE_OWNER = "settle.owner"
    SETTLE_ROLES = "settle.roles"
    SETTLE_INVITES = "settle.invites"
    ROLE_RIGHT = "role.right"
    ROLE_RANK = "role.rank"
    ROLE_SINCE = "role.since"
    TRANSFER_RIGHT = "transfer.right"
    TRANSFER_ADMIN = "transfer.admin"
    INVITE_RIGHT = "invite.right"
    INVITE_CREATOR = "invite.creator"
    INVITE_KEY = "invite.key"
    INVITE_CLOSE = "invite.close"
    INVITE_ENDED = "invite.ended"
    BAN_RIGHT = "ban.right"
    BAN_RANK = "ban.rank"
    UNBAN_RIGHT = "unban.right"
    UNBAN_RANK = "unban.rank"
    NAME_RIGHT = "name.right"
    POLICY_RIGHT = "policy.right"
    # epoch 0
    GENESIS_CONTEXT = "genesis.context"
    GENESIS_LEAF = "genesis.leaf"
    GENESIS_STATE = "genesis.state"
    GENESIS_SERVER = "genesis.server"
    # anchors, from which chains are verified
    ANCHOR_CONTEXT = "anchor.context"
    ANCHOR_TREE = "anchor.tree"


def refuse(rule: Rule, detail: str) -> NoReturn:
    raise Refused(CommitRefused(rule.value, detail))


def demand(holds: bool, rule: Rule, detail: str) -> None:
    """Refuses by `rule` unless it holds; `detail` says what is wrong."""
    if not holds:
        refuse(rule, detail)

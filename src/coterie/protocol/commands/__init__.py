"""What a client can ask for. One struct is one request; `api.py` gives each its address.

Bytes are base64 in JSON and raw in msgpack; ids are UUIDs; times are RFC 3339. The client draws the
ids of what it makes, so that a repeated request is the same request.
"""

from coterie.protocol.commands.accounts import Account, GetAccount, GetUser, User
from coterie.protocol.commands.audit import Act, Audit, AuditEntry, ListAudit
from coterie.protocol.commands.bans import Ban, BanMember, Bans, ListBans, UnbanMember
from coterie.protocol.commands.blocks import BlockedUser, Blocks, BlockUser, ListBlocks, UnblockUser
from coterie.protocol.commands.conversations import (
    Conversation,
    Conversations,
    GetConversation,
    ListConversations,
)
from coterie.protocol.commands.delivery import (
    Commits,
    GetAnchor,
    GetGroupInfo,
    GroupInfos,
    ListCommits,
    ListWelcomes,
    PendingWelcome,
    PublishGroupInfo,
    RemoveWelcome,
    Welcomes,
)
from coterie.protocol.commands.devices import (
    ClaimedKeyPackages,
    ClaimKeyPackages,
    KeyPackageBytes,
    KeyPackageCount,
    PublishKeyPackages,
)
from coterie.protocol.commands.direct import GetDirect, OpenDirect
from coterie.protocol.commands.entrance import GetServer, LogIn, Password, ServerInfo, SignUp
from coterie.protocol.commands.entries import Entries, Entry, ListEntries
from coterie.protocol.commands.epochs import AdvanceEpoch
from coterie.protocol.commands.files import DiscardFile, FileReserved, ReserveFile
from coterie.protocol.commands.groups import (
    CreateGroup,
    DeleteGroup,
    Description,
    GetGroup,
    Group,
    GroupName,
    UpdateGroup,
)
from coterie.protocol.commands.invites import (
    CreateInvite,
    GetInvite,
    Invite,
    InviteCode,
    InviteDetails,
    Invites,
    JoinGroup,
    ListInviteCommits,
    ListInvites,
    RevokeInvite,
)
from coterie.protocol.commands.members import KickMember, LeaveGroup, ListMembers, Member, Members
from coterie.protocol.commands.messages import DeleteMessage, EditMessage, SendMessage
from coterie.protocol.commands.pins import PinMessage
from coterie.protocol.commands.reactions import ReactToMessage
from coterie.protocol.commands.read_positions import MarkRead
from coterie.protocol.commands.roles import SetRole, TransferOwnership
from coterie.protocol.commands.sessions import LogOut, Session
from coterie.protocol.commands.shapes import (
    Accepted,
    Anchor,
    Command,
    Commit,
    CommitBytes,
    Cursor,
    Done,
    EntryBytes,
    GroupInfoBytes,
    Hash,
    Key,
    Ordered,
    Reason,
    Rows,
    TreeBytes,
    Username,
)

__all__ = [
    "Accepted",
    "Account",
    "Act",
    "AdvanceEpoch",
    "Anchor",
    "Audit",
    "AuditEntry",
    "Ban",
    "BanMember",
    "Bans",
    "BlockUser",
    "BlockedUser",
    "Blocks",
    "ClaimKeyPackages",
    "ClaimedKeyPackages",
    "Command",
    "Commit",
    "CommitBytes",
    "Commits",
    "Conversation",
    "Conversations",
    "CreateGroup",
    "CreateInvite",
    "Cursor",
    "DeleteGroup",
    "DeleteMessage",
    "Description",
    "DiscardFile",
    "Done",
    "EditMessage",
    "Entries",
    "Entry",
    "EntryBytes",
    "FileReserved",
    "GetAccount",
    "GetAnchor",
    "GetConversation",
    "GetDirect",
    "GetGroup",
    "GetGroupInfo",
    "GetInvite",
    "GetServer",
    "GetUser",
    "Group",
    "GroupInfoBytes",
    "GroupInfos",
    "GroupName",
    "Hash",
    "Invite",
    "InviteCode",
    "InviteDetails",
    "Invites",
    "JoinGroup",
    "Key",
    "KeyPackageBytes",
    "KeyPackageCount",
    "KickMember",
    "LeaveGroup",
    "ListAudit",
    "ListBans",
    "ListBlocks",
    "ListCommits",
    "ListConversations",
    "ListEntries",
    "ListInviteCommits",
    "ListInvites",
    "ListMembers",
    "ListWelcomes",
    "LogIn",
    "LogOut",
    "MarkRead",
    "Member",
    "Members",
    "OpenDirect",
    "Ordered",
    "Password",
    "PendingWelcome",
    "PinMessage",
    "PublishGroupInfo",
    "PublishKeyPackages",
    "ReactToMessage",
    "Reason",
    "RemoveWelcome",
    "ReserveFile",
    "RevokeInvite",
    "Rows",
    "SendMessage",
    "ServerInfo",
    "Session",
    "SetRole",
    "SignUp",
    "TransferOwnership",
    "TreeBytes",
    "UnbanMember",
    "UnblockUser",
    "UpdateGroup",
    "User",
    "Username",
    "Welcomes",
]

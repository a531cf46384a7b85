"""What may be asked, and where: one row per command. Server, SDK and generated types read it.

Path parameters are fields of the command. The rest is the body, or for GET and DELETE the query.
"""

from typing import Any, Final

import msgspec

from coterie.protocol import commands as c


class Endpoint(msgspec.Struct, frozen=True):
    method: str
    path: str
    command: type[c.Command]
    result: type[Any]
    public: bool = False
    """Whether it may be asked without a session."""


API: Final[tuple[Endpoint, ...]] = (
    Endpoint("GET", "/server", c.GetServer, c.ServerInfo, public=True),
    Endpoint("POST", "/accounts", c.SignUp, c.Session, public=True),
    Endpoint("POST", "/sessions", c.LogIn, c.Session, public=True),
    Endpoint("DELETE", "/sessions/current", c.LogOut, c.Done),
    Endpoint("GET", "/account", c.GetAccount, c.Account),
    Endpoint("GET", "/users/{username}", c.GetUser, c.User),
    Endpoint("POST", "/users/list", c.ListUsers, c.Users),
    Endpoint("POST", "/key-packages", c.PublishKeyPackages, c.KeyPackageCount),
    Endpoint("POST", "/key-packages/{user_id}/claim", c.ClaimKeyPackages, c.ClaimedKeyPackages),
    Endpoint("GET", "/blocks", c.ListBlocks, c.Blocks),
    Endpoint("PUT", "/blocks/{user_id}", c.BlockUser, c.Done),
    Endpoint("DELETE", "/blocks/{user_id}", c.UnblockUser, c.Done),
    Endpoint("GET", "/conversations", c.ListConversations, c.Conversations),
    Endpoint("GET", "/conversations/{conversation_id}", c.GetConversation, c.Conversation),
    Endpoint("PUT", "/conversations/{conversation_id}/read", c.MarkRead, c.Done),
    Endpoint("POST", "/conversations/{conversation_id}/typing", c.ShowTyping, c.Done),
    Endpoint("PUT", "/presence", c.ShowPresence, c.Done),
    Endpoint("GET", "/conversations/{conversation_id}/entries", c.ListEntries, c.Entries),
    Endpoint("POST", "/conversations/entries", c.ListNewEntries, c.NewEntries),
    Endpoint("GET", "/conversations/{conversation_id}/anchors/{epoch}", c.GetAnchor, c.Anchor),
    Endpoint("GET", "/conversations/{conversation_id}/commits", c.ListCommits, c.Commits),
    Endpoint("POST", "/conversations/{conversation_id}/commits", c.AdvanceEpoch, c.Ordered),
    Endpoint("GET", "/conversations/{conversation_id}/group-info", c.GetGroupInfo, c.GroupInfos),
    Endpoint("POST", "/conversations/{conversation_id}/group-info", c.PublishGroupInfo, c.Done),
    Endpoint("POST", "/conversations/{conversation_id}/messages", c.SendMessage, c.Accepted),
    Endpoint("POST", "/conversations/{conversation_id}/edits", c.EditMessage, c.Accepted),
    Endpoint("POST", "/conversations/{conversation_id}/deletions", c.DeleteMessage, c.Accepted),
    Endpoint("POST", "/conversations/{conversation_id}/reactions", c.ReactToMessage, c.Accepted),
    Endpoint("POST", "/conversations/{conversation_id}/pins", c.PinMessage, c.Accepted),
    Endpoint("POST", "/conversations/{conversation_id}/files", c.ReserveFile, c.FileReserved),
    Endpoint("DELETE", "/files/{file_id}", c.DiscardFile, c.Done),
    Endpoint("POST", "/direct", c.OpenDirect, c.Ordered),
    Endpoint("GET", "/direct/{peer_id}", c.GetDirect, c.Conversation),
    Endpoint("GET", "/welcomes", c.ListWelcomes, c.Welcomes),
    Endpoint("DELETE", "/welcomes/{conversation_id}", c.RemoveWelcome, c.Done),
    Endpoint("POST", "/groups", c.CreateGroup, c.Ordered),
    Endpoint("GET", "/groups/{group_id}", c.GetGroup, c.Group),
    Endpoint("PATCH", "/groups/{group_id}", c.UpdateGroup, c.Done),
    Endpoint("POST", "/groups/{group_id}/delete", c.DeleteGroup, c.Done),
    Endpoint("GET", "/groups/{group_id}/members", c.ListMembers, c.Members),
    Endpoint("PUT", "/groups/{group_id}/members/{user_id}/role", c.SetRole, c.Ordered),
    Endpoint("POST", "/groups/{group_id}/members/{user_id}/kick", c.KickMember, c.Ordered),
    Endpoint("POST", "/groups/{group_id}/owner", c.TransferOwnership, c.Ordered),
    Endpoint("POST", "/groups/{group_id}/leave", c.LeaveGroup, c.Done),
    Endpoint("GET", "/groups/{group_id}/audit", c.ListAudit, c.Audit),
    Endpoint("GET", "/groups/{group_id}/bans", c.ListBans, c.Bans),
    Endpoint("PUT", "/groups/{group_id}/bans/{user_id}", c.BanMember, c.Ordered),
    Endpoint("POST", "/groups/{group_id}/bans/{user_id}/lift", c.UnbanMember, c.Ordered),
    Endpoint("GET", "/groups/{group_id}/invites", c.ListInvites, c.Invites),
    Endpoint("POST", "/groups/{group_id}/invites", c.CreateInvite, c.Ordered),
    Endpoint("POST", "/groups/{group_id}/invites/{code}/revoke", c.RevokeInvite, c.Ordered),
    Endpoint("GET", "/invites/{code}", c.GetInvite, c.InviteDetails),
    Endpoint("GET", "/invites/{code}/commits", c.ListInviteCommits, c.Commits),
    Endpoint("POST", "/invites/{code}/join", c.JoinGroup, c.Ordered),
)
"""All under `/api/v1`. Beside them: `GET /api/v1/events` (the WebSocket); `PUT` and `GET
/api/v1/files/{file_id}/content` (streams of bytes), and tus 1.0 at the same address."""

PREFIX: Final = "/api/v1"
BY_NAME: Final[dict[str, Endpoint]] = {row.command.__name__: row for row in API}
BY_COMMAND: Final[dict[type[c.Command], Endpoint]] = {row.command: row for row in API}

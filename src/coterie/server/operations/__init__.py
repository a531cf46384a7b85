"""Who answers: one function per command. Authorisation is its first line."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from coterie.protocol import commands as c
from coterie.server.operations import (
    accounts,
    audit,
    bans,
    blocks,
    conversations,
    delivery,
    devices,
    direct,
    entries,
    epochs,
    files,
    groups,
    invites,
    members,
    messages,
    pins,
    reactions,
    read_positions,
    roles,
    sessions,
    signals,
)
from coterie.server.operations.access import Actor
from coterie.server.operations.states import Beginning
from coterie.server.storage.database import Tx

Operation = Callable[[Tx, Actor, Any], Awaitable[Any]]
BeginningOperation = Callable[[Tx, Actor, Any, Beginning], Awaitable[Any]]
"""Makes a conversation, whose epoch 0 was judged before."""

OPERATIONS: Final[dict[type[c.Command], Operation]] = {
    c.LogOut: sessions.log_out,
    c.GetAccount: accounts.get_account,
    c.GetUser: accounts.get_user,
    c.ListUsers: accounts.list_users,
    c.PublishKeyPackages: devices.publish_key_packages,
    c.ClaimKeyPackages: devices.claim_key_packages,
    c.ListBlocks: blocks.list_blocks,
    c.BlockUser: blocks.block_user,
    c.UnblockUser: blocks.unblock_user,
    c.ListConversations: conversations.list_conversations,
    c.GetConversation: conversations.get_conversation,
    c.MarkRead: read_positions.mark_read,
    c.ShowTyping: signals.show_typing,
    c.ShowPresence: signals.show_presence,
    c.ListEntries: entries.list_entries,
    c.ListNewEntries: entries.list_new_entries,
    c.GetAnchor: delivery.get_anchor,
    c.ListCommits: delivery.list_commits,
    c.AdvanceEpoch: epochs.advance_epoch,
    c.GetGroupInfo: delivery.get_group_info,
    c.PublishGroupInfo: delivery.publish_group_info,
    c.EditMessage: messages.edit_message,
    c.DeleteMessage: messages.delete_message,
    c.ReactToMessage: reactions.react_to_message,
    c.PinMessage: pins.pin_message,
    c.ReserveFile: files.reserve_file,
    c.DiscardFile: files.discard_file,
    c.GetDirect: direct.get_direct,
    c.ListWelcomes: delivery.list_welcomes,
    c.RemoveWelcome: delivery.remove_welcome,
    c.GetGroup: groups.get_group,
    c.UpdateGroup: groups.update_group,
    c.DeleteGroup: groups.delete_group,
    c.ListMembers: members.list_members,
    c.SetRole: roles.set_role,
    c.KickMember: members.kick_member,
    c.TransferOwnership: roles.transfer_ownership,
    c.LeaveGroup: members.leave_group,
    c.ListAudit: audit.list_audit,
    c.ListBans: bans.list_bans,
    c.BanMember: bans.ban_member,
    c.UnbanMember: bans.unban_member,
    c.ListInvites: invites.list_invites,
    c.CreateInvite: invites.create_invite,
    c.RevokeInvite: invites.revoke_invite,
    c.GetInvite: invites.get_invite,
    c.ListInviteCommits: invites.list_invite_commits,
    c.JoinGroup: invites.join_group,
}
"""Beside them: what needs no session (`entrance`), and SendMessage (the committer)."""

BEGINNINGS: Final[dict[type[c.Command], BeginningOperation]] = {
    c.CreateGroup: groups.create_group,
    c.OpenDirect: direct.open_direct,
}

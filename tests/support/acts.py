"""What can be done in a group, as commands that anybody may send.

Each `build(cast, actor)` makes the command honestly, for the actor's own person, upon the newest
state of the group; outsiders build upon the view of a member. None asks whether the actor may.
"""

import secrets
from collections.abc import Callable
from uuid import uuid4

from coterie.governance import makers
from coterie.governance.signatures import new_key
from coterie.governance.state import GroupState
from coterie.protocol import commands as c
from coterie.protocol.header import EntryKind
from coterie.protocol.links import new_code
from coterie.protocol.roles import History, Inviters, Role
from tests.support.cast import Cast
from tests.support.insider import on_the_wire

Build = Callable[[Cast, str], c.Command]


def commit(cast: Cast, actor: str, state: GroupState, *removed: str) -> c.Commit:
    """To this state, without the leaves of these people."""
    keys = [cast.insiders[part].key for part in removed]
    return on_the_wire(cast.builder(actor).pending(cast.group_id, state=state, removes=keys))


def state(cast: Cast, actor: str) -> GroupState:
    return cast.builder(actor).state(cast.group_id)


def entry(cast: Cast, actor: str, kind: EntryKind, target: bytes = bytes(32)) -> bytes:
    view = cast.builder(actor).view(cast.group_id)
    return cast.insiders[actor].seal(
        cast.group_id, "words", kind=kind, target=target, edit_no=1, view=view
    )


def read(command: Callable[..., c.Command]) -> Build:
    return lambda cast, _: command(conversation_id=cast.group_id)


def mark_read(cast: Cast, _: str) -> c.Command:
    return c.MarkRead(conversation_id=cast.group_id, seq=1)


def show_typing(cast: Cast, _: str) -> c.Command:
    return c.ShowTyping(conversation_id=cast.group_id)


def look(command: Callable[..., c.Command]) -> Build:
    return lambda cast, _: command(group_id=cast.group_id)


def send(cast: Cast, actor: str) -> c.SendMessage:
    return c.SendMessage(conversation_id=cast.group_id, entry=entry(cast, actor, EntryKind.MESSAGE))


def reply(cast: Cast, actor: str) -> c.Command:
    return c.SendMessage(
        conversation_id=cast.group_id,
        entry=entry(cast, actor, EntryKind.MESSAGE, cast.said["owner"]),
    )


def edit_own(cast: Cast, actor: str) -> c.Command:
    return edit(cast.said.get(actor, cast.said["member"]))(cast, actor)


def react(cast: Cast, actor: str) -> c.Command:
    made = cast.insiders[actor].react(
        cast.group_id, cast.said["owner"], "👍", view=cast.builder(actor).view(cast.group_id)
    )
    return c.ReactToMessage(conversation_id=cast.group_id, entry=made)


def pin(cast: Cast, actor: str) -> c.Command:
    made = entry(cast, actor, EntryKind.PIN, cast.said["owner"])
    return c.PinMessage(conversation_id=cast.group_id, entry=made, pin_no=1, pinned=True)


def upload(cast: Cast, _: str) -> c.Command:
    return c.ReserveFile(
        conversation_id=cast.group_id,
        file_id=uuid4(),
        filename="bmFtZQ",
        size_bytes=1000,
        encryption_header=bytes(24),
    )


def publish_group_info(cast: Cast, actor: str) -> c.Command:
    group = cast.builder(actor).group(cast.group_id)
    return c.PublishGroupInfo(
        conversation_id=cast.group_id,
        epoch=group.epoch,
        group_info=group.group_info(with_tree=False),
    )


def update_leaf(cast: Cast, actor: str) -> c.Command:
    return c.AdvanceEpoch(
        conversation_id=cast.group_id, commit=commit(cast, actor, state(cast, actor))
    )


def invite(cast: Cast, actor: str) -> c.CreateInvite:
    _, key = new_key()
    proposed = makers.with_invite(state(cast, actor), key, cast.builder(actor).key)
    return c.CreateInvite(
        group_id=cast.group_id,
        code=new_code(),
        invite_key=key,
        sealed_anchor=secrets.token_bytes(150),
        commit=commit(cast, actor, proposed),
    )


def describe(cast: Cast, _: str) -> c.Command:
    return c.UpdateGroup(group_id=cast.group_id, description="new")


def set_slow_mode(cast: Cast, _: str) -> c.Command:
    return c.UpdateGroup(group_id=cast.group_id, slow_mode_seconds=0)


def rename(cast: Cast, actor: str) -> c.Command:
    name = f"named by {actor}"
    proposed = makers.with_name(state(cast, actor), name)
    return c.UpdateGroup(group_id=cast.group_id, name=name, commit=commit(cast, actor, proposed))


def set_inviters(cast: Cast, actor: str) -> c.Command:
    proposed = makers.with_policy(state(cast, actor), inviters=Inviters.MEMBERS)
    return c.UpdateGroup(
        group_id=cast.group_id, inviters=Inviters.MEMBERS, commit=commit(cast, actor, proposed)
    )


def set_history(cast: Cast, actor: str) -> c.Command:
    proposed = makers.with_policy(state(cast, actor), history=History.ALL)
    return c.UpdateGroup(
        group_id=cast.group_id, history=History.ALL, commit=commit(cast, actor, proposed)
    )


def kick(cast: Cast, actor: str) -> c.Command:
    return c.KickMember(
        group_id=cast.group_id,
        user_id=cast.user_id("target"),
        commit=commit(cast, actor, state(cast, actor), "target"),
    )


def ban(cast: Cast, actor: str) -> c.Command:
    rank = state(cast, actor).rank_of(cast.builder(actor).key)
    proposed = makers.with_ban(state(cast, actor), cast.target.key, rank)
    return c.BanMember(
        group_id=cast.group_id,
        user_id=cast.user_id("target"),
        commit=commit(cast, actor, proposed, "target"),
    )


def set_role(role: Role) -> Build:
    def build(cast: Cast, actor: str) -> c.Command:
        epoch = cast.builder(actor).group(cast.group_id).epoch + 1
        proposed = makers.with_role(state(cast, actor), cast.target.key, role.rank, epoch)
        return c.SetRole(
            group_id=cast.group_id,
            user_id=cast.user_id("target"),
            role=role,
            commit=commit(cast, actor, proposed),
        )

    return build


def transfer(cast: Cast, actor: str) -> c.Command:
    epoch = cast.builder(actor).group(cast.group_id).epoch + 1
    proposed = makers.with_owner(state(cast, actor), cast.target.key, epoch)
    return c.TransferOwnership(
        group_id=cast.group_id,
        user_id=cast.user_id("target"),
        commit=commit(cast, actor, proposed),
    )


def unban(cast: Cast, actor: str) -> c.Command:
    proposed = makers.without_ban(state(cast, actor), cast.target.key)
    return c.UnbanMember(
        group_id=cast.group_id,
        user_id=cast.user_id("target"),
        commit=commit(cast, actor, proposed),
    )


def leave(cast: Cast, actor: str) -> c.Command:
    statement = cast.builder(actor).leave_statement(cast.group_id)
    return c.LeaveGroup(group_id=cast.group_id, statement=statement)


def edit(target: bytes) -> Build:
    return lambda cast, actor: c.EditMessage(
        conversation_id=cast.group_id, entry=entry(cast, actor, EntryKind.EDIT, target), edit_no=1
    )


def delete(target: bytes) -> Build:
    return lambda cast, actor: c.DeleteMessage(
        conversation_id=cast.group_id, entry=entry(cast, actor, EntryKind.DELETION, target)
    )


def delete_own(cast: Cast, actor: str) -> c.Command:
    return delete(cast.said.get(actor, cast.said["member"]))(cast, actor)


def revoke(link: c.CreateInvite) -> Build:
    def build(cast: Cast, actor: str) -> c.Command:
        proposed = makers.without_invites(state(cast, actor), [link.invite_key])
        return c.RevokeInvite(
            group_id=cast.group_id, code=link.code, commit=commit(cast, actor, proposed)
        )

    return build


def delete_group(name: str) -> Build:
    return lambda cast, _: c.DeleteGroup(group_id=cast.group_id, name=name)

"""Promise: nobody does what their role does not allow, and a stranger learns nothing.

The tables below are transcribed by hand from the design's table of permissions; they import nothing
that decides. Whoever may not is refused by the server and, where the act is a commit, by every
other client's `accept`; whoever may succeeds in the same test.
"""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio

from coterie.governance.accept import accept
from coterie.protocol import commands as c
from coterie.protocol.api import API
from coterie.protocol.errors import (
    CommitRefused,
    Forbidden,
    NotFound,
    OwnerMustTransfer,
    Refusal,
    Refused,
)
from coterie.protocol.header import entry_hash
from coterie.protocol.roles import Inviters, Role
from tests.support import acts
from tests.support.acts import Build
from tests.support.cast import INSIDE, OUTSIDE, Cast
from tests.support.people import World
from tests.support.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYBODY = {"owner", "admin", "moderator", "member"}
MODERATORS = {"owner", "admin", "moderator"}
ADMINS = {"owner", "admin"}
OWNER = {"owner"}

UNTARGETED: dict[str, tuple[set[str], Build]] = {
    "read the conversation": (EVERYBODY, acts.read(c.GetConversation)),
    "read entries": (EVERYBODY, acts.read(c.ListEntries)),
    "mark as read": (EVERYBODY, acts.mark_read),
    "show that one types": (EVERYBODY, acts.show_typing),
    "read commits": (EVERYBODY, acts.read(c.ListCommits)),
    "read the anchor": (EVERYBODY, acts.read(c.GetAnchor)),
    "read the GroupInfo": (EVERYBODY, acts.read(c.GetGroupInfo)),
    "see the group": (EVERYBODY, acts.look(c.GetGroup)),
    "see members": (EVERYBODY, acts.look(c.ListMembers)),
    "send": (EVERYBODY, acts.send),
    "reply": (EVERYBODY, acts.reply),
    "react": (EVERYBODY, acts.react),
    "pin": (MODERATORS, acts.pin),
    "upload": (EVERYBODY, acts.upload),
    "edit one's own": (EVERYBODY, acts.edit_own),
    "publish a GroupInfo": (EVERYBODY, acts.publish_group_info),
    "update one's leaf": (EVERYBODY, acts.update_leaf),
    "create a link": (MODERATORS, acts.invite),
    "list links": (EVERYBODY, acts.look(c.ListInvites)),
    "see bans": (MODERATORS, acts.look(c.ListBans)),
    "see the audit log": (MODERATORS, acts.look(c.ListAudit)),
    "change the description": (ADMINS, acts.describe),
    "change slow mode": (ADMINS, acts.set_slow_mode),
    "change the name": (ADMINS, acts.rename),
    "change the history policy": (OWNER, acts.set_history),
    "change who may invite": (OWNER, acts.set_inviters),
}
"""Acts upon nobody: who may."""

ABOVE = {
    "admin": {"owner"},
    "moderator": {"owner", "admin"},
    "member": {"owner", "admin", "moderator"},
}
"""Kick, ban, delete another's message: who may, by the role of whom it is done to."""

ROLES_GIVEN = {
    ("admin", "moderator"): {"owner"},
    ("admin", "member"): {"owner"},
    ("moderator", "admin"): {"owner"},
    ("moderator", "member"): {"owner", "admin"},
    ("member", "admin"): {"owner"},
    ("member", "moderator"): {"owner", "admin"},
}
"""Give or take a role: who may, by the role held and the role given."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    folder = tmp_path_factory.mktemp("people")
    async with World(server.url, folder) as world:
        cast = Cast(world)
        await cast.assemble()
        yield cast


async def refused(cast: Cast, actor: str, build: Build) -> Refusal:
    command = build(cast, actor)
    answer = await cast.ask(actor, command)
    assert isinstance(answer, Refusal), f"{actor} may {type(command).__name__}: {answer}"
    return answer


async def succeeded(cast: Cast, actor: str, build: Build) -> c.Command:
    command = build(cast, actor)
    answer = await cast.ask(actor, command)
    assert not isinstance(answer, Refusal), f"{actor} {type(command).__name__}: {answer!r}"
    await cast.sync()
    return command


async def check_others_refused(cast: Cast, may: Iterable[str], build: Build) -> None:
    """Outsiders are told that there is nothing; insiders that their role does not allow it."""
    for actor in [*OUTSIDE, *INSIDE]:
        if actor in may:
            continue
        refusal = await refused(cast, actor, build)
        expected = NotFound if actor in OUTSIDE else Forbidden
        assert isinstance(refusal, expected), f"{actor}: {refusal!r}"
        if actor in INSIDE:
            check_clients_refuse(cast, build(cast, actor))


def check_clients_refuse(cast: Cast, command: c.Command) -> None:
    """If the server had let it pass: the other clients would not."""
    commit: c.Commit | None = getattr(command, "commit", None)
    if commit is None:
        return
    public = cast.insiders["owner"].group(cast.group_id).public
    with pytest.raises(Refused) as no:
        accept(public, commit.content)
    assert isinstance(no.value.refusal, CommitRefused)


async def check_target(cast: Cast, role: str, may: set[str], build: Build) -> None:
    """Whoever may not is refused; then each who may does it, to a target made anew."""
    await cast.make_target(role)
    await check_others_refused(cast, may, build)
    for actor in sorted(may):
        await cast.make_target(role)
        await succeeded(cast, actor, build)


@pytest.mark.parametrize("act", UNTARGETED)
async def test_who_may(cast: Cast, act: str) -> None:
    may, build = UNTARGETED[act]
    await check_others_refused(cast, may, build)
    for actor in sorted(may):
        await succeeded(cast, actor, build)


async def test_members_may_invite_where_the_owner_lets_them(cast: Cast) -> None:
    await cast.owner.update_group(cast.group, inviters=Inviters.MEMBERS)
    await cast.sync()
    await check_others_refused(cast, EVERYBODY, acts.invite)
    await succeeded(cast, "member", acts.invite)
    await cast.owner.update_group(cast.group, inviters=Inviters.MODERATORS)
    await cast.sync()
    await check_others_refused(cast, MODERATORS, acts.invite)


@pytest.mark.parametrize("role", ABOVE)
async def test_who_may_kick(cast: Cast, role: str) -> None:
    await check_target(cast, role, ABOVE[role], acts.kick)


@pytest.mark.parametrize("role", ABOVE)
async def test_who_may_ban(cast: Cast, role: str) -> None:
    await cast.make_target(role)
    await check_others_refused(cast, ABOVE[role], acts.ban)
    for actor in sorted(ABOVE[role]):
        await cast.make_target(role)
        await succeeded(cast, actor, acts.ban)
        assert isinstance(await refused(cast, "target", acts.upload), NotFound)
        await cast.owner.unban(cast.group, cast.name("target"))
        await cast.sync(INSIDE)


@pytest.mark.parametrize(("role", "given"), ROLES_GIVEN)
async def test_who_may_give_a_role(cast: Cast, role: str, given: str) -> None:
    may = ROLES_GIVEN[role, given]
    await check_target(cast, role, may, acts.set_role(Role(given)))


@pytest.mark.parametrize(
    "build", [acts.kick, acts.ban, acts.set_role(Role.MEMBER)], ids=["kick", "ban", "role"]
)
async def test_nobody_acts_upon_the_owner(cast: Cast, build: Build) -> None:
    """That these same people may do it to others is shown above."""
    await cast.make_target("member")
    await cast.owner.transfer(cast.group, cast.name("target"))
    await cast.sync()
    await check_others_refused(cast, (), build)  # the owner of before is an admin meanwhile
    await cast.clients["target"].transfer(cast.group, cast.name("owner"))
    await cast.sync()


async def test_who_may_transfer(cast: Cast) -> None:
    await cast.make_target("member")
    await check_others_refused(cast, OWNER, acts.transfer)
    await succeeded(cast, "owner", acts.transfer)
    roles = {member.username: member.role for member in await cast.owner.members(cast.group)}
    assert roles[cast.name("target")] == "owner"
    assert roles[cast.name("owner")] == "admin", "the owner of before becomes admin"
    await cast.clients["target"].transfer(cast.group, cast.name("owner"))
    await cast.sync()


@pytest.mark.parametrize(
    ("banner", "may"), [("owner", OWNER), ("admin", ADMINS), ("moderator", MODERATORS)]
)
async def test_who_may_unban(cast: Cast, banner: str, may: set[str]) -> None:
    await cast.make_target("member")
    for actor in sorted(may):
        await succeeded(cast, banner, acts.ban)  # from the second on, of somebody who is no member
        await check_others_refused(cast, may, acts.unban)
        await succeeded(cast, actor, acts.unban)


@pytest.mark.parametrize("author", INSIDE)
async def test_who_may_delete_a_message(cast: Cast, author: str) -> None:
    may = {author, *ABOVE.get(author, ())}
    for actor in sorted(may):
        message = await succeeded(cast, author, acts.send)
        assert isinstance(message, c.SendMessage)
        delete = acts.delete(entry_hash(message.entry))
        await check_others_refused(cast, may, delete)
        await succeeded(cast, actor, delete)


@pytest.mark.parametrize("author", INSIDE)
async def test_only_the_author_edits_a_message(cast: Cast, author: str) -> None:
    message = await succeeded(cast, author, acts.send)
    assert isinstance(message, c.SendMessage)
    edit = acts.edit(entry_hash(message.entry))
    await check_others_refused(cast, {author}, edit)
    await succeeded(cast, author, edit)


@pytest.mark.parametrize(
    ("creator", "may"), [("owner", MODERATORS), ("member", {*MODERATORS, "member"})]
)
async def test_who_may_revoke_a_link(cast: Cast, creator: str, may: set[str]) -> None:
    await cast.owner.update_group(cast.group, inviters=Inviters.MEMBERS)
    await cast.sync()
    for actor in sorted(may):
        link = await succeeded(cast, creator, acts.invite)
        assert isinstance(link, c.CreateInvite)
        await check_others_refused(cast, may, acts.revoke(link))
        await succeeded(cast, actor, acts.revoke(link))
    await cast.owner.update_group(cast.group, inviters=Inviters.MODERATORS)
    await cast.sync()


async def test_a_member_lists_the_own_links_only(cast: Cast) -> None:
    async def creators(actor: str) -> set[object]:
        listed = await cast.insiders[actor].caller.call(c.ListInvites(group_id=cast.group_id))
        return {invite.created_by for invite in listed.invites}

    await succeeded(cast, "owner", acts.invite)
    assert await creators("member") <= {cast.user_id("member")}
    assert cast.user_id("owner") in await creators("moderator")


async def test_everybody_may_leave_and_the_owner_after_a_transfer(cast: Cast) -> None:
    await check_others_refused(cast, EVERYBODY, acts.leave)
    assert isinstance(await refused(cast, "owner", acts.leave), OwnerMustTransfer)
    for role in ("member", "moderator", "admin"):
        await cast.make_target(role)
        await cast.clients["target"].leave(cast.group)
        await cast.owner.send(cast.group, "farewell")
        await cast.sync(INSIDE)
        assert isinstance(await refused(cast, "target", acts.read(c.GetConversation)), NotFound)
    await cast.make_target("member")
    await cast.owner.transfer(cast.group, cast.name("target"))
    await cast.sync()
    await cast.owner.leave(cast.group)
    answer = await refused(cast, "owner", acts.read(c.GetConversation))
    assert isinstance(answer, NotFound), "after the transfer the old owner may go"


async def test_only_the_owner_deletes_the_group(cast: Cast) -> None:
    """Last, for it ends the cast: the owner is the target now, and the old one has left."""
    delete = acts.delete_group((await cast.clients["target"].group(cast.group)).name)
    for actor in (*OUTSIDE, *INSIDE):
        answer = await refused(cast, actor, delete)
        assert isinstance(answer, NotFound if actor in (*OUTSIDE, "owner") else Forbidden)
    answer = await cast.ask("target", delete(cast, "target"))
    assert not isinstance(answer, Refusal), answer
    answer = await refused(cast, "admin", acts.read(c.GetConversation))
    assert isinstance(answer, NotFound), "with the group everything of it is gone"


ELSEWHERE: set[type[c.Command]] = {
    # about oneself or the server, not about a group
    *(
        c.GetServer,
        c.SignUp,
        c.LogIn,
        c.LogOut,
        c.GetAccount,
        c.GetUser,
        c.ListUsers,
        c.ListConversations,
        c.ListNewEntries,
    ),
    *(c.PublishKeyPackages, c.ClaimKeyPackages, c.ListBlocks, c.BlockUser, c.UnblockUser),
    *(c.OpenDirect, c.GetDirect, c.ListWelcomes, c.RemoveWelcome, c.CreateGroup),
    c.ShowPresence,
    # by the code of a link, which strangers may hold
    *(c.GetInvite, c.ListInviteCommits, c.JoinGroup),
    # the uploader's own
    c.DiscardFile,
}
"""What test_idor.py and test_races.py are about."""


WRITTEN = Path(__file__).read_text() + Path(acts.__file__).read_text()


async def test_every_command_about_a_group_is_in_the_matrix() -> None:
    for row in API:
        name = row.command.__name__
        named = f"c.{name}(" in WRITTEN or f"(c.{name})" in WRITTEN
        assert named != (row.command in ELSEWHERE), name

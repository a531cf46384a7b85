"""Promise: an id opens nothing. Objects of conversations that are not one's own do not exist.

The intruder is no nobody: he has an account, a group of his own and a device in it. He names the
objects of others, whole and one id at a time among his own; each time the rightful person then
succeeds with the same request.
"""

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from coterie.governance import makers
from coterie.protocol import commands as c
from coterie.protocol.api import API
from coterie.protocol.codec import REFUSAL_DECODER
from coterie.protocol.errors import Malformed, NotFound, Refusal, Taken
from coterie.protocol.header import EntryKind, entry_hash
from coterie.protocol.roles import Role
from tests.support import acts
from tests.support.acts import Build
from tests.support.cast import Cast
from tests.support.people import World
from tests.support.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Scene(Cast):
    """The cast, a direct conversation of owner and member, a file, and the intruder's own group."""

    intruders_group: UUID
    direct: Cast
    attached: UUID
    """A file that was sent to the group."""

    async def prepare(self, folder: Path) -> None:
        await self.assemble()
        intruder, owner, member = (self.clients[p] for p in ("stranger", "owner", "member"))
        self.intruders_group = UUID(await self.world.group(intruder, name="elsewhere"))
        self.attached = await self._send_file(folder)
        await owner.send(f"@{member.username}", "between us")
        await self.sync()
        peer = c.GetDirect(peer_id=member.user_id)
        conversation = await self.insiders["owner"].caller.call(peer)
        self.direct = copy.copy(self)
        self.direct.group, self.direct.said = str(conversation.conversation_id), {}
        await self.direct.say("owner")
        await self.direct.say("member")

    async def _send_file(self, folder: Path) -> UUID:
        path = folder / "minutes.txt"
        path.write_text("the minutes")
        sent = await self.owner.send(self.group, "see the file", files=[path])
        messages = await self.owner.read(self.group)
        (file,) = next(m.files for m in messages if m.message_id == sent.message_id)
        return file.file_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("people")
    async with World(server.url, folder) as world:
        scene = Scene(world)
        await scene.prepare(folder)
        yield scene


async def ask(cast: Cast, actor: str, command: c.Command) -> object:
    return await cast.ask(actor, command)


async def check(cast: Cast, rightful: str, build: Build) -> None:
    """Not found for the intruder; done for who has it."""
    refused = await ask(cast, "stranger", build(cast, "stranger"))
    assert isinstance(refused, NotFound), refused
    done = await ask(cast, rightful, build(cast, rightful))
    assert not isinstance(done, Refusal), done
    await cast.sync()


# Whole requests about what belongs to others ------------------------------------------------------

IN_A_CONVERSATION: dict[type[c.Command], Build] = {
    c.GetConversation: acts.read(c.GetConversation),
    c.ListEntries: acts.read(c.ListEntries),
    c.MarkRead: acts.mark_read,
    c.ShowTyping: acts.show_typing,
    c.GetAnchor: acts.read(c.GetAnchor),
    c.ListCommits: acts.read(c.ListCommits),
    c.GetGroupInfo: acts.read(c.GetGroupInfo),
    c.PublishGroupInfo: acts.publish_group_info,
    c.SendMessage: acts.send,
    c.EditMessage: acts.edit_own,
    c.ReactToMessage: acts.react,
    c.PinMessage: acts.pin,
    c.DeleteMessage: acts.delete_own,
    c.ReserveFile: acts.upload,
    c.AdvanceEpoch: acts.update_leaf,
}

IN_A_GROUP: dict[type[c.Command], Build] = {
    c.GetGroup: acts.look(c.GetGroup),
    c.ListMembers: acts.look(c.ListMembers),
    c.ListBans: acts.look(c.ListBans),
    c.ListAudit: acts.look(c.ListAudit),
    c.ListInvites: acts.look(c.ListInvites),
    c.UpdateGroup: acts.describe,
    c.CreateInvite: acts.invite,
    c.SetRole: acts.set_role(Role.MODERATOR),
    c.KickMember: acts.kick,
    c.BanMember: acts.ban,
    c.UnbanMember: acts.unban,
}


@pytest.mark.parametrize("command", IN_A_CONVERSATION, ids=lambda command: command.__name__)
async def test_of_a_group_and_of_a_direct_conversation(
    scene: Scene, command: type[c.Command]
) -> None:
    await check(scene, "owner", IN_A_CONVERSATION[command])
    await check(scene.direct, "member", IN_A_CONVERSATION[command])


@pytest.mark.parametrize("command", IN_A_GROUP, ids=lambda command: command.__name__)
async def test_of_a_group(scene: Scene, command: type[c.Command]) -> None:
    await check(scene, "owner", IN_A_GROUP[command])


async def test_a_link_of_a_group(scene: Scene) -> None:
    made = acts.invite(scene, "owner")
    assert not isinstance(await ask(scene, "owner", made), Refusal)
    await scene.sync()
    await check(scene, "owner", acts.revoke(made))


async def test_a_direct_conversation_by_its_peer(scene: Scene) -> None:
    def get_direct(cast: Cast, _: str) -> c.Command:
        return c.GetDirect(peer_id=cast.user_id("member"))

    await check(scene, "owner", get_direct)


async def test_a_code_that_is_none(scene: Scene) -> None:
    """A code is what opens: whoever has it may look. One that is not a code's finds nothing."""
    invite = await scene.owner.create_invite(scene.group, max_uses=None)
    for command in (c.GetInvite(code=invite.code), c.ListInviteCommits(code=invite.code, epoch=99)):
        wrong = msgspec.structs.replace(command, code=invite.code[::-1])
        assert isinstance(await ask(scene, "stranger", wrong), NotFound)
    found = await ask(scene, "stranger", c.GetInvite(code=invite.code))
    assert isinstance(found, c.InviteDetails)
    commit = acts.commit(scene, "member", acts.state(scene, "member"))
    wrong = c.JoinGroup(code=invite.code[::-1], commit=commit)
    assert isinstance(await ask(scene, "stranger", wrong), NotFound)
    await scene.sync()


# Files --------------------------------------------------------------------------------------------


async def content(scene: Scene, actor: str, method: str, file_id: UUID, body: bytes | None) -> int:
    caller = scene.insiders[actor].caller
    status, answered = await caller.send(method, f"/files/{file_id}/content", body=body)
    if status != 200:
        assert isinstance(REFUSAL_DECODER.decode(answered), NotFound), answered
    return status


async def test_the_bytes_of_a_file(scene: Scene) -> None:
    assert await content(scene, "stranger", "GET", scene.attached, None) == 404
    assert await content(scene, "left", "GET", scene.attached, None) == 404
    assert await content(scene, "member", "GET", scene.attached, None) == 200


async def test_an_upload_that_is_not_sent_yet_is_the_uploaders_alone(scene: Scene) -> None:
    reserve = acts.upload(scene, "owner")
    assert isinstance(reserve, c.ReserveFile)
    assert not isinstance(await ask(scene, "owner", reserve), Refusal)
    body = bytes(reserve.size_bytes)
    for actor in ("stranger", "member"):
        assert await content(scene, actor, "PUT", reserve.file_id, body) == 404
    assert await content(scene, "owner", "PUT", reserve.file_id, body) == 200
    for actor in ("stranger", "member"):
        assert await content(scene, actor, "GET", reserve.file_id, None) == 404
    assert await content(scene, "owner", "GET", reserve.file_id, None) == 200
    discard = c.DiscardFile(file_id=reserve.file_id)
    for actor in ("stranger", "member"):
        assert isinstance(await ask(scene, actor, discard), NotFound)
    assert isinstance(await ask(scene, "owner", discard), c.Done)


# One foreign id among one's own -------------------------------------------------------------------


def mine(scene: Scene, kind: EntryKind, target: bytes = bytes(32)) -> bytes:
    """An entry of the intruder's own conversation."""
    return scene.insiders["stranger"].seal(
        scene.intruders_group, "mine", kind=kind, target=target, edit_no=1
    )


def foreign_messages(scene: Scene, target: bytes) -> list[c.Command]:
    here = scene.intruders_group
    react = scene.insiders["stranger"].react(here, target, "👍")
    return [
        c.SendMessage(conversation_id=here, entry=mine(scene, EntryKind.MESSAGE, target)),
        c.EditMessage(conversation_id=here, entry=mine(scene, EntryKind.EDIT, target), edit_no=1),
        c.DeleteMessage(conversation_id=here, entry=mine(scene, EntryKind.DELETION, target)),
        c.ReactToMessage(conversation_id=here, entry=react),
        c.PinMessage(
            conversation_id=here, entry=mine(scene, EntryKind.PIN, target), pin_no=1, pinned=True
        ),
    ]


async def test_a_foreign_message_as_target_in_the_own_group(scene: Scene) -> None:
    for command in foreign_messages(scene, scene.said["member"]):
        refused = await ask(scene, "stranger", command)
        assert isinstance(refused, NotFound), refused
    own = mine(scene, EntryKind.MESSAGE)
    send = c.SendMessage(conversation_id=scene.intruders_group, entry=own)
    await scene.insiders["stranger"].caller.call(send)
    edit, react, pin = (foreign_messages(scene, entry_hash(own))[n] for n in (1, 3, 4))
    for command in (edit, react, pin):
        done = await ask(scene, "stranger", command)
        assert isinstance(done, c.Accepted), done


async def test_a_foreign_file_in_a_message_of_the_own_group(scene: Scene) -> None:
    def send(file_id: UUID) -> c.Command:
        entry = mine(scene, EntryKind.MESSAGE)
        return c.SendMessage(conversation_id=scene.intruders_group, entry=entry, file_ids=[file_id])

    reserved = acts.upload(scene, "owner")
    assert isinstance(reserved, c.ReserveFile)
    await scene.insiders["owner"].caller.call(reserved)
    for file_id in (scene.attached, reserved.file_id, uuid4()):
        refused = await ask(scene, "stranger", send(file_id))
        assert isinstance(refused, NotFound), refused
    own = msgspec.structs.replace(reserved, conversation_id=scene.intruders_group, file_id=uuid4())
    await scene.insiders["stranger"].caller.call(own)
    assert await content(scene, "stranger", "PUT", own.file_id, bytes(own.size_bytes)) == 200
    sent = await ask(scene, "stranger", send(own.file_id))
    assert isinstance(sent, c.Accepted), sent


async def test_foreign_people_and_links_in_the_own_group(scene: Scene) -> None:
    """Somebody who is no member cannot be kicked, promoted or made owner; only banned."""
    here, intruder = scene.intruders_group, scene.insiders["stranger"]
    victim = scene.user_id("member")
    state = intruder.state(here)
    commit = acts.on_the_wire(intruder.pending(here, state=state))
    link = await scene.owner.create_invite(scene.group, max_uses=None)
    foreign: list[c.Command] = [
        c.KickMember(group_id=here, user_id=victim, commit=commit),
        c.SetRole(group_id=here, user_id=victim, role=Role.ADMIN, commit=commit),
        c.TransferOwnership(group_id=here, user_id=victim, commit=commit),
        c.UnbanMember(group_id=here, user_id=scene.user_id("banned"), commit=commit),
        c.RevokeInvite(group_id=here, code=link.code, commit=commit),
    ]
    for command in foreign:
        refused = await ask(scene, "stranger", command)
        assert isinstance(refused, NotFound), refused
    renamed = makers.with_name(state, "mine")
    mine = acts.on_the_wire(intruder.pending(here, state=renamed))
    update = c.UpdateGroup(group_id=here, name="mine", commit=mine)
    assert isinstance(await ask(scene, "stranger", update), c.Done)
    await scene.clients["stranger"].sync()
    await scene.sync()


async def test_an_entry_that_names_another_conversation_or_device(scene: Scene) -> None:
    """The header is signed by its device; the server takes none that contradicts the request."""
    stranger, member = scene.insiders["stranger"], scene.insiders["member"]
    entry = mine(scene, EntryKind.MESSAGE)
    elsewhere = c.SendMessage(conversation_id=scene.group_id, entry=entry)
    assert isinstance(await member.caller.ask(elsewhere), Malformed)
    borrowed = c.SendMessage(conversation_id=scene.group_id, entry=acts.send(scene, "owner").entry)
    assert isinstance(await member.caller.ask(borrowed), Malformed)
    right = c.SendMessage(conversation_id=scene.intruders_group, entry=entry)
    assert isinstance(await stranger.caller.ask(right), c.Accepted)


async def test_ids_that_are_taken(scene: Scene) -> None:
    """To draw somebody's id again gains nothing: it is taken, and stays theirs."""
    stranger = scene.insiders["stranger"]
    reserve = c.ReserveFile(
        conversation_id=scene.intruders_group,
        file_id=scene.attached,
        filename="bmFtZQ",
        size_bytes=1,
        encryption_header=bytes(24),
    )
    assert isinstance(await stranger.caller.ask(reserve), Taken | NotFound)
    assert await content(scene, "member", "GET", scene.attached, None) == 200
    group = stranger.group(scene.intruders_group)
    create = c.CreateGroup(
        group_id=scene.group_id,
        name="taken",
        anchor=c.Anchor(
            group_context=group.public.context.encoded,
            ratchet_tree=group.public.tree.encode(),
            confirmation_tag=group.public.confirmation_tag,
        ),
        group_info=group.group_info(with_tree=False),
    )
    assert isinstance(await stranger.caller.ask(create), Refusal)
    shown = await scene.insiders["owner"].caller.call(c.GetGroup(group_id=scene.group_id))
    assert shown.owner_id == scene.user_id("owner")


async def test_among_several_logs(scene: Scene) -> None:
    cursors = [c.ReadCursor(conversation_id=one) for one in (scene.group_id, scene.direct.group_id)]
    command = c.ListNewEntries(cursors=cursors)
    assert (await scene.insiders["stranger"].caller.call(command)).pages == []
    told = await scene.insiders["owner"].caller.call(command)
    assert scene.group_id in {page.conversation_id for page in told.pages}


# The ends of things, last -------------------------------------------------------------------------


async def test_leaving_handing_over_and_deleting(scene: Scene) -> None:
    await scene.make_target("member")
    await check(scene, "target", acts.leave)
    await scene.owner.sync()
    await check(scene, "owner", acts.delete_group((await scene.owner.group(scene.group)).name))


async def test_a_welcome_of_another_device(scene: Scene) -> None:
    """The intruder may forget his own Welcome, of which there is none, and nobody else's."""
    welcomed = scene.clients["moderator"]
    await scene.owner.send(f"@{welcomed.username}", "hello")
    listed = await scene.insiders["moderator"].caller.call(c.ListWelcomes())
    (welcome,) = listed.welcomes
    forget = c.RemoveWelcome(conversation_id=welcome.conversation_id)
    await ask(scene, "stranger", forget)
    assert await scene.insiders["moderator"].caller.call(c.ListWelcomes()) == listed
    none = await scene.insiders["stranger"].caller.call(c.ListWelcomes())
    assert welcome.conversation_id not in {one.conversation_id for one in none.welcomes}
    await welcomed.sync()
    messages = await welcomed.read(f"@{scene.owner.username}")
    assert [message.text for message in messages] == ["hello"]


NO_ID_OF_OTHERS: set[type[c.Command]] = {
    # name no object, or only oneself
    *(c.GetServer, c.SignUp, c.LogIn, c.LogOut, c.GetAccount, c.PublishKeyPackages),
    *(c.ListBlocks, c.ListConversations, c.ShowPresence),
    # name people, whom anybody may look up, block or write to
    *(c.GetUser, c.ListUsers, c.ClaimKeyPackages, c.BlockUser, c.UnblockUser, c.OpenDirect),
}


WRITTEN = Path(__file__).read_text()


async def test_every_endpoint_is_here() -> None:
    for row in API:
        name = row.command.__name__
        named = f"c.{name}(" in WRITTEN or f"c.{name}:" in WRITTEN
        by_act = row.command in {c.TransferOwnership, c.LeaveGroup, c.DeleteGroup}
        assert (named or by_act) != (row.command in NO_ID_OF_OTHERS), name

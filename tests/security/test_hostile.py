"""Promise: nobody, the server included, can add a person or a device to a chat unseen.

A proxy plays a server that lies, to one victim at a time, while the others talk to the honest one.
Each lie is refused with a reason of its own, and the others talk on.
"""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from coterie.governance import makers
from coterie.governance.leaves import members_of
from coterie.governance.signatures import new_key
from coterie.governance.warrants import (
    ServerStatementKind,
    sign_server_statement,
)
from coterie.mls import PendingCommit
from coterie.protocol import commands as c
from coterie.protocol.errors import CommitMismatch, CommitRefused, Forbidden
from coterie.protocol.links import InviteLink
from coterie.protocol.roles import Rank, Role
from coterie.sdk import Client
from coterie.sdk.errors import (
    GroupHalted,
    IdentityChanged,
    LogBroken,
    UntrustedGroup,
    WrongLinkSecret,
)
from coterie.sdk.link_keys import LinkKeys
from tests.support.forgeries import (
    Device,
    Injecting,
    as_if_approved,
    device_of,
    entering,
    fake_group,
    mint,
    rewriting,
)
from tests.support.insider import Insider, on_the_wire
from tests.support.people import World, join
from tests.support.proxy import Forger, Proxy, forged, forging
from tests.support.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Stage:
    """Anna's group with Chen and Mallory, who speak to the honest server; victims come by proxy."""

    anna: Client
    chen: Client
    mallory: Client
    group: str

    def __init__(self, world: World, proxy: Proxy) -> None:
        self.world = world
        self.proxy = proxy

    async def open(self) -> None:
        self.anna, self.chen, self.mallory = await self.world.people("anna", "chen", "mallory")
        self.group = await self.world.group(self.anna, [self.chen, self.mallory])
        await self.anna.sync()

    @property
    def group_id(self) -> UUID:
        return UUID(self.group)

    async def victim(self) -> Client:
        """Somebody new in the group, whose server may lie."""
        bela = await self.world.person("bela", self.proxy.url)
        await join(bela, await self.link())
        await self.anna.sync()
        return bela

    async def link(self) -> InviteLink:
        return (await self.anna.create_invite(self.group, max_uses=1)).link

    async def check_others_talk(self, *, without: Client) -> None:
        """Anna and Chen, and nobody notices anything."""
        sent = await self.anna.send(self.group, "we talk on")
        await self.chen.sync()
        (last,) = await self.chen.read(self.group, limit=1)
        assert (last.message_id, last.text, last.problem) == (sent.message_id, "we talk on", None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("people")
    async with Proxy(server.url) as proxy, World(server.url, folder) as world:
        stage = Stage(world, proxy)
        await stage.open()
        yield stage


# A commit in the log that the server should never have ordered ------------------------------------


async def check_halts(stage: Stage, bela: Client, forger: Forger, rule: str) -> None:
    """The victim stops, says by which rule, and stays so when the server is honest again."""
    async with forged(stage.proxy, forger):
        with pytest.raises(GroupHalted) as halted:
            await bela.send(stage.group, "to whom?")
    assert f"({rule}:" in str(halted.value)
    with pytest.raises(GroupHalted):
        await bela.send(stage.group, "still nobody")
    await stage.check_others_talk(without=bela)


async def test_a_forged_device_of_the_owner(stage: Stage) -> None:
    """F1: the server certifies a device for Anna's account under a key of its own."""
    bela = await stage.victim()
    ghost = mint(stage.anna.user_id)
    commit = entering(stage.world.insider(bela), stage.group_id, ghost).commit
    await check_halts(stage, bela, Injecting(commit, stage.anna.user_id), "device.member")


async def test_a_forged_device_with_the_owners_identity_key(stage: Stage) -> None:
    """A certificate that names Anna's true identity key needs a signature by it."""
    bela = await stage.victim()
    ghost = mint(stage.anna.user_id)
    anna = stage.world.insider(stage.anna)
    stolen = msgspec.structs.replace(ghost.certificate, identity_key=anna.key)
    await check_ghost_refused(stage, bela, ghost._replace(certificate=stolen))


async def test_a_forged_device_that_anna_approved(stage: Stage) -> None:
    """A provisional certificate, which stands in no device list, as if by Anna's own device."""
    bela = await stage.victim()
    ghost = mint(stage.anna.user_id)
    anna = stage.world.insider(stage.anna)
    await check_ghost_refused(stage, bela, as_if_approved(ghost, anna))


async def check_ghost_refused(stage: Stage, bela: Client, ghost: Device) -> None:
    commit = entering(stage.world.insider(bela), stage.group_id, ghost).commit
    await check_halts(stage, bela, Injecting(commit, stage.anna.user_id), "leaf.certificate")


async def test_a_forged_member(stage: Stage) -> None:
    """Somebody the server made up enters by a link that the server made up."""
    bela = await stage.victim()
    ghost = mint(stage.chen.user_id)
    invite_seed, _ = new_key()
    view = stage.world.insider(bela)
    commit = entering(view, stage.group_id, ghost, invite_seed=invite_seed).commit
    await check_halts(stage, bela, Injecting(commit, stage.chen.user_id), "join.member")
    bela = await stage.victim()
    stranger = await stage.world.person("stranger")
    ghost = mint(stranger.user_id)
    view = stage.world.insider(bela)
    commit = entering(view, stage.group_id, ghost, invite_seed=invite_seed).commit
    await check_halts(stage, bela, Injecting(commit, stranger.user_id), "join.invite")


async def test_a_forged_role(stage: Stage) -> None:
    """Mallory makes herself admin, and the server plays along."""
    bela = await stage.victim()
    await stage.mallory.sync()
    mallory = stage.world.insider(stage.mallory)
    state = makers.with_role(
        mallory.state(stage.group_id),
        mallory.key,
        Rank.ADMIN,
        mallory.group(stage.group_id).epoch + 1,
    )
    commit = mallory.pending(stage.group_id, state=state).commit
    await check_halts(stage, bela, Injecting(commit, stage.mallory.user_id), "role.right")


async def test_a_removal_that_the_servers_key_did_not_sign(stage: Stage) -> None:
    bela = await stage.victim()
    await stage.mallory.sync()
    mallory, anna = stage.world.insider(stage.mallory), stage.world.insider(stage.anna)
    seed, _ = new_key()
    kind = ServerStatementKind.ACCOUNT_ENDED
    statement = sign_server_statement(seed, kind, stage.group_id.bytes, anna.key)
    commit = mallory.pending(stage.group_id, removes=[anna.key], warrants=[statement]).commit
    await check_halts(stage, bela, Injecting(commit, stage.mallory.user_id), "remove.server")


async def test_an_external_commit_that_removes_the_owner(stage: Stage) -> None:
    """F7: whoever holds a link joins and takes the owner's place in one commit. The honest server
    refuses it; a hostile one that orders it is refused by everybody."""
    bela = await stage.victim()
    link = await stage.link()
    await stage.anna.sync()
    await bela.sync()
    thief = await stage.world.person("thief")
    commit = evicting(stage, stage.world.insider(bela), thief, link)
    refused = await stage.world.insider(thief).caller.ask(
        c.JoinGroup(code=link.code, commit=on_the_wire(commit))
    )
    assert isinstance(refused, CommitRefused)
    assert refused.rule == "resync.same"
    forger = Injecting(commit.commit, thief.user_id)
    await check_halts(stage, bela, forger, "resync.same")
    await join(thief, link)  # as it should be done, the same link lets the same person in
    await stage.anna.sync()


def evicting(stage: Stage, view: Insider, thief: Client, link: InviteLink) -> PendingCommit:
    group = view.group(stage.group_id)
    owner = members_of(group.public.tree)[stage.world.insider(stage.anna).key][0]
    who = device_of(stage.world.insider(thief))
    seed = LinkKeys(link.secret).signing_seed
    return entering(view, stage.group_id, who, invite_seed=seed, removes=[owner.leaf_index])


# A log that contradicts itself --------------------------------------------------------------------


def altered(entry: c.Entry) -> c.Entry:
    content = entry.content or b""
    return msgspec.structs.replace(entry, content=content[:-1] + bytes([content[-1] ^ 1]))


Change = Callable[[list[c.Entry]], list[c.Entry]]
CHANGED_LOGS: dict[str, tuple[Change, str]] = {
    "dropped": (lambda entries: entries[:1] + entries[2:], "is missing"),
    "re-ordered": (lambda entries: [entries[1], entries[0], *entries[2:]], "is missing"),
    "altered": (lambda entries: [*entries[:-1], altered(entries[-1])], "hash"),
    "cut off": (lambda entries: entries[:-1], "chain"),
}


@pytest.mark.parametrize("how", CHANGED_LOGS)
async def test_a_changed_log(stage: Stage, how: str) -> None:
    change, reason = CHANGED_LOGS[how]
    bela = await stage.victim()
    for number in range(3):
        await stage.anna.send(stage.group, f"message {number}")
    async with forged(stage.proxy, rewriting(change)):
        with pytest.raises(LogBroken, match=reason):
            await bela.read(stage.group)
    texts = [message.text for message in await bela.read(stage.group)]
    assert texts == ["message 0", "message 1", "message 2"], "from an honest server it is whole"


# What the server says beside the log --------------------------------------------------------------


async def test_a_role_in_the_list_of_members(stage: Stage) -> None:
    """What a client shows is the signed state, whatever the server's list says."""
    bela = await stage.victim()

    def promoted(page: c.Members) -> c.Members:
        members = [msgspec.structs.replace(member, role=Role.ADMIN) for member in page.members]
        return msgspec.structs.replace(page, members=members)

    async with forged(stage.proxy, forging(c.ListMembers, promoted)):
        roles = {member.username: member.role for member in await bela.members(stage.group)}
    assert roles[stage.mallory.username] is Role.MEMBER
    assert roles[stage.anna.username] is Role.OWNER
    await stage.check_others_talk(without=bela)


async def test_a_changed_identity_key(stage: Stage) -> None:
    """Bela knows Chen from the group; the server shows another identity under Chen's name."""
    bela = await stage.victim()
    await bela.read(stage.group)
    ghost = mint(stage.chen.user_id)

    def swapped(_: c.ClaimedKeyPackages) -> c.ClaimedKeyPackages:
        return c.ClaimedKeyPackages(key_packages=[], device_list=ghost.devices.encode())

    async with forged(stage.proxy, forging(c.ClaimKeyPackages, swapped)):
        with pytest.raises(IdentityChanged):
            await bela.send(f"@{stage.chen.username}", "a secret")
    with pytest.raises(IdentityChanged):
        await bela.send(stage.group, "in no conversation with Chen, until somebody looks")
    await stage.check_others_talk(without=bela)


async def test_a_false_name_at_first_contact(stage: Stage) -> None:
    """The name leads to one identity and the keys to another: one of the two is a lie."""
    bela = await stage.world.person("bela", stage.proxy.url)
    ghost = mint(stage.chen.user_id)

    def swapped(user: c.User) -> c.User:
        return msgspec.structs.replace(
            user,
            identity_key=ghost.certificate.identity_key,
            device_list=ghost.devices.encode(),
        )

    async with forged(stage.proxy, forging(c.GetUser, swapped)):
        with pytest.raises(IdentityChanged):
            await bela.send(f"@{stage.chen.username}", "a secret")


async def test_key_packages_of_somebody_else(stage: Stage) -> None:
    """At first contact the keys must be those of the identity that the name stands for."""
    bela = await stage.world.person("bela", stage.proxy.url)
    mallory = stage.world.insider(stage.mallory)
    theirs = await mallory.caller.call(c.ClaimKeyPackages(user_id=stage.mallory.user_id))

    def swapped(_: c.ClaimedKeyPackages) -> c.ClaimedKeyPackages:
        return theirs

    async with forged(stage.proxy, forging(c.ClaimKeyPackages, swapped)):
        with pytest.raises(IdentityChanged):
            await bela.send(f"@{stage.chen.username}", "a secret")
    other = await stage.world.person("other", stage.proxy.url)
    await other.send(f"@{stage.chen.username}", "hello")
    await stage.chen.sync()
    (message,) = await stage.chen.read(f"@{other.username}")
    assert message.text == "hello"


# What a joiner is shown ---------------------------------------------------------------------------


async def check_joiner_refuses(stage: Stage, link: InviteLink, forger: Forger, detail: str) -> None:
    joiner = await stage.world.person("joiner", stage.proxy.url)
    async with forged(stage.proxy, forger):
        with pytest.raises(UntrustedGroup, match=detail):
            await join(joiner, link)
    await join(joiner, link)  # honest again, the same link lets in: it was not used up
    await joiner.send(stage.group, "I am in")
    await stage.anna.sync()
    assert (await stage.anna.read(stage.group, limit=1))[0].text == "I am in"


async def test_an_old_group_info_for_a_joiner(stage: Stage) -> None:
    """The server shows the group as it was before the link was made: with somebody in it who has
    been banned since, who would read along."""
    banned = await stage.world.person("banned")
    await join(banned, await stage.link())
    await stage.anna.sync()
    old = await stage.world.insider(stage.anna).caller.call(
        c.GetGroupInfo(conversation_id=stage.group_id)
    )
    await stage.anna.ban(stage.group, banned.username)
    link = await stage.link()

    def stale(details: c.InviteDetails) -> c.InviteDetails:
        return msgspec.structs.replace(details, group_infos=old)

    await check_joiner_refuses(stage, link, forging(c.GetInvite, stale), "as it was before")


async def test_a_group_of_the_same_id_with_fake_members(stage: Stage) -> None:
    """F2: the server builds a group of its own under the group's id, and shows it instead."""
    link = await stage.link()
    anna = stage.world.insider(stage.anna)
    fake = fake_group(stage.group_id, anna.state(stage.group_id), mint(stage.anna.user_id))

    def substituted(details: c.InviteDetails) -> c.InviteDetails:
        infos = c.GroupInfos(
            epoch=0,
            seq=details.group_infos.seq,
            group_infos=[fake.group_info(with_tree=False)],
            ratchet_tree=fake.public.tree.encode(),
        )
        anchor = c.Anchor(
            group_context=fake.public.context.encoded,
            ratchet_tree=fake.public.tree.encode(),
            confirmation_tag=fake.public.confirmation_tag,
        )
        return msgspec.structs.replace(details, anchor=anchor, anchor_epoch=0, group_infos=infos)

    await check_joiner_refuses(stage, link, forging(c.GetInvite, substituted), "anchor.context")


async def test_a_wrong_secret_uses_nothing_up(stage: Stage) -> None:
    """Neither does the server learn the secret, nor can it be guessed at its cost."""
    link = await stage.link()
    joiner = await stage.world.person("joiner")
    wrong = msgspec.structs.replace(link, secret=bytes(32))
    with pytest.raises(WrongLinkSecret):
        await join(joiner, wrong)
    await join(joiner, link)
    await stage.anna.sync()


# What a member with a client of his own making sends ----------------------------------------------


async def test_the_command_says_one_thing_and_the_commit_does_another(stage: Stage) -> None:
    """\"Ban Chen\", says the command; the commit removes Bela. The server believes neither."""
    bela = await stage.victim()
    await stage.chen.sync()
    anna = stage.world.insider(stage.anna)
    chen, victim = stage.world.insider(stage.chen), stage.world.insider(bela)
    state = anna.state(stage.group_id)
    banning = makers.with_ban(state, victim.key, Rank.OWNER)
    commit = on_the_wire(anna.pending(stage.group_id, state=banning, removes=[victim.key]))
    ban = c.BanMember(group_id=stage.group_id, user_id=chen.account.user_id, commit=commit)
    refused = await anna.caller.ask(ban)
    assert isinstance(refused, CommitMismatch), refused
    members = {member.username for member in await stage.anna.members(stage.group)}
    assert {bela.username, stage.chen.username} <= members, "nobody was banned"
    right = msgspec.structs.replace(ban, user_id=bela.user_id)
    assert isinstance(await anna.caller.ask(right), c.Ordered)
    await stage.anna.sync()
    await stage.check_others_talk(without=bela)


async def test_a_commit_under_a_command_that_needs_no_right(stage: Stage) -> None:
    """A ban dressed as an update of one's own leaf."""
    await stage.chen.sync()
    anna, chen = stage.world.insider(stage.anna), stage.world.insider(stage.chen)
    commit = on_the_wire(anna.pending(stage.group_id, removes=[chen.key]))
    dressed = c.AdvanceEpoch(conversation_id=stage.group_id, commit=commit)
    assert isinstance(await anna.caller.ask(dressed), CommitMismatch | Forbidden)
    await stage.check_others_talk(without=stage.mallory)

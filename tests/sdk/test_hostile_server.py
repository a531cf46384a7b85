"""What a lying server can show, and what a client makes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from coterie.governance.anchors import anchor_of
from coterie.governance.device_lists import first_device_list
from coterie.governance.leaves import SUITE, context_extensions
from coterie.governance.makers import first_state, with_role
from coterie.governance.signatures import hash_of, new_key
from coterie.mls import Group, suite
from coterie.protocol.chain import next_link
from coterie.protocol.commands import (
    Anchor,
    Bans,
    ClaimedKeyPackages,
    ClaimKeyPackages,
    Entries,
    Entry,
    GetAnchor,
    GetGroupInfo,
    GetInvite,
    GetUser,
    InviteDetails,
    Invites,
    LeaveGroup,
    ListBans,
    ListEntries,
    ListInvites,
    ListMembers,
    ListWelcomes,
    Member,
    Members,
    PublishGroupInfo,
    User,
)
from coterie.protocol.errors import NotFound, OwnerMustTransfer, Refused
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Rank, Role
from coterie.sdk import Client
from coterie.sdk.errors import (
    BadAnswer,
    ClientError,
    Forked,
    GroupHalted,
    IdentityChanged,
    LogBroken,
    NoKeys,
    NotFoundHere,
    UntrustedGroup,
)
from coterie.sdk.key_packages import make_key_package
from coterie.sdk.log import Log
from coterie.sdk.vault.evidence import list_evidence
from tests.sdk.people import People, gather_in, look, texts
from tests.sdk.proxy import Proxy

Liar = tuple[Proxy, str]


@pytest.fixture
async def dora(people: People, liar: Liar) -> Client:
    """Whom the server lies to; the others speak to it directly."""
    return await people.meet("dora", server=liar[1])


class AnotherLog:
    """Shows `dora` what `change` makes of each page, with a chain that fits what she has."""

    def __init__(self, record_link: tuple[int, bytes]) -> None:
        self.links = dict([record_link])

    def forgery(
        self, change: Callable[[list[Entry]], list[Entry]]
    ) -> Callable[[Entries, dict[str, str]], Entries]:
        def forge(true: Entries, _: dict[str, str]) -> Entries:
            entries = change(list(true.entries))
            if not entries:  # the story stays straight where there is nothing to tell
                return replace(true, entries=[], chain=self.links[max(self.links)])
            link = self.links[entries[0].seq - 1]
            for entry in entries:
                link = self.links[entry.seq] = next_link(link, entry.seq, entry.hash)
            return replace(true, entries=entries, chain=link)

        return forge


def head(log: Log) -> tuple[int, bytes]:
    return log.record.cursor, log.record.link


async def test_an_entry_that_is_changed_is_noticed(liar: Liar, anna: Client, dora: Client) -> None:
    club = await gather_in("club", anna, dora)
    await anna.send(club, "pay 10")

    def forge(true: Entries, _: dict[str, str]) -> Entries:
        *others, newest = true.entries
        assert newest.content is not None
        changed = newest.content[:-1] + bytes([newest.content[-1] ^ 1])
        return replace(true, entries=[*others, replace(newest, content=changed)])

    liar[0].forge(ListEntries, forge)
    with pytest.raises(LogBroken, match="hash"):
        await dora.read(club)
    liar[0].be_honest()
    assert await texts(dora, club) == ["pay 10"], "nothing of the lie was kept"


Change = Callable[[list[Entry]], list[Entry]]


def with_a_gap(entries: list[Entry]) -> list[Entry]:
    return entries[:-2] + entries[-1:]


def cut_short(entries: list[Entry]) -> list[Entry]:
    return entries[:-1]


def one_for_another(entries: list[Entry]) -> list[Entry]:
    return [*entries[:-2], replace(entries[-1], seq=entries[-2].seq)]


def one_twice(entries: list[Entry]) -> list[Entry]:
    return [*entries, replace(entries[-1], seq=entries[-1].seq + 1)]


@pytest.mark.parametrize("change", [with_a_gap, cut_short, one_for_another, one_twice])
async def test_a_log_that_contradicts_itself_is_refused(
    liar: Liar, anna: Client, dora: Client, change: Change
) -> None:
    club = await gather_in("club", anna, dora)
    for text in ("one", "two", "three"):
        await anna.send(club, text)
    liar[0].forge(ListEntries, lambda true, _: replace(true, entries=change(list(true.entries))))
    with pytest.raises(LogBroken):
        await dora.read(club)


async def test_two_histories_are_found_out_by_the_next_message(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """The server shows dora other contents of an entry, and keeps its own story straight."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    await anna.send(club, "dora must not see this")

    hidden = await look(people.homes / "dora", club, lambda log: log.record.cursor + 1)

    def change(entries: list[Entry]) -> list[Entry]:
        return [
            replace(one, content=None, hash=bytes(32)) if one.seq == hidden else one
            for one in entries
        ]

    liar[0].forge(ListEntries, other.forgery(change))
    (stub,) = await dora.read(club)
    assert (stub.text, stub.problem) == (None, "removed_by_server")
    await anna.send(club, "did you see it?")  # its head is that of anna's history
    shown = await texts(dora, club)
    assert shown == [None, "did you see it?"], "a fork is shown, not hidden"
    assert any("different history" in warning for warning in dora.pop_warnings())
    with pytest.raises(Forked):
        await dora.send(club, "no")


async def test_what_is_withheld_is_found_out_by_the_next_message(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """The server drops a message for dora and numbers the rest anew: the next one's head lies
    beyond its own place."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    hidden = (await anna.send(club, "dora must not see this")).seq
    await anna.send(club, "did you see it?")

    def change(entries: list[Entry]) -> list[Entry]:
        return [replace(one, seq=one.seq - 1) for one in entries if one.seq > hidden]

    liar[0].forge(ListEntries, other.forgery(change))
    assert await texts(dora, club) == ["did you see it?"]
    with pytest.raises(Forked, match="anna tells of a different history"):
        await dora.send(club, "see what?")


async def test_a_commit_against_the_rules_stops_the_conversation_for_good(
    people: People, liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """Bela, a plain member, makes herself admin; the server orders it, for dora alone."""
    club = await gather_in("club", anna, bela, dora)
    await dora.read(club)

    def promote_oneself(log: Log) -> bytes:
        key = log.account.identity_key
        state = with_role(log.state, key, Rank.ADMIN, log.record.epoch + 1)
        return log.group.commit(group_context_extensions=context_extensions(state)).commit

    await bela.read(club)
    commit = await look(people.homes / "bela", club, promote_oneself)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    forged = Entry(
        seq=max(other.links) + 1,
        kind=EntryKind.COMMIT,
        epoch=0,
        sender_id=bela.user_id,
        device_id=bela.device_id,
        message_id=None,
        content=commit,
        hash=hash_of(commit),
        created_at=datetime.now(UTC),
    )
    forge = other.forgery(lambda entries: [forged])
    liar[0].forge(ListEntries, lambda true, path: forge(replace(true, entries=[forged]), path))
    with pytest.raises(GroupHalted, match=r"role\."):
        await dora.send(club, "hello")
    (evidence,) = await look(
        people.homes / "dora", club, lambda log: list_evidence(log.tx, log.conversation_id)
    )
    assert evidence.commit == commit
    liar[0].be_honest()
    with pytest.raises(GroupHalted):
        await dora.send(club, "hello again")
    assert {m.username: m.role for m in await anna.members(club)}["bela"] is Role.MEMBER
    await anna.send(club, "we talk on")
    assert await texts(bela, club) == ["we talk on"]


async def test_a_member_that_the_server_made_up_is_not_shown(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    _, key = new_key()
    mallory = Member(
        user_id=uuid4(),
        username="mallory",
        identity_key=key,
        role=Role.ADMIN,
        joined_at=datetime.now(UTC),
    )

    def forge(true: Members, _: dict[str, str]) -> Members:
        promoted = [replace(one, role=Role.ADMIN) for one in true.members]
        return replace(true, members=[*promoted, mallory])

    liar[0].forge(ListMembers, forge)
    shown = {m.username: m.role for m in await dora.members(club)}
    assert shown == {"anna": Role.OWNER, "dora": Role.MEMBER}, "roles are the signed state's"
    assert any("mallory" in warning for warning in dora.pop_warnings())


async def test_who_is_unbanned_is_who_was_named(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """The server's list of bans says anna where it should say bela."""
    club = await gather_in("club", dora)
    for name in ("anna", "bela"):
        await dora.ban(club, name)

    def forge(true: Bans, _: dict[str, str]) -> Bans:
        names = [one.username for one in reversed(true.bans)]
        pairs = zip(true.bans, names, strict=True)
        return replace(true, bans=[replace(one, username=name) for one, name in pairs])

    liar[0].forge(ListBans, forge)
    await dora.unban(club, "bela")
    link = str((await dora.create_invite(club)).link)
    with pytest.raises(Refused):
        await anna.join(link)
    await bela.join(link)


@pytest.mark.parametrize("whose", ["one's own", "another's"])
async def test_a_link_is_closed_or_kept_only_under_its_true_code(
    liar: Liar, anna: Client, bela: Client, dora: Client, whose: str
) -> None:
    """The server exchanges the keys of links, so that closing one would close another."""
    club = await gather_in("club", dora, anna)
    await dora.set_role(club, "anna", Role.ADMIN)
    if whose == "one's own":
        made = [await dora.create_invite(club) for _ in range(2)]
    else:
        lasts = (timedelta(days=1), timedelta(days=2))
        made = [await anna.create_invite(club, expires_in=last) for last in lasts]

    def forge(true: Invites, _: dict[str, str]) -> Invites:
        keys = [one.invite_key for one in true.invites]
        pairs = zip(true.invites, keys[1:] + keys[:1], strict=True)
        return replace(true, invites=[replace(one, invite_key=key) for one, key in pairs])

    leaked, good = (one.code for one in made)
    liar[0].forge(ListInvites, forge)
    with pytest.raises(NotFoundHere):
        await dora.revoke_invite(club, leaked)
    with pytest.raises(NotFoundHere):
        await dora.ban(club, "bela", keep_invites=[good])
    assert any(leaked in warning for warning in dora.pop_warnings())
    liar[0].be_honest()
    await dora.revoke_invite(club, leaked)
    codes = {one.code for one in await dora.invites(club)}
    assert (good in codes, leaked in codes) == (True, False), "nothing else was closed"


async def test_a_changed_identity_stops_sending_everywhere_until_accepted(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    await dora.send("@anna", "hi")
    _, key = new_key()

    def forge(true: Members, _: dict[str, str]) -> Members:
        return replace(
            true,
            members=[
                replace(one, identity_key=key) if one.username == "anna" else one
                for one in true.members
            ],
        )

    liar[0].forge(ListMembers, forge)
    await dora.members(club)
    for target in (club, "@anna"):
        with pytest.raises(IdentityChanged, match="trust anna"):
            await dora.send(target, "is it you?")
    liar[0].be_honest()
    with pytest.raises(IdentityChanged):
        await dora.send(club, "still not")


async def test_a_name_that_moves_to_somebody_else_is_noticed(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """First contact pins; then the server calls bela by anna's name."""
    await dora.send("@anna", "hi")

    def forge(true: Members, _: dict[str, str]) -> Members:
        names = {bela.user_id: "anna"}
        return replace(
            true,
            members=[
                replace(one, username=names.get(one.user_id, one.username)) for one in true.members
            ],
        )

    liar[0].forge(ListMembers, forge)
    club = await gather_in("club", bela, dora)
    shown = {member.username for member in await dora.members(club)}
    assert shown == {"dora", str(bela.user_id)}, "the name stays with whom it was seen first"
    with pytest.raises(IdentityChanged):
        await dora.send(club, "who are you?")
    with pytest.raises(IdentityChanged):
        await dora.send("@anna", "and you?")
    await dora.accept_identity("anna")
    await dora.send(club, "hello, new anna")


async def test_keys_of_somebody_else_are_not_used(liar: Liar, anna: Client, dora: Client) -> None:
    """The server answers with a package of its own making, under the right name."""
    await dora.block("anna")  # a first contact, so that anna is pinned
    await dora.unblock("anna")
    seed, _ = new_key()
    device_id = uuid4()

    def forge(true: ClaimedKeyPackages, _: dict[str, str]) -> ClaimedKeyPackages:
        devices = first_device_list(seed, anna.user_id, device_id, new_key()[1], 1)
        return replace(true, device_list=devices.encode())

    liar[0].forge(ClaimKeyPackages, forge)
    with pytest.raises(IdentityChanged):
        await dora.send("@anna", "secret")
    assert await anna.groups() == []


async def test_packages_without_a_certificate_are_not_used(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    await people.meet("mallory")
    package = await _package_of(people, "mallory")
    liar[0].forge(
        ClaimKeyPackages, lambda true, _: replace(true, key_packages=[package, b"\x00" * 9])
    )
    with pytest.raises(NoKeys):
        await dora.send("@anna", "secret")


async def test_a_user_whose_device_list_is_not_theirs_is_refused(
    liar: Liar, anna: Client, dora: Client
) -> None:
    def forge(true: User, _: dict[str, str]) -> User:
        return replace(true, identity_key=new_key()[1])

    liar[0].forge(GetUser, forge)
    with pytest.raises(ClientError, match="device list"):
        await dora.send("@anna", "hi")


async def test_who_is_asked_for_by_one_name_is_told_of_by_no_other(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """Else bela would be pinned under her own name, and be whoever is asked for next."""
    devices: dict[str, User] = {}
    liar[0].forge(GetUser, lambda true, path: devices.setdefault(path["username"], true))
    await dora.block("bela")
    liar[0].forge(GetUser, lambda _, path: devices["bela"])
    with pytest.raises(BadAnswer, match="another"):
        await dora.send("@anna", "a secret")
    assert await bela.people() == await anna.people() == []
    liar[0].be_honest()
    await dora.send("@anna", "a secret")
    assert await texts(anna, "@dora") == ["a secret"]


NONSENSE = "what no protocol knows"


@pytest.mark.parametrize("told", [NotFound("conversation"), NONSENSE])
async def test_a_conversation_that_cannot_be_entered_does_not_stop_the_others(
    liar: Liar, anna: Client, bela: Client, dora: Client, told: object
) -> None:
    await anna.send("@dora", "let me in")
    await bela.send("@dora", "me too")
    asked: list[str] = []

    def forge(true: Anchor, path: dict[str, str]) -> object:
        asked.append(path["conversation_id"])
        return told if asked[-1] == asked[0] else true

    liar[0].forge(GetAnchor, forge)
    await dora.sync()
    (entered,) = await dora.requests()
    assert len(await dora.read(f"@{entered.username}")) == 1
    assert any("cannot be entered now" in warning for warning in dora.pop_warnings())
    liar[0].be_honest()
    await dora.sync()
    assert len(await dora.requests()) == 2, "its Welcome was kept for another time"


async def test_no_word_of_new_conversations_does_not_stop_those_there_are(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    await anna.send(club, "hello")
    liar[0].forge(ListWelcomes, lambda true, _: NONSENSE)
    await dora.sync()
    assert len(await dora.unread()) == 1


@pytest.mark.parametrize("of", ["nothing", "another epoch"])
async def test_a_group_info_that_is_none_is_corrected(
    people: People, liar: Liar, anna: Client, dora: Client, of: str
) -> None:
    club = await gather_in("club", anna, dora)
    old = await look(people.homes / "anna", club, lambda log: log.group.group_info(with_tree=False))
    await anna.update_group(club, name="Club")
    false = b"no GroupInfo" if of == "nothing" else old
    liar[0].forge(GetGroupInfo, lambda true, _: replace(true, group_infos=[false]))
    await dora.send(club, "hello")
    assert PublishGroupInfo in liar[0].asked
    assert await texts(anna, club) == ["hello"]


async def test_an_owner_who_may_not_leave_signs_nothing(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """A server that has the statement may say at any time that the owner is gone."""
    club = await gather_in("club", dora, anna, bela)
    for other in (anna, bela):
        with pytest.raises(Refused) as caught:
            await dora.leave(club)
        assert isinstance(caught.value.refusal, OwnerMustTransfer)
        assert LeaveGroup not in liar[0].asked
        await other.leave(club)
    await dora.leave(club)
    assert await dora.groups() == [], "those whose keys are still to be removed do not count"


async def test_an_old_group_info_lets_nobody_in(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """The state from before bela's ban, so that bela would get dora's keys."""
    club = await gather_in("club", anna, bela)
    link = str((await anna.create_invite(club)).link)
    seen: list[InviteDetails] = []
    liar[0].forge(GetInvite, lambda true, _: seen.append(true) or true)
    code = link.split("/join/")[1].split("#")[0]
    await anna.ban(club, "bela", keep_invites=[code])

    def forge(true: InviteDetails, _: dict[str, str]) -> InviteDetails:
        stale = true.anchor_epoch  # the GroupInfo of now, said to be that of the anchor
        return replace(true, group_infos=replace(true.group_infos, epoch=stale))

    liar[0].forge(GetInvite, forge)
    with pytest.raises(UntrustedGroup):
        await dora.join(link)
    liar[0].be_honest()
    await dora.join(link)


async def test_a_group_of_the_same_id_with_other_people_lets_nobody_in(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna)
    link = str((await anna.create_invite(club)).link)
    await people.meet("mallory")
    fake = await _fake_group(people, "mallory", UUID(club))

    def forge(true: InviteDetails, _: dict[str, str]) -> InviteDetails:
        infos = replace(
            true.group_infos,
            group_infos=[fake.group_info(with_tree=False)],
            ratchet_tree=fake.public.tree.encode(),
            epoch=0,
        )
        return replace(true, anchor=anchor_of(fake.public), anchor_epoch=0, group_infos=infos)

    liar[0].forge(GetInvite, forge)
    with pytest.raises(UntrustedGroup, match="anchor"):
        await dora.join(link)


async def _package_of(people: People, username: str) -> bytes:
    client = people.again(username)
    club = await client.create_group("own")
    return await look(
        people.homes / username,
        str(club.group_id),
        lambda log: make_key_package(log.account).package.encoded,
    )


async def _fake_group(people: People, username: str, group_id: UUID) -> Group:
    client = people.again(username)
    own = await client.create_group("own")

    def make(log: Log) -> Group:
        key = log.account.identity_key
        state = first_state(bytes(32), log.account.server_key, key, "club")
        package = make_key_package(log.account)
        return Group.create(suite(SUITE), group_id.bytes, package, context_extensions(state))

    return await look(people.homes / username, str(own.group_id), make)


async def test_a_contact_carries_word_of_a_fork_elsewhere(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """Nobody speaks in the club; a direct message tells that its history is another."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    await anna.send(club, "dora must not see this")

    def change(entries: list[Entry]) -> list[Entry]:
        return [replace(one, content=None, hash=bytes(32)) for one in entries]

    forge = other.forgery(change)

    def forge_club(true: Entries, path: dict[str, str]) -> Entries:
        return forge(true, path) if path["conversation_id"] == club else true

    liar[0].forge(ListEntries, forge_club)
    await dora.read(club)
    await anna.read(club)
    await anna.send("@dora", "nice weather")
    assert await texts(dora, "@anna") == ["nice weather"]
    with pytest.raises(Forked):
        await dora.send(club, "no")

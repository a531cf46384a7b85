"""A small client: people with one device, real keys and real MLS groups, over HTTP."""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiohttp import ClientSession

from coterie.governance import makers
from coterie.governance.anchors import anchor_of
from coterie.governance.certificates import certify
from coterie.governance.device_lists import DeviceList, first_device_list
from coterie.governance.leaves import (
    CAPABILITIES,
    LAST_RESORT,
    SUITE,
    context_extensions,
    members_of,
    new_seat,
    seat_extension,
    state_of,
)
from coterie.governance.signatures import new_key
from coterie.governance.state import GroupState
from coterie.governance.warrants import (
    DeviceListItem,
    LeaveStatement,
    Warrant,
    encode_warrants,
    sign_join,
    sign_leave,
)
from coterie.mls import (
    Group,
    KeyPackage,
    KeyPackageSecrets,
    MissingSecret,
    PendingCommit,
    new_key_package,
    suite,
)
from coterie.protocol import commands as c
from coterie.protocol.api import BY_COMMAND, PREFIX
from coterie.protocol.codec import REFUSAL_DECODER
from coterie.protocol.errors import Refusal, Refused
from coterie.protocol.header import (
    NO_TARGET,
    EntryKind,
    Header,
    ReactionOp,
    ReactionTail,
    entry_hash,
)
from coterie.protocol.links import new_code
from coterie.protocol.roles import History, Inviters, Rank, Role

MLS_SUITE = suite(SUITE)
PASSWORD = "correct horse battery staple"
DAYS = 86_400


def milliseconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1000)


async def ask(http: ClientSession, command: c.Command, token: str | None = None) -> Any:
    """The result of a command. Raises Refused as the server said it."""
    endpoint = BY_COMMAND[type(command)]
    fields = {k: v for k, v in msgspec.to_builtins(command).items() if v is not None}
    path = PREFIX + endpoint.path
    for name in [name for name in fields if f"{{{name}}}" in path]:
        path = path.replace(f"{{{name}}}", str(fields.pop(name)))
    in_query = endpoint.method in ("GET", "DELETE")
    async with http.request(
        endpoint.method,
        path,
        params=fields if in_query else None,
        json=None if in_query else fields,
        headers={"Authorization": f"Bearer {token}"} if token else {},
    ) as response:
        body = await response.read()
    if response.status != 200:
        refusal = REFUSAL_DECODER.decode(body)
        assert response.status == refusal.status, "a refusal comes with its own status"
        raise Refused(refusal)
    return msgspec.json.decode(body, type=endpoint.result)


async def outcome(asked: Awaitable[object]) -> object:
    """What is answered, or how it is refused."""
    try:
        return await asked
    except Refused as no:
        return no.refusal


async def refusal(asked: Awaitable[object]) -> Refusal:
    """How something is refused, which it has to be."""
    answer = await outcome(asked)
    assert isinstance(answer, Refusal), f"it was not refused, but answered {answer}"
    return answer


@dataclass(frozen=True)
class Link:
    code: str
    seed: bytes = field(repr=False)
    key: bytes


@dataclass(frozen=True)
class Proposal:
    """A command with the commit it carries, not yet sent."""

    command: c.Command
    pending: PendingCommit


@dataclass(frozen=True)
class Said:
    """An entry that was accepted."""

    entry: bytes = field(repr=False)
    accepted: c.Accepted

    @property
    def hash(self) -> bytes:
        return entry_hash(self.entry)


class Person:
    """An account with one device. `groups` are its own side of its conversations."""

    def __init__(self, http: ClientSession, name: str) -> None:
        self.http = http
        self.username = f"{name}-{secrets.token_hex(4)}"
        self.user_id, self.device_id = uuid4(), uuid4()
        self.identity_seed, self.key = new_key()
        self.seed, self.device_key = new_key()
        self.token: str | None = None
        self.groups: dict[UUID, Group] = {}
        self.packages: dict[bytes, KeyPackageSecrets] = {}
        self.certify()

    def certify(self) -> None:
        """Write certificate and device list for the ids and keys as they are."""
        who = self.identity_seed, self.user_id, self.device_id, self.device_key
        now = int(time.time() * 1000)
        self.certificate = certify(*who, now)
        self.devices = first_device_list(*who, now)

    def __repr__(self) -> str:
        return f"Person({self.username})"

    async def ask(self, command: c.Command) -> Any:
        return await ask(self.http, command, self.token)

    # --- the account

    def sign_up_command(self, **changes: Any) -> c.SignUp:
        fields: dict[str, Any] = {
            "username": self.username,
            "password": PASSWORD,
            "user_id": self.user_id,
            "device_id": self.device_id,
            "certificate": self.certificate.encode(),
            "device_key": self.device_key,
            "sealed_identity": secrets.token_bytes(72),
            "device_list": self.devices.encode(),
        }
        return c.SignUp(**(fields | changes))

    async def sign_up(self) -> "Person":
        session = await self.ask(self.sign_up_command())
        self.token = session.token
        return self

    # --- key packages

    def package(
        self, *, last_resort: bool = False, days: float = 30, not_before: int | None = None
    ) -> KeyPackageSecrets:
        start = int(time.time()) - 60 if not_before is None else not_before
        made = new_key_package(
            MLS_SUITE,
            self.certificate.encode(),
            self.seed,
            capabilities=CAPABILITIES,
            lifetime=(start, start + int(days * DAYS)),
            leaf_extensions=[seat_extension(new_seat())],
            extensions=[(LAST_RESORT, b"")] if last_resort else [],
        )
        self.packages[made.package.encoded] = made
        return made

    async def publish(self, count: int = 1) -> c.KeyPackageCount:
        return await self.ask(
            c.PublishKeyPackages(
                key_packages=[self.package().package.encoded for _ in range(count)],
                last_resort=self.package(last_resort=True).package.encoded,
            )
        )

    # --- reading one's own side

    def group(self, group_id: UUID) -> Group:
        return self.groups[group_id]

    def state(self, group_id: UUID) -> GroupState:
        return state_of(self.group(group_id).public)

    def leaves_of(self, group_id: UUID, *people: "Person") -> list[int]:
        members = members_of(self.group(group_id).public.tree)
        return [seat.leaf_index for person in people for seat in members.get(person.key, [])]

    def seats(self, group_id: UUID) -> list[bytes]:
        return [seat.seat for seat in members_of(self.group(group_id).public.tree)[self.key]]

    async def catch_up(self, group_id: UUID) -> None:
        """Process the commits made since."""
        more = True
        while more:
            epoch = self.group(group_id).epoch
            page = await self.ask(c.ListCommits(conversation_id=group_id, epoch=epoch))
            for commit in page.commits:
                self.groups[group_id] = self.group(group_id).process(commit)
            more = page.more

    # --- commits

    def commit(
        self,
        group_id: UUID,
        *,
        state: GroupState | None = None,
        removes: Sequence[int] = (),
        warrants: Iterable[Warrant] = (),
    ) -> PendingCommit:
        """Upon one's own newest epoch; nothing asked for is an update of one's own leaf."""
        group = self.group(group_id)
        proposed = state_of(group.public) if state is None else state
        extensions = makers.extensions_for(group.public, proposed, removes)
        return group.commit(
            removes=removes,
            group_context_extensions=extensions,
            authenticated_data=encode_warrants(warrants),
            force_path=True,
        )

    async def send_commit(self, proposal: Proposal) -> Any:
        """Send the command and, once it is ordered, adopt its commit."""
        answer = await self.ask(proposal.command)
        self.adopt(proposal.pending)
        return answer

    def adopt(self, pending: PendingCommit) -> None:
        self.groups[UUID(bytes=pending.group.group_id)] = pending.group

    # --- groups

    async def server_key(self) -> bytes:
        return (await self.ask(c.GetServer())).server_key

    async def creation(self, name: str = "Garden", **changes: Any) -> tuple[c.CreateGroup, Group]:
        group_id = uuid4()
        state = makers.first_state(secrets.token_bytes(32), await self.server_key(), self.key, name)
        group = Group.create(MLS_SUITE, group_id.bytes, self.package(), context_extensions(state))
        fields: dict[str, Any] = {
            "group_id": group_id,
            "name": name,
            "anchor": anchor_of(group.public),
            "group_info": group.group_info(with_tree=False),
        }
        return c.CreateGroup(**(fields | changes)), group

    async def create_group(self, name: str = "Garden") -> UUID:
        command, group = await self.creation(name)
        await self.ask(command)
        self.groups[command.group_id] = group
        return command.group_id

    def invitation(
        self,
        group_id: UUID,
        *,
        max_uses: int | None = None,
        expires_at: datetime | None = None,
        closing: Sequence[bytes] = (),
    ) -> tuple[Link, Proposal]:
        seed, key = new_key()
        link = Link(new_code(), seed, key)
        state = makers.without_invites(self.state(group_id), closing)
        state = makers.with_invite(state, key, self.key, milliseconds(expires_at))
        pending = self.commit(group_id, state=state)
        command = c.CreateInvite(
            group_id=group_id,
            code=link.code,
            invite_key=key,
            sealed_anchor=secrets.token_bytes(177),
            expires_at=expires_at,
            max_uses=max_uses,
            commit=packed(pending),
        )
        return link, Proposal(command, pending)

    async def invite(self, group_id: UUID, **choices: Any) -> Link:
        link, proposal = self.invitation(group_id, **choices)
        await self.send_commit(proposal)
        return link

    async def entry(
        self, link: Link, *, proven_by: bytes | None = None, removes: Sequence[int] = ()
    ) -> Proposal:
        """A join by a link, verified by nothing: that is the SDK's."""
        details = await self.ask(c.GetInvite(code=link.code))
        return self.entry_upon(link, details, proven_by=proven_by, removes=removes)

    def entry_upon(
        self,
        link: Link,
        details: c.InviteDetails,
        *,
        proven_by: bytes | None = None,
        removes: Sequence[int] = (),
    ) -> Proposal:
        seed = link.seed if proven_by is None else proven_by
        infos = details.group_infos

        def warrants(context: Any) -> bytes:
            proof = sign_join(seed, context.encoded, self.certificate, self.device_key)
            return encode_warrants([] if removes else [proof, DeviceListItem(self.devices)])

        pending = Group.join_externally(
            infos.group_infos[-1],
            self.certificate.encode(),
            self.seed,
            capabilities=CAPABILITIES,
            leaf_extensions=[seat_extension(new_seat())],
            authenticated_data=warrants,
            removes=removes,
            ratchet_tree=infos.ratchet_tree,
        )
        command = c.JoinGroup(code=link.code, commit=packed(pending))
        return Proposal(command, pending)

    async def join(self, link: Link) -> c.Ordered:
        return await self.send_commit(await self.entry(link))

    # --- what a member does to others; each gives the command and its commit

    def role_change(self, group_id: UUID, person: "Person", role: Role) -> Proposal:
        epoch = self.group(group_id).epoch + 1
        state = makers.with_role(self.state(group_id), person.key, role.rank, epoch)
        pending = self.commit(group_id, state=state)
        return Proposal(
            c.SetRole(group_id=group_id, user_id=person.user_id, role=role, commit=packed(pending)),
            pending,
        )

    def handover(self, group_id: UUID, person: "Person") -> Proposal:
        epoch = self.group(group_id).epoch + 1
        state = makers.with_owner(self.state(group_id), person.key, epoch)
        pending = self.commit(group_id, state=state)
        return Proposal(
            c.TransferOwnership(group_id=group_id, user_id=person.user_id, commit=packed(pending)),
            pending,
        )

    def kick(self, group_id: UUID, person: "Person") -> Proposal:
        pending = self.commit(group_id, removes=self.leaves_of(group_id, person))
        return Proposal(
            c.KickMember(group_id=group_id, user_id=person.user_id, commit=packed(pending)),
            pending,
        )

    def ban(
        self,
        group_id: UUID,
        person: "Person",
        *,
        reason: str | None = None,
        keep: Iterable[bytes] = (),
    ) -> Proposal:
        state = self.state(group_id)
        banned = makers.with_ban(state, person.key, state.rank_of(self.key), keep)
        leaves = self.leaves_of(group_id, person)
        pending = self.commit(group_id, state=banned, removes=leaves)
        return Proposal(
            c.BanMember(
                group_id=group_id, user_id=person.user_id, reason=reason, commit=packed(pending)
            ),
            pending,
        )

    def unban(self, group_id: UUID, person: "Person") -> Proposal:
        pending = self.commit(group_id, state=makers.without_ban(self.state(group_id), person.key))
        return Proposal(
            c.UnbanMember(group_id=group_id, user_id=person.user_id, commit=packed(pending)),
            pending,
        )

    def revocation(self, group_id: UUID, link: Link) -> Proposal:
        state = makers.without_invites(self.state(group_id), [link.key])
        pending = self.commit(group_id, state=state)
        return Proposal(
            c.RevokeInvite(group_id=group_id, code=link.code, commit=packed(pending)), pending
        )

    def change(
        self,
        group_id: UUID,
        *,
        name: str | None = None,
        history: History | None = None,
        inviters: Inviters | None = None,
        description: str | None = None,
        slow_mode_seconds: int | None = None,
    ) -> Proposal:
        state = self.state(group_id)
        state = makers.with_name(state, state.name if name is None else name)
        state = makers.with_policy(state, history=history, inviters=inviters)
        pending = self.commit(group_id, state=state)
        return Proposal(
            c.UpdateGroup(
                group_id=group_id,
                name=name,
                description=description,
                history=history,
                inviters=inviters,
                slow_mode_seconds=slow_mode_seconds,
                commit=packed(pending),
            ),
            pending,
        )

    def update(self, group_id: UUID) -> Proposal:
        pending = self.commit(group_id)
        return Proposal(c.AdvanceEpoch(conversation_id=group_id, commit=packed(pending)), pending)

    # --- leaving

    def statement(self, group_id: UUID) -> bytes:
        return sign_leave(self.seed, group_id.bytes, self.seats(group_id)).encode()

    def departure(self, group_id: UUID) -> c.LeaveGroup:
        """Of a plain member without links."""
        return c.LeaveGroup(group_id=group_id, statement=self.statement(group_id))

    def departure_dropping(self, group_id: UUID) -> c.LeaveGroup:
        """Of somebody with a role or links of their own."""
        state = makers.without_own(self.state(group_id), self.key)
        pending = self.commit(group_id, state=state)
        return c.LeaveGroup(
            group_id=group_id, statement=self.statement(group_id), commit=packed(pending)
        )

    def removal_of(self, group_id: UUID, person: "Person", statement: bytes) -> Proposal:
        """Of somebody who left, by their own word."""
        pending = self.commit(
            group_id,
            removes=self.leaves_of(group_id, person),
            warrants=[LeaveStatement.decode(statement)],
        )
        return Proposal(c.AdvanceEpoch(conversation_id=group_id, commit=packed(pending)), pending)

    # --- the log

    def header(self, group_id: UUID, kind: EntryKind, target: bytes = NO_TARGET) -> Header:
        epoch = self.group(group_id).epoch
        return Header(group_id, epoch, self.device_id, uuid4(), kind, target)

    def sealed(self, group_id: UUID, kind: EntryKind, target: bytes = NO_TARGET) -> bytes:
        """An entry like any other to whoever has no key."""
        return self.header(group_id, kind, target).encode() + secrets.token_bytes(24 + 300)

    async def send(
        self, group_id: UUID, *, reply_to: Said | None = None, file_ids: Sequence[UUID] = ()
    ) -> Said:
        target = NO_TARGET if reply_to is None else reply_to.hash
        entry = self.sealed(group_id, EntryKind.MESSAGE, target)
        command = c.SendMessage(conversation_id=group_id, entry=entry, file_ids=list(file_ids))
        return Said(entry, await self.ask(command))

    def edit(self, group_id: UUID, message: Said, edit_no: int = 1) -> c.EditMessage:
        entry = self.sealed(group_id, EntryKind.EDIT, message.hash)
        return c.EditMessage(conversation_id=group_id, entry=entry, edit_no=edit_no)

    def deletion(self, group_id: UUID, message: Said) -> c.DeleteMessage:
        entry = self.sealed(group_id, EntryKind.DELETION, message.hash)
        return c.DeleteMessage(conversation_id=group_id, entry=entry)

    def pin(
        self, group_id: UUID, message: Said, *, pin_no: int = 1, pinned: bool = True
    ) -> c.PinMessage:
        entry = self.sealed(group_id, EntryKind.PIN, message.hash)
        return c.PinMessage(conversation_id=group_id, entry=entry, pin_no=pin_no, pinned=pinned)

    def reaction(
        self,
        group_id: UUID,
        message: Said,
        token: str = "t" * 32,
        *,
        op: ReactionOp = ReactionOp.ADD,
        counter: int = 1,
    ) -> c.ReactToMessage:
        tail = ReactionTail(token.encode(), op, counter, secrets.token_bytes(64))
        header = self.header(group_id, EntryKind.REACTION, message.hash)
        return c.ReactToMessage(conversation_id=group_id, entry=header.encode() + tail.encode())

    async def log(self, group_id: UUID, after: int = 0) -> list[c.Entry]:
        page = await self.ask(c.ListEntries(conversation_id=group_id, after=after))
        assert not page.more
        return page.entries

    # --- direct conversations

    async def opening(self, peer: "Person") -> tuple[c.OpenDirect, PendingCommit]:
        claimed = await self.ask(c.ClaimKeyPackages(user_id=peer.user_id))
        state = makers.first_direct_state(
            secrets.token_bytes(32), await self.server_key(), self.key, peer.key
        )
        conversation_id = uuid4()
        group = Group.create(
            MLS_SUITE, conversation_id.bytes, self.package(), context_extensions(state)
        )
        adds = [KeyPackage.decode(data) for data in claimed.key_packages]
        devices = [DeviceListItem(DeviceList.decode(claimed.device_list))] if adds else []
        pending = group.commit(adds=adds, authenticated_data=encode_warrants(devices))
        command = c.OpenDirect(
            conversation_id=conversation_id,
            peer_id=peer.user_id,
            anchor=anchor_of(group.public),
            commit=packed(pending, epoch=0),
            welcome=pending.welcome,
        )
        return command, pending

    async def open_direct(self, peer: "Person") -> UUID:
        command, pending = await self.opening(peer)
        await self.ask(command)
        self.adopt(pending)
        return command.conversation_id

    async def accept_welcomes(self) -> list[UUID]:
        """Join what one was added to, with whichever package it was."""
        found = await self.ask(c.ListWelcomes())
        for waiting in found.welcomes:
            self.groups[waiting.conversation_id] = self._welcomed(waiting)
            await self.ask(c.RemoveWelcome(conversation_id=waiting.conversation_id))
        return [waiting.conversation_id for waiting in found.welcomes]

    def _welcomed(self, waiting: c.PendingWelcome) -> Group:
        for made in self.packages.values():
            with suppress(MissingSecret):
                return Group.join(MLS_SUITE, waiting.welcome, made, waiting.ratchet_tree)
        raise AssertionError("the Welcome is for none of this person's packages")


def packed(pending: PendingCommit, epoch: int | None = None) -> c.Commit:
    """A commit as it is sent, with the GroupInfo of the epoch it makes."""
    return c.Commit(
        epoch=pending.group.epoch - 1 if epoch is None else epoch,
        content=pending.commit,
        group_info=pending.group.group_info(with_tree=False),
    )


NewPerson = Callable[[str], Awaitable[Person]]
NewGroup = Callable[..., Awaitable[tuple[UUID, list[Person]]]]


async def group_of(owner: Person, *others: tuple[Person, Role]) -> UUID:
    """A group with these people in these roles, all of them caught up."""
    group_id = await owner.create_group()
    link = await owner.invite(group_id)
    for person, _ in others:
        await person.join(link)
    await owner.catch_up(group_id)
    for person, role in others:
        if role.rank is not Rank.MEMBER:
            await owner.send_commit(owner.role_change(group_id, person, role))
    for person, _ in others:
        await person.catch_up(group_id)
    return group_id

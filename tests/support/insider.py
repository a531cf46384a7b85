"""Somebody with real keys and a client of their own making, which refuses nothing.

What a real client would not build, this builds: so it is the server, or the other clients, that
must refuse it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import aiohttp

from coterie.governance.leaves import context_extensions, members_of, state_of
from coterie.governance.makers import extensions_for
from coterie.governance.signatures import hash_of
from coterie.governance.state import GroupState
from coterie.governance.warrants import Warrant, encode_warrants, sign_leave
from coterie.mls import Extension, Group, PendingCommit
from coterie.protocol.commands import Command, Commit
from coterie.protocol.header import NO_TARGET, EntryKind, Header, ReactionOp
from coterie.sdk.content import Body, DeviceListRef, Head, content_key, seal_entry
from coterie.sdk.pending import record_of
from coterie.sdk.reactions import seal_reaction, token
from coterie.sdk.vault import Vault
from coterie.sdk.vault.accounts import get_account
from coterie.sdk.vault.conversations import get_conversation, get_group_states
from coterie.sdk.vault.pending_commits import add_pending_commit
from coterie.sdk.vault.records import AccountRecord, ConversationRecord
from tests.support.wire import Caller


class Insider:
    """Reads the profile of a real client, and speaks to the server by itself."""

    def __init__(self, home: Path, http: aiohttp.ClientSession) -> None:
        self._vault = Vault(home)
        account = self._vault.read_now(get_account)
        assert account is not None, "the profile has an account"
        self.account: AccountRecord = account
        self.caller = Caller(account.server, account.token, http)
        self._made: dict[bytes, PendingCommit] = {}

    async def close(self) -> None:
        await self._vault.close()

    @property
    def key(self) -> bytes:
        """The identity key: who this is to a group."""
        return self.account.identity_key

    # What the real client knows

    def group(self, conversation_id: UUID) -> Group:
        states = self._vault.read_now(lambda tx: get_group_states(tx, conversation_id))
        assert states is not None, "the client is in the group"
        return Group.decode(states.secret)

    def state(self, conversation_id: UUID) -> GroupState:
        return state_of(self.group(conversation_id).public)

    def record(self, conversation_id: UUID) -> ConversationRecord:
        found = self._vault.read_now(lambda tx: get_conversation(tx, conversation_id))
        assert found is not None, "the client is in the conversation"
        return found

    # Commits without any check of rights

    def pending(
        self,
        conversation_id: UUID,
        *,
        state: GroupState | None = None,
        removes: Sequence[bytes] = (),
        warrants: Iterable[Warrant] = (),
    ) -> PendingCommit:
        """To `state`, removing whoever has these identity keys."""
        group = self.group(conversation_id)
        members = members_of(group.public.tree)
        leaves = [seat.leaf_index for key in removes for seat in members.get(key, ())]
        made = group.commit(
            removes=leaves,
            group_context_extensions=_extensions(group, state, leaves),
            authenticated_data=encode_warrants(warrants),
            force_path=True,
        )
        self._made[made.commit] = made
        return made

    async def adopt(self, command: Command) -> None:
        """Let the real client know of a commit that was ordered, as if it had sent it itself."""
        commit: Commit | None = getattr(command, "commit", None)
        if commit is None:
            return
        made = self._made[commit.content]
        conversation_id = UUID(bytes=made.group.group_id)
        record = record_of(conversation_id, command, made.group, made.commit)
        await self._vault.write(lambda tx: add_pending_commit(tx, record))

    def leave_statement(self, conversation_id: UUID) -> bytes:
        members = members_of(self.group(conversation_id).public.tree)
        seats = sorted(seat.seat for seat in members[self.key])
        return sign_leave(self.account.device_seed, conversation_id.bytes, seats).encode()

    # Entries of the log

    def view(self, conversation_id: UUID) -> "View":
        group, record = self.group(conversation_id), self.record(conversation_id)
        return View(
            group.epoch,
            content_key(group, conversation_id),
            hash_of(group.public.context.encoded),
            Head(record.cursor, record.link),
        )

    def seal(
        self,
        conversation_id: UUID,
        text: str = "",
        *,
        kind: EntryKind = EntryKind.MESSAGE,
        target: bytes = NO_TARGET,
        edit_no: int = 0,
        view: "View | None" = None,
    ) -> bytes:
        """A message, edit or deletion, upon what this or another client knows of the epoch."""
        view = view or self.view(conversation_id)
        devices = DeviceListRef(1, hash_of(self.account.device_list))
        body = Body(text=text, edit_no=edit_no, head=view.head, device_list=devices)
        header = self._header(conversation_id, view, kind, target)
        return seal_entry(view.key, header, body, self.account.device_seed, view.context_hash)

    def react(
        self,
        conversation_id: UUID,
        target: bytes,
        emoji: str,
        *,
        counter: int = 1,
        view: "View | None" = None,
    ) -> bytes:
        """A reaction to a message of the present epoch."""
        view = view or self.view(conversation_id)
        return seal_reaction(
            self._header(conversation_id, view, EntryKind.REACTION, target),
            token(view.key, target, self.account.user_id, emoji),
            ReactionOp.ADD,
            counter,
            self.account.device_seed,
            view.context_hash,
        )

    def _header(
        self, conversation_id: UUID, view: "View", kind: EntryKind, target: bytes
    ) -> Header:
        device_id = self.account.device_id
        return Header(conversation_id, view.epoch, device_id, uuid4(), kind, target)


class View(NamedTuple):
    """What a client knows of a conversation's epoch, as far as entries need it."""

    epoch: int
    key: bytes
    context_hash: bytes
    head: Head


def _extensions(
    group: Group, state: GroupState | None, removes: Sequence[int]
) -> Sequence[Extension] | None:
    """Who removes settles the state as he must; who only writes it, writes it as it is."""
    if removes:
        return extensions_for(group.public, state or state_of(group.public), removes)
    return None if state is None else context_extensions(state)


def on_the_wire(pending: PendingCommit) -> Commit:
    return Commit(
        epoch=pending.group.epoch - 1,
        content=pending.commit,
        group_info=pending.group.group_info(with_tree=False),
    )

"""Groups: making, showing, changing and deleting them."""

import asyncio
from datetime import timedelta
from math import ceil
from secrets import token_bytes
from uuid import UUID, uuid4

from msgspec.structs import replace

from coterie.governance.anchors import anchor_of
from coterie.governance.leaves import SUITE, context_extensions
from coterie.governance.makers import first_state, with_name, with_policy
from coterie.governance.state import GroupState
from coterie.governance.warrants import LeaveStatement
from coterie.mls import Group as MLSGroup
from coterie.mls import suite
from coterie.protocol import commands
from coterie.protocol.commands import CreateGroup, DeleteGroup, Done, GetGroup, UpdateGroup
from coterie.protocol.roles import Inviters
from coterie.sdk.catching_up import catch_up
from coterie.sdk.commits import Proposed, change, commit
from coterie.sdk.conversations import find_group, is_current, name_of_group, sync_all
from coterie.sdk.errors import BadInput
from coterie.sdk.fields import require_text
from coterie.sdk.forks import list_forks
from coterie.sdk.key_packages import make_key_package
from coterie.sdk.log import Log
from coterie.sdk.pending import depart, finish, on_the_wire, record_of
from coterie.sdk.people import name_of
from coterie.sdk.pins import learn_names, warn_if_contested
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import list_conversations
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.pending_commits import add_pending_commit
from coterie.sdk.vault.records import ConversationRecord, Principal
from coterie.sdk.views import Group, GroupSummary


async def create_group(profile: Profile, name: str, description: str | None) -> GroupSummary:
    """A group of one, its owner."""
    _require_name(name)
    account, group_id = profile.account, uuid4()
    state = first_state(token_bytes(32), account.server_key, account.identity_key, name)
    group = MLSGroup.create(
        suite(SUITE), group_id.bytes, make_key_package(account), context_extensions(state)
    )
    command = CreateGroup(
        group_id=group_id,
        name=name,
        description=description,
        anchor=anchor_of(group.public),
        group_info=group.group_info(with_tree=False),
    )
    pending = record_of(group_id, command, group, b"", enters=True)
    await profile.vault.write(lambda tx: add_pending_commit(tx, pending))
    await finish(profile, pending)
    return GroupSummary(group_id=group_id, name=name)


async def list_groups(profile: Profile) -> list[Group]:
    """Those this person is in, by name."""
    await sync_all(profile)
    records = await profile.vault.read(list_conversations)
    groups = [record for record in records if record.peer_id is None and is_current(record)]
    shown = await asyncio.gather(*(_show(profile, record) for record in groups))
    return sorted(shown, key=lambda group: (group.name, str(group.group_id)))


async def get_group(profile: Profile, ref: str) -> Group:
    record = await find_group(profile, ref)
    shown = await _show(profile, await catch_up(profile, record.conversation_id))
    await warn_if_contested(profile, record.conversation_id)
    return shown


async def update_group(
    profile: Profile,
    ref: str,
    *,
    name: str | None,
    description: str | None,
    inviters: Inviters | None,
    slow_mode: timedelta | None,
) -> None:
    """Change what is given. Description and slow mode are the server's; the rest everybody
    verifies."""
    if name is not None:
        _require_name(name)
    group_id = (await find_group(profile, ref)).conversation_id
    seconds = None if slow_mode is None else ceil(slow_mode.total_seconds())
    beside = UpdateGroup(group_id=group_id, description=description, slow_mode_seconds=seconds)

    def build(log: Log) -> Proposed | None:
        state = log.state if name is None else with_name(log.state, name)
        pending = change(log, with_policy(state, inviters=inviters))
        if pending is None:
            return None
        command = replace(beside, name=name, inviters=inviters, commit=on_the_wire(pending))
        return Proposed(command, pending)

    in_state = name is not None or inviters is not None
    if in_state and await commit(profile, group_id, build):
        return
    if beside != UpdateGroup(group_id=group_id):
        await profile.connection.call(beside, Done)


async def delete_group(profile: Profile, ref: str) -> None:
    """For everybody, with all that was written in it."""
    record = await find_group(profile, ref)
    record = await catch_up(profile, record.conversation_id)
    group_id, name = record.conversation_id, name_of_group(record)
    await depart(profile, DeleteGroup(group_id=group_id, name=name))


async def summary(profile: Profile, group_id: UUID) -> GroupSummary:
    record = await catch_up(profile, group_id)
    await learn_names(profile, group_id)
    return GroupSummary(group_id=group_id, name=name_of_group(record))


def _require_name(name: str) -> None:
    require_text(name)
    if not name.strip():
        raise BadInput("A group has a name that can be seen.")


async def _show(profile: Profile, record: ConversationRecord) -> Group:
    group_id = record.conversation_id
    await learn_names(profile, group_id)
    told = await profile.connection.call(GetGroup(group_id=group_id), commands.Group)
    return await profile.vault.read(lambda tx: _view(tx, profile, record, told))


def _view(
    tx: Transaction, profile: Profile, record: ConversationRecord, told: commands.Group
) -> Group:
    state = GroupState.decode(record.state)
    seats = list_seats(tx, record.conversation_id)
    people = {seat.identity_key: seat.user_id for seat in seats}
    left = {LeaveStatement.decode(statement).device_key for statement in record.leavers}
    leavers = {seat.identity_key for seat in seats if seat.device_key in left}
    assert state.owner is not None, "a group has an owner"  # noqa: S101
    return Group(
        group_id=record.conversation_id,
        name=state.name,
        description=told.description,
        owner=name_of(tx, Principal(people[state.owner], state.owner)),
        role=state.rank_of(profile.account.identity_key).role,
        members=len(people.keys() - leavers),
        history=state.history,
        inviters=state.inviters,
        slow_mode=timedelta(seconds=told.slow_mode_seconds),
        created_at=told.created_at,
        forks=list_forks(tx, record),
        removed_by_server=tuple(name_of(tx, who) for who in record.removed_by_server),
    )

"""Who is who: the first principal seen under a name is pinned, and a change stops sending.

The server says who is called what; this device believes it once. Afterwards `@name` means the
pinned person, and another identity under that name, or another name's identity, is a rival that
somebody has to accept.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from coterie.protocol.commands import GetUser, ListMembers, Member, Members, User
from coterie.sdk.errors import BadAnswer, NotFoundHere
from coterie.sdk.paging import list_all
from coterie.sdk.people import name_of, note, note_identity, pin_user
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import list_conversations
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.pins import get_pin, get_pin_by_name, put_pin
from coterie.sdk.vault.records import PinRecord, Principal


async def find_person(profile: Profile, username: str) -> Principal:
    """The pinned person of this name; at first contact, whom the server names.

    Raises Refused for an unknown name.
    """
    name = username.removeprefix("@")
    pin = await profile.vault.read(lambda tx: get_pin_by_name(tx, name))
    if pin is None:
        user = await profile.connection.call(GetUser(username=name), User)
        if user.username != name:  # else the next one asked for by this name could be another
            raise BadAnswer("asked for one person, it told of another")
        pin = await profile.vault.write(lambda tx: pin_user(tx, user))
    return pin.principal


async def accept_identity(profile: Profile, username: str) -> None:
    """Take the identity seen last for the person's own: a human has checked it."""

    def work(tx: Transaction) -> None:
        pin = get_pin_by_name(tx, username.removeprefix("@"))
        if pin is None or pin.rival is None:
            raise NotFoundHere(f"The identity of {username} has not changed.")
        put_pin(tx, PinRecord(pin.username, pin.rival))
        for record in list_conversations(tx):
            for seat in list_seats(tx, record.conversation_id):
                if seat.user_id == pin.rival.user_id:
                    note_identity(tx, Principal(seat.user_id, seat.identity_key))

    await profile.vault.write(work)


async def learn_names(profile: Profile, group_id: UUID) -> None:
    """Pin the members of a group who have no name yet; ask the server only if there are any."""
    if not await profile.vault.read(lambda tx: _nameless(tx, group_id)):
        return
    told = await list_all(
        profile.connection,
        lambda after: ListMembers(group_id=group_id, after=after),
        Members,
        lambda page: page.members,
        lambda member: member.user_id,
    )
    await profile.vault.write(lambda tx: pin_members(tx, group_id, told))


async def names_of(
    profile: Profile, group_id: UUID, user_ids: Iterable[UUID]
) -> Mapping[UUID, str]:
    """The pinned names of these people; those of the group's members are learnt first."""
    await learn_names(profile, group_id)
    return await profile.vault.read(lambda tx: {one: name_of(tx, one) for one in set(user_ids)})


def _nameless(tx: Transaction, group_id: UUID) -> set[UUID]:
    seats = list_seats(tx, group_id)
    return {seat.user_id for seat in seats if get_pin(tx, seat.user_id) is None}


def pin_members(tx: Transaction, group_id: UUID, told: Iterable[Member]) -> None:
    """Names for those who sit in the group; what the server says of others counts for nothing."""
    identities = {seat.user_id: seat.identity_key for seat in list_seats(tx, group_id)}
    for member in told:
        identity = identities.get(member.user_id)
        if identity is None:
            continue
        note(tx, member.username, Principal(member.user_id, identity))
        if member.identity_key != identity:
            note(tx, member.username, Principal(member.user_id, member.identity_key))

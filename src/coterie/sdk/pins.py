"""Who is who: the first principal seen under a name is pinned, and a change stops sending.

The server says who is called what; this device believes it once. Afterwards `@name` means the
pinned person, and another identity under that name, or another name's identity, is a rival that
somebody has to accept.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec.structs import replace

from coterie.protocol.commands import (
    GetUser,
    ListMembers,
    ListUsers,
    Member,
    Members,
    User,
    Users,
)
from coterie.protocol.limits import PAGE_ROWS
from coterie.sdk.errors import (
    BadAnswer,
    BadTarget,
    IdentityChanged,
    NotFoundHere,
    WrongSafetyNumber,
)
from coterie.sdk.paging import list_all
from coterie.sdk.people import (
    claimed_name,
    is_username,
    name_of,
    note,
    pin_user,
    require_uncontested,
    seated,
)
from coterie.sdk.profile import Profile
from coterie.sdk.safety_numbers import is_same_number, safety_number
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import list_conversations
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.pins import get_pin, get_pin_by_name, put_pin
from coterie.sdk.vault.records import PinRecord, Principal
from coterie.sdk.views import SafetyNumber


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
        if pin.username != name:  # else what is meant for one would go to another one knows
            raise BadAnswer("it gives one person two names")
    return pin.principal


async def show_safety_number(profile: Profile, username: str) -> SafetyNumber:
    """Of the person whom the name means; at first contact, whom the server names."""
    await _find_other(profile, username)

    def work(tx: Transaction) -> SafetyNumber:
        pin = _pin_of(tx, username)
        return SafetyNumber(
            username=pin.username,
            number=_number(profile, pin.principal),
            verified=pin.verified,
        )

    return await profile.vault.read(work)


async def verify_identity(profile: Profile, username: str, number: str) -> None:
    """Remember that a person compared this safety number. Raises WrongSafetyNumber."""
    await _find_other(profile, username)

    def work(tx: Transaction) -> None:
        pin = _pin_of(tx, username)
        if not is_same_number(_number(profile, pin.principal), number):
            raise WrongSafetyNumber(username)
        put_pin(tx, replace(pin, verified=True))

    await profile.vault.write(work)


async def show_changed_identity(profile: Profile, username: str) -> SafetyNumber:
    """Of the other identity seen last under this name. Raises NotFoundHere where there is none."""

    def work(tx: Transaction) -> SafetyNumber:
        pin = _pin_of(tx, username)
        other = _others(tx, pin)[0]
        return SafetyNumber(username=pin.username, number=_number(profile, other))

    return await profile.vault.read(work)


async def accept_identity(profile: Profile, username: str, number: str) -> None:
    """Take the other identity with this safety number for the person's own: a human compared it.

    So it is the one that was compared, whichever the server shows by now. Raises NotFoundHere where
    this device has seen no other, WrongSafetyNumber where none of them has this number.
    """

    def work(tx: Transaction) -> None:
        pin = _pin_of(tx, username)
        for other in _others(tx, pin):
            if is_same_number(_number(profile, other), number):
                put_pin(tx, PinRecord(pin.username, other, verified=True))
                return
        raise WrongSafetyNumber(username)

    await profile.vault.write(work)


async def keep_identity(profile: Profile, username: str) -> None:
    """The identity known before is the person's, and the one seen last is not: a human has checked.

    Nothing goes to that other one; it counts as seen anew when it comes again. Raises NotFoundHere.
    """

    def work(tx: Transaction) -> None:
        pin = _pin_of(tx, username)
        if pin.rival is None:
            raise _unchanged(username)
        put_pin(tx, replace(pin, rival=None))

    await profile.vault.write(work)


async def warn_if_contested(profile: Profile, conversation_id: UUID) -> None:
    try:
        await profile.vault.read(lambda tx: require_uncontested(tx, seated(tx, conversation_id)))
    except IdentityChanged as changed:
        profile.warn(str(changed))


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


async def learn_names_of_gone(profile: Profile, conversation_id: UUID, met: set[Principal]) -> None:
    """Pin those who have no name and no seat any more: what they wrote is shown by their name."""
    gone = await profile.vault.read(lambda tx: _gone(tx, conversation_id, met))
    for start in range(0, len(gone), PAGE_ROWS):
        command = ListUsers(user_ids=list(gone)[start : start + PAGE_ROWS])
        told = await profile.connection.call(command, Users)
        await profile.vault.write(lambda tx, told=told: _pin(tx, gone, told.users))


async def names_of(
    profile: Profile, group_id: UUID, user_ids: Iterable[UUID]
) -> Mapping[UUID, str]:
    """The pinned names of these people; those of the group's members are learnt first."""
    await learn_names(profile, group_id)
    return await profile.vault.read(lambda tx: _names(tx, group_id, set(user_ids)))


def _names(tx: Transaction, group_id: UUID, user_ids: set[UUID]) -> Mapping[UUID, str]:
    """Who has a seat is named by it; of the others only the server says that it was they."""
    names = {who.user_id: name_of(tx, who) for who in seated(tx, group_id)}
    return {one: names.get(one) or claimed_name(tx, one) for one in user_ids}


async def _find_other(profile: Profile, username: str) -> None:
    """Pinned now. Raises BadTarget for oneself, Refused for an unknown name."""
    if await find_person(profile, username) == _oneself(profile):
        raise BadTarget("That is you. Somebody else's number is to be compared.")


def _oneself(profile: Profile) -> Principal:
    return Principal(profile.account.user_id, profile.account.identity_key)


def _number(profile: Profile, other: Principal) -> str:
    return safety_number(_oneself(profile), other)


def _pin_of(tx: Transaction, username: str) -> PinRecord:
    """Raises NotFoundHere for somebody whom this device has never seen."""
    pin = get_pin_by_name(tx, username.removeprefix("@"))
    if pin is None:
        raise _unchanged(username)
    return pin


def _others(tx: Transaction, pin: PinRecord) -> list[Principal]:
    """The rival, and those of this user id in some conversation: how one goes back after a mistake.

    Raises NotFoundHere where there are none.
    """
    user_id = pin.principal.user_id
    ids = [record.conversation_id for record in list_conversations(tx)]
    found = [who for one in ids for who in seated(tx, one) if who.user_id == user_id]
    others = [who for who in dict.fromkeys([pin.rival, *found]) if who not in (None, pin.principal)]
    if not others:
        raise _unchanged(pin.username)
    return others


def _unchanged(username: str) -> NotFoundHere:
    return NotFoundHere(f"The identity of {username} has not changed.")


def _nameless(tx: Transaction, group_id: UUID) -> set[UUID]:
    seats = list_seats(tx, group_id)
    return {seat.user_id for seat in seats if get_pin(tx, seat.user_id) is None}


def _gone(tx: Transaction, conversation_id: UUID, met: set[Principal]) -> Mapping[UUID, bytes]:
    """Identities by user, of those without a name."""
    left = met - seated(tx, conversation_id)
    return {who.user_id: who.identity_key for who in left if get_pin(tx, who.user_id) is None}


def pin_members(tx: Transaction, group_id: UUID, told: Iterable[Member]) -> None:
    """Names for those who sit in the group; what the server says of others counts for nothing."""
    _pin(tx, {seat.user_id: seat.identity_key for seat in list_seats(tx, group_id)}, told)


def _pin(tx: Transaction, identities: Mapping[UUID, bytes], told: Iterable[Member | User]) -> None:
    """Under the names the server gives them; another identity that it gives them is their rival."""
    for person in told:
        identity = identities.get(person.user_id)
        if identity is None or not is_username(person.username):
            continue
        note(tx, person.username, Principal(person.user_id, identity))
        if person.identity_key != identity:
            note(tx, person.username, Principal(person.user_id, person.identity_key))

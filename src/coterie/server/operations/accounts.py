"""Accounts, one's own and others'."""

from coterie.protocol import limits
from coterie.protocol.commands import Account, GetAccount, GetUser, ListUsers, User, Users
from coterie.protocol.errors import NotFound, Refused, Unauthenticated
from coterie.server.operations.access import Actor
from coterie.server.storage import accounts, devices, files
from coterie.server.storage.database import Tx
from coterie.server.storage.views import Person


async def get_account(tx: Tx, actor: Actor, _command: GetAccount) -> Account:
    user = await accounts.get_user(tx, actor.user_id)
    if user is None:
        raise Refused(Unauthenticated())
    return Account(
        user_id=user.id,
        username=user.username or "",
        device_id=actor.device_id,
        sealed_identity=user.identity_ciphertext or b"",
        device_list=user.device_list or b"",
        key_packages=await devices.count_key_packages(tx, actor.device_id),
        used_bytes=await files.count_bytes(tx, actor.user_id),
        quota_bytes=limits.QUOTA_BYTES,
    )


async def get_user(tx: Tx, _actor: Actor, command: GetUser) -> User:
    person = await accounts.get_person_by_name(tx, command.username)
    if person is None:
        raise Refused(NotFound("user"))
    return user_of(person)


async def list_users(tx: Tx, _actor: Actor, command: ListUsers) -> Users:
    people = await accounts.list_people(tx, command.user_ids)
    return Users(users=[user_of(person) for person in people])


def user_of(person: Person) -> User:
    return User(
        user_id=person.id,
        username=person.username,
        identity_key=person.identity_key,
        device_list=person.device_list,
    )

"""How somebody without a session comes in. Passwords are worked on outside transactions."""

import hmac
from collections.abc import Hashable
from enum import StrEnum

import msgspec

from coterie import __version__
from coterie.governance.certificates import Certificate, CertificateType
from coterie.governance.device_lists import DeviceEntry, DeviceList
from coterie.governance.encoding import EncodingError
from coterie.governance.signatures import BadSignature, is_valid_key
from coterie.protocol import limits
from coterie.protocol.commands import GetServer, LogIn, ServerInfo, Session, SignUp
from coterie.protocol.errors import (
    Malformed,
    NotFound,
    Refused,
    RegistrationClosed,
    Taken,
    UsernameTaken,
    WrongCredentials,
)
from coterie.server.operations.passwords import Passwords
from coterie.server.operations.sessions import begin_session, token_hash
from coterie.server.storage import accounts, devices
from coterie.server.storage.database import Database, Tx
from coterie.server.storage.registration_invites import (
    is_registration_invite_open,
    use_registration_invite,
)
from coterie.server.storage.tables import User


class Registration(StrEnum):
    """Who may sign up: anybody, whoever has the registration code, nobody."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class Policy(msgspec.Struct, frozen=True):
    """`code` is asked for where registration is by invitation."""

    registration: Registration
    code: str
    server_key: bytes

    def __repr__(self) -> str:
        return f"Policy(registration={self.registration})"


class Entrance:
    """`address`: where a request comes from; None for one that cannot have crossed a network."""

    def __init__(self, database: Database, policy: Policy) -> None:
        self._database = database
        self._policy = policy
        self._passwords = Passwords()

    async def get_server(self, address: str | None, _command: GetServer) -> ServerInfo:
        self._spend(address, GetServer, limits.GREETINGS_PER_ADDRESS)
        return ServerInfo(
            version=__version__,
            registration=self._policy.registration,
            server_key=self._policy.server_key,
        )

    async def sign_up(self, address: str | None, command: SignUp) -> Session:
        self._spend(address, SignUp, limits.SIGNUPS_PER_ADDRESS)
        if command.username in limits.RESERVED_USERNAMES:
            raise Refused(UsernameTaken())
        admitted = await self._admits(command.registration_code)
        user = _new_user(command)
        if not admitted:
            await self._require_known(user)
            return await self._sign_up_again(command, user)
        password_hash = await self._passwords.hash(command.password)
        user = msgspec.structs.replace(user, password_hash=password_hash)
        async with self._database.transaction() as tx:
            if await _add_account(tx, user, command):
                await self._use_invite(tx, command.registration_code)
                return await begin_session(tx, user.id, command.device_id)
        return await self._sign_up_again(command, user)

    async def _admits(self, code: str | None) -> bool:
        """Whether somebody new may come in by this code."""
        match self._policy.registration:
            case Registration.OPEN:
                return True
            case Registration.INVITE if code is not None:
                if self._is_servers(code):
                    return True
                async with self._database.transaction() as tx:
                    return await is_registration_invite_open(tx, token_hash(code))
            case _:
                return False

    def _is_servers(self, code: str | None) -> bool:
        return hmac.compare_digest((code or "").encode(), self._policy.code.encode())

    async def _use_invite(self, tx: Tx, code: str | None) -> None:
        """Raises Refused(RegistrationClosed) when others have used it up meanwhile."""
        if self._policy.registration is not Registration.INVITE or self._is_servers(code):
            return
        if not await use_registration_invite(tx, token_hash(code or "")):
            raise Refused(RegistrationClosed())

    async def _require_known(self, user: User) -> None:
        """Whoever has come in may ask again, by a code that was used up by that. Raises
        Refused(RegistrationClosed)."""
        async with self._database.transaction() as tx:
            known = await accounts.get_user(tx, user.id)
        if known is None or known.identity_key != user.identity_key:
            raise Refused(RegistrationClosed())

    async def _sign_up_again(self, command: SignUp, wanted: User) -> Session:
        """The same request again, whose first answer was lost: a session like the first."""
        async with self._database.transaction() as tx:
            existing = await accounts.get_user_by_name(tx, command.username)
            device = await devices.get_device(tx, command.device_id)
        if existing is None:
            raise Refused(Taken("user_id, device_id or key"))
        same = (
            device is not None
            and device.revoked_at is None
            and device.certificate == command.certificate
            and (existing.id, existing.identity_key) == (wanted.id, wanted.identity_key)
        )
        if not same or not await self._matches(existing, command.username, command.password):
            raise Refused(UsernameTaken())
        async with self._database.transaction() as tx:
            return await begin_session(tx, existing.id, command.device_id)

    async def log_in(self, address: str | None, command: LogIn) -> Session:
        self._spend(address, LogIn, limits.LOGINS_PER_ADDRESS)
        async with self._database.transaction() as tx:
            user = await accounts.get_user_by_name(tx, command.username)
        if not await self._matches(user, command.username, command.password) or user is None:
            raise Refused(WrongCredentials())
        async with self._database.transaction() as tx:
            device = await devices.get_device(tx, command.device_id)
            if device is None or device.user_id != user.id or device.revoked_at is not None:
                raise Refused(NotFound("device"))
            return await begin_session(tx, user.id, device.id)

    async def _matches(self, user: User | None, username: str, password: str) -> bool:
        """Whether this is the password; guesses are counted, wherever they are made."""
        guesses = (LogIn, username)
        self._database.windows.spend(guesses, limits.LOGINS_PER_ACCOUNT)
        password_hash = None if user is None else user.password_hash
        matches = await self._passwords.verify(password_hash, password)
        if matches:
            self._database.windows.refund(guesses)
        return matches

    def _spend(self, address: str | None, what: Hashable, limit: tuple[int, int]) -> None:
        if address is not None:
            self._database.windows.spend((what, address), limit)


async def _add_account(tx: Tx, user: User, command: SignUp) -> bool:
    """False when the name, an id or a key is taken; then nothing is written."""
    if not await accounts.add_user(tx, user):
        return False
    added = await devices.add_device(
        tx, command.device_id, user.id, command.device_key, command.certificate
    )
    if not added:
        raise Refused(Taken("device_id or device_key"))
    return True


def _new_user(command: SignUp) -> User:
    """The account of a certificate and a device list that hold together. Raises Malformed."""
    try:
        certificate = Certificate.decode(command.certificate)
        certificate.verify(command.device_key)
        devices_ = DeviceList.decode(command.device_list)
        devices_.verify()
    except (EncodingError, BadSignature) as error:
        raise Refused(Malformed(f"the certificate or device list does not hold: {error}")) from None
    if not _hold_together(command, certificate, devices_):
        raise Refused(Malformed("certificate, device list and ids are not of one device"))
    return User(
        id=command.user_id,
        username=command.username,
        identity_key=certificate.identity_key,
        password_hash=None,
        identity_ciphertext=command.sealed_identity,
        device_list=command.device_list,
        created_at=None,
        ended_at=None,
    )


def _hold_together(command: SignUp, certificate: Certificate, device_list: DeviceList) -> bool:
    if len(device_list.entries) != 1:
        return False
    added_at = device_list.entries[0].added_at
    entry = DeviceEntry(command.device_id, command.device_key, added_at, revoked_at=0)
    return (
        certificate.type is CertificateType.IDENTITY
        and is_valid_key(certificate.identity_key)
        and is_valid_key(command.device_key)
        and (certificate.user_id, certificate.device_id) == (command.user_id, command.device_id)
        and (device_list.user_id, device_list.identity_key, device_list.version)
        == (certificate.user_id, certificate.identity_key, 1)
        and device_list.entries == (entry,)
    )

"""Signing up and logging in: the account, its identity and its first device."""

from pathlib import Path
from uuid import uuid4

from msgspec.structs import replace

from coterie.governance.certificates import certify
from coterie.governance.device_lists import first_device_list
from coterie.governance.signatures import new_key, public_key
from coterie.protocol.commands import (
    Account,
    Done,
    GetAccount,
    GetServer,
    LogIn,
    LogOut,
    ServerInfo,
    Session,
    SignUp,
)
from coterie.protocol.errors import Refused, Unauthenticated
from coterie.sdk.clock import milliseconds, now
from coterie.sdk.connection import PATIENCE_SECONDS, Connection
from coterie.sdk.errors import AlreadySignedUp, NotSignedUp
from coterie.sdk.fields import require_well_formed
from coterie.sdk.key_packages import replenish
from coterie.sdk.people import note
from coterie.sdk.profile import Profile
from coterie.sdk.recovery import (
    RecoveryCode,
    WrongRecoveryCode,
    new_recovery_code,
    open_identity,
    seal_identity,
)
from coterie.sdk.vault import Transaction, Vault, make_home
from coterie.sdk.vault.accounts import get_account, put_account, remove_account
from coterie.sdk.vault.records import AccountRecord, Principal


async def sign_up(
    home: Path, server: str, username: str, password: str, registration_code: str | None = None
) -> tuple[Profile, RecoveryCode]:
    """Make an account with a fresh identity, whose private half only the recovery code opens.

    Keys and code are stored before anything is sent, the code until `forget_recovery_code`. If an
    earlier attempt died before that, its account is taken up. Raises AlreadySignedUp.
    """
    connection = Connection(server)
    vault = await _new_vault(home)
    try:
        made = await _made_before(vault, connection, username, password)
        account, session = made or await _register(
            vault, connection, username, password, registration_code
        )
        assert account.recovery_code is not None, "no account is finished yet"  # noqa: S101
        profile = Profile(vault, account, connection)
        connection.token = session.token
        await replenish(profile)
        await _begin_session(profile, session)
    except BaseException:
        await connection.close()
        await vault.close()
        raise
    return profile, RecoveryCode(account.recovery_code)


def open_profile(home: Path, patience: float = PATIENCE_SECONDS) -> Profile:
    """Raises NotSignedUp, VaultLocked, VaultTooNew."""
    vault = Vault(home)
    account = vault.read_now(get_account) if Vault.exists(home) else None
    if account is None:
        raise NotSignedUp
    return Profile(vault, account, Connection(account.server, account.token, patience=patience))


async def forget_recovery_code(profile: Profile) -> None:
    """A person has it now: from here on it is kept nowhere."""
    account = replace(profile.account, recovery_code=None)
    await profile.vault.write(lambda tx: put_account(tx, account))
    profile.account = account


async def log_in(profile: Profile, password: str) -> None:
    """A new session for this device, in place of one that has ended."""
    session = await _session(profile.connection, profile.account, password)
    await _begin_session(profile, session)


async def log_out(profile: Profile) -> None:
    """End the session, if it has not ended before; keys and messages stay."""
    try:
        await profile.connection.call(LogOut(), Done)
    except Refused as no:
        if not isinstance(no.refusal, Unauthenticated):
            raise
    account = replace(profile.account, token=None)
    await profile.vault.write(lambda tx: put_account(tx, account))
    profile.account, profile.connection.token = account, None


async def check_recovery(profile: Profile, typed: str) -> None:
    """Raises BadRecoveryCode, WrongRecoveryCode unless the code opens this account's identity."""
    code, account = RecoveryCode.parse(typed), profile.account
    sealed = (await profile.connection.call(GetAccount(), Account)).sealed_identity
    seed = open_identity(code, sealed, account.user_id.bytes, account.identity_key)
    if public_key(seed) != account.identity_key:
        raise WrongRecoveryCode


async def _made_before(
    vault: Vault, connection: Connection, username: str, password: str
) -> tuple[AccountRecord, Session] | None:
    """The account of an attempt whose answer was lost, if the server has it."""
    account = await vault.read(get_account)
    if account is None or (account.server, account.username) != (connection.server, username):
        return None
    try:
        return account, await _session(connection, account, password)
    except Refused:
        return None


async def _register(
    vault: Vault,
    connection: Connection,
    username: str,
    password: str,
    registration_code: str | None,
) -> tuple[AccountRecord, Session]:
    """A new account. When it is refused, the profile is as it was before.

    Raises AlreadySignedUp where an account is there, and it was not this one that was meant.
    """
    known = await vault.read(get_account)
    if known is not None and known.confirmed:
        raise AlreadySignedUp(known.username)
    info = await connection.call(GetServer(), ServerInfo)
    account, command = _new_account(connection.server, info, username, password)
    command = replace(command, registration_code=registration_code)
    require_well_formed(command)
    before = await vault.write(lambda tx: _swap_account(tx, account))
    try:
        return account, await connection.call(command, Session)
    except Refused:
        await vault.write(lambda tx: _swap_account(tx, before))
        raise


def _swap_account(tx: Transaction, account: AccountRecord | None) -> AccountRecord | None:
    """Put this one in the place of the one returned."""
    before = get_account(tx)
    if account is None:
        remove_account(tx)
    else:
        put_account(tx, account)
    return before


async def _session(connection: Connection, account: AccountRecord, password: str) -> Session:
    command = LogIn(username=account.username, password=password, device_id=account.device_id)
    return await connection.call(command, Session)


async def _begin_session(profile: Profile, session: Session) -> None:
    account = replace(profile.account, token=session.token, confirmed=True)

    def work(tx: Transaction) -> None:
        put_account(tx, account)
        note(tx, account.username, Principal(account.user_id, account.identity_key))

    await profile.vault.write(work)
    profile.account, profile.connection.token = account, session.token


async def _new_vault(home: Path) -> Vault:
    make_home(home)
    vault = Vault(home)
    account = await vault.read(get_account)
    if account is not None and account.confirmed and account.recovery_code is None:
        await vault.close()
        raise AlreadySignedUp(account.username)
    return vault


def _new_account(
    server: str, info: ServerInfo, username: str, password: str
) -> tuple[AccountRecord, SignUp]:
    identity_seed, identity_key = new_key()
    device_seed, device_key = new_key()
    user_id, device_id, created_at = uuid4(), uuid4(), milliseconds(now())
    certificate = certify(identity_seed, user_id, device_id, device_key, created_at).encode()
    devices = first_device_list(identity_seed, user_id, device_id, device_key, created_at).encode()
    code = new_recovery_code()
    account = AccountRecord(
        server=server,
        server_key=info.server_key,
        username=username,
        user_id=user_id,
        device_id=device_id,
        identity_key=identity_key,
        device_key=device_key,
        device_seed=device_seed,
        certificate=certificate,
        device_list=devices,
        recovery_code=code.secret,
    )
    command = SignUp(
        username=username,
        password=password,
        user_id=user_id,
        device_id=device_id,
        certificate=certificate,
        device_key=device_key,
        sealed_identity=seal_identity(code, identity_seed, user_id.bytes, identity_key),
        device_list=devices,
    )
    return account, command

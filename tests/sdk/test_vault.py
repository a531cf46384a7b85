"""The device store: sealed, private, shared by processes, and never half written."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from coterie.protocol.header import EntryKind
from coterie.sdk.errors import LogBroken, NotSignedUp, VaultLocked, VaultTooNew, VaultUnusable
from coterie.sdk.vault import Transaction, Vault, make_home
from coterie.sdk.vault.accounts import get_account, put_account
from coterie.sdk.vault.avatars import list_avatars
from coterie.sdk.vault.device_lists import get_device_list
from coterie.sdk.vault.messages import list_messages, put_message
from coterie.sdk.vault.outbox import list_outgoing, put_outgoing
from coterie.sdk.vault.pins import get_pin_by_name, put_pin
from coterie.sdk.vault.privacy import get_privacy
from coterie.sdk.vault.records import (
    AccountRecord,
    MessageRecord,
    OutboxRecord,
    PinRecord,
    Principal,
    PrivacyRecord,
)

CANARY = "canary-5d1f"


@pytest.fixture
async def vault(tmp_path: Path):
    make_home(tmp_path / "home")
    vault = Vault(tmp_path / "home")
    yield vault
    await vault.close()


def account(username: str = CANARY) -> AccountRecord:
    return AccountRecord(
        server="https://example.org",
        server_key=bytes(32),
        username=username,
        user_id=uuid4(),
        device_id=uuid4(),
        identity_key=bytes(32),
        device_key=bytes(32),
        device_seed=bytes(range(32)),
        certificate=bytes(137),
        device_list=b"list",
    )


def message(text: str = CANARY) -> OutboxRecord:
    return OutboxRecord(
        client_id=uuid4(), conversation_id=uuid4(), kind=EntryKind.MESSAGE, text=text
    )


def kept_message() -> MessageRecord:
    return MessageRecord(
        message_id=1,
        seq=1,
        epoch=1,
        hash=bytes(range(32)),
        sender_id=uuid4(),
        created_at=datetime.now(UTC),
        changed_seq=1,
        text="said",
    )


async def test_a_message_is_not_replaced_by_another(vault: Vault) -> None:
    """It may change; but neither its hash nor its number."""
    place, first = uuid4(), kept_message()
    await vault.write(lambda tx: put_message(tx, place, first))
    await vault.write(lambda tx: put_message(tx, place, replace(first, text="edited")))
    for other in (replace(first, hash=bytes(32)), replace(first, message_id=2)):
        with pytest.raises(LogBroken, match="another than before"):
            await vault.write(lambda tx, other=other: put_message(tx, place, other))
    (kept,) = await vault.read(lambda tx: list_messages(tx, place, 9, 9))
    assert (kept.text, kept.hash, kept.message_id) == ("edited", first.hash, 1)


async def test_only_the_owner_can_look_at_the_files(vault: Vault) -> None:
    await vault.write(lambda tx: put_account(tx, account()))
    assert vault.home.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in vault.home.iterdir()}
    assert {"vault.db", "vault.key", "vault.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}, "neither the store nor its journal is for others"


async def test_what_is_stored_is_sealed(vault: Vault) -> None:
    pin = PinRecord(CANARY, Principal(uuid4(), bytes(32)))

    def store(tx: Transaction) -> None:
        put_account(tx, account())
        put_outgoing(tx, message())
        put_pin(tx, pin)

    await vault.write(store)
    assert await vault.read(lambda tx: get_pin_by_name(tx, CANARY)) == pin
    stored = b"".join(path.read_bytes() for path in vault.home.iterdir())
    assert CANARY.encode() not in stored, "not even the names that pins are looked up by"
    assert bytes(range(32)) not in stored, "the device's key"


async def test_another_key_opens_nothing(vault: Vault) -> None:
    await vault.write(lambda tx: put_account(tx, account()))
    await vault.close()
    (vault.home / "vault.key").write_bytes(bytes(32))
    stolen = Vault(vault.home)
    with pytest.raises(VaultLocked):
        await stolen.read(get_account)
    await stolen.close()


async def test_a_missing_key_says_where_it_should_be(vault: Vault) -> None:
    await vault.write(lambda tx: put_account(tx, account()))
    await vault.close()
    (vault.home / "vault.key").unlink()
    without = Vault(vault.home)
    with pytest.raises(VaultLocked, match="keyring"):
        await without.read(get_account)
    await without.close()


async def test_a_damaged_store_is_said_to_be_damaged(vault: Vault) -> None:
    await vault.write(lambda tx: put_account(tx, account()))
    await vault.close()
    (vault.home / "vault.db").write_bytes(b"not what was written " * 100)
    damaged = Vault(vault.home)
    with pytest.raises(VaultUnusable, match="backup"):
        await damaged.read(get_account)
    await damaged.close()


def test_a_folder_in_use_keeps_its_mode(tmp_path: Path) -> None:
    """As when COTERIE_HOME names a home directory."""
    for name, mode in (("empty", 0o700), ("in use", 0o755)):
        home = tmp_path / name
        home.mkdir(mode=0o755)
        if name == "in use":
            (home / "letters").touch()
        make_home(home)
        assert home.stat().st_mode & 0o777 == mode
        assert (home / "vault.db").stat().st_mode & 0o777 == 0o600


async def test_a_record_moved_to_another_place_does_not_open(vault: Vault) -> None:
    first, second = message("one"), message("two")
    await vault.write(lambda tx: (put_outgoing(tx, first), put_outgoing(tx, second)))
    with sqlite3.connect(vault.home / "vault.db") as raw:
        (sealed,) = raw.execute(
            "SELECT sealed FROM outbox WHERE client_id = ?", (first.client_id.bytes,)
        ).fetchone()
        raw.execute(
            "UPDATE outbox SET sealed = ? WHERE client_id = ?", (sealed, second.client_id.bytes)
        )
    raw.close()
    with pytest.raises(VaultLocked):
        await vault.read(list_outgoing)


async def test_a_store_of_a_later_version_is_left_alone(vault: Vault) -> None:
    await vault.write(lambda tx: put_account(tx, account()))
    await vault.close()
    with sqlite3.connect(vault.home / "vault.db") as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    older = Vault(vault.home)
    with pytest.raises(VaultTooNew):
        await older.read(get_account)
    await older.close()


async def test_a_store_of_an_earlier_version_is_brought_up_to_date(vault: Vault) -> None:
    kept = account()
    await vault.write(lambda tx: put_account(tx, kept))
    await vault.close()
    with sqlite3.connect(vault.home / "vault.db") as raw:
        raw.execute("DROP TABLE device_lists")
        raw.execute("DROP TABLE lost_messages")
        raw.execute("DROP TABLE avatars")
        raw.execute("DROP TABLE privacy")
        raw.execute("PRAGMA user_version = 1")
    raw.close()
    newer = Vault(vault.home)
    assert await newer.read(get_account) == kept
    assert await newer.read(lambda tx: get_device_list(tx, bytes(32))) is None
    assert await newer.read(lambda tx: list_avatars(tx, UUID(int=1))) == {}
    assert await newer.read(get_privacy) == PrivacyRecord()
    await newer.close()


async def test_a_folder_without_a_store_has_no_account(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    with pytest.raises(NotSignedUp):
        await vault.read(get_account)
    await vault.close()


async def test_what_fails_writes_nothing(vault: Vault) -> None:
    def fail(tx: Transaction) -> None:
        put_account(tx, account())
        raise LookupError

    with pytest.raises(LookupError):
        await vault.write(fail)
    assert await vault.read(get_account) is None


async def test_processes_that_share_a_store_do_not_overwrite_each_other(tmp_path: Path) -> None:
    make_home(tmp_path)
    vaults = [Vault(tmp_path) for _ in range(4)]

    def add(tx: Transaction) -> UUID:
        """Read, and write what was read with one more: lost if another wrote in between."""
        before = get_account(tx)
        count = int(before.username) + 1 if before else 1
        put_account(tx, account(str(count)))
        return uuid4()

    await asyncio.gather(*(vault.write(add) for vault in vaults for _ in range(25)))
    after = await vaults[0].read(get_account)
    assert after is not None
    assert after.username == "100", "each of the hundred saw the one before"
    for vault in vaults:
        await vault.close()


def test_records_with_secrets_hide_them() -> None:
    assert "000102" not in repr(account()).replace("\\x", "")
    assert CANARY not in repr(message())

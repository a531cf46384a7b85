"""Signing up, logging in, logging out."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from aiohttp import ClientSession

from coterie.governance.signatures import new_key, sign
from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.errors import (
    Malformed,
    NotFound,
    RateLimited,
    RegistrationClosed,
    Taken,
    Unauthenticated,
    UsernameTaken,
    WrongCredentials,
)
from coterie.server.app import running
from coterie.server.config import Config
from coterie.server.operations.entrance import Registration
from tests.server.client import PASSWORD, NewPerson, Person, ask, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


def logging_in(person: Person, password: str = PASSWORD, **changes: Any) -> c.LogIn:
    fields: dict[str, Any] = {"username": person.username, "device_id": person.device_id}
    return c.LogIn(password=password, **(fields | changes))


# --- signing up


async def test_an_account_is_what_was_signed_up(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    account = await bela.ask(c.GetAccount())
    assert (account.user_id, account.username, account.device_id) == (
        bela.user_id,
        bela.username,
        bela.device_id,
    )
    assert account.device_list == bela.devices.encode()
    assert (account.used_bytes, account.quota_bytes) == (0, limits.QUOTA_BYTES)
    seen = await chen.ask(c.GetUser(username=bela.username))
    assert (seen.user_id, seen.identity_key) == (bela.user_id, bela.key)
    assert await refusal(chen.ask(c.GetUser(username="nobody"))) == NotFound("user")


async def test_people_are_named_by_their_ids(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    found = await chen.ask(c.ListUsers(user_ids=[bela.user_id, uuid4(), bela.user_id]))
    assert found.users == [await chen.ask(c.GetUser(username=bela.username))]
    for most in (0, limits.PAGE_ROWS + 1):
        ids = [bela.user_id] * most
        assert isinstance(await refusal(chen.ask(c.ListUsers(user_ids=ids))), Malformed)


async def test_the_identity_comes_back_sealed_as_it_went(http: ClientSession) -> None:
    bela = Person(http, "bela")
    command = bela.sign_up_command()
    bela.token = (await bela.ask(command)).token
    assert (await bela.ask(c.GetAccount())).sealed_identity == command.sealed_identity


async def test_the_same_request_again_is_the_same_account(
    http: ClientSession, database: psycopg.Connection
) -> None:
    bela = Person(http, "bela")
    command = bela.sign_up_command()
    first, again = await ask(http, command), await ask(http, command)
    assert first.token != again.token
    for session in (first, again):
        bela.token = session.token
        assert (await bela.ask(c.GetAccount())).user_id == bela.user_id
    found = database.execute("SELECT 1 FROM users WHERE username = %s", [bela.username]).fetchall()
    assert len(found) == 1
    guessed = bela.sign_up_command(password="another password")
    assert await refusal(ask(http, guessed)) == UsernameTaken(), "a session takes the password"


async def test_a_name_that_calls_all_is_nobodys(http: ClientSession) -> None:
    nobody = Person(http, "nobody")
    for nobody.username in limits.RESERVED_USERNAMES:
        assert await refusal(nobody.ask(nobody.sign_up_command())) == UsernameTaken()


async def test_names_ids_and_keys_are_somebodys_once(
    http: ClientSession, new_person: NewPerson
) -> None:
    bela = await new_person("bela")
    other = Person(http, "bela")
    other.username = bela.username
    assert await refusal(other.ask(other.sign_up_command())) == UsernameTaken()
    for names in (["user_id"], ["device_id"], ["seed", "device_key"], ["identity_seed", "key"]):
        twin = Person(http, "twin")
        for name in names:
            setattr(twin, name, getattr(bela, name))
        twin.certify()
        assert isinstance(await refusal(twin.ask(twin.sign_up_command())), Taken), names


async def test_one_name_at_once_is_one_account(http: ClientSession) -> None:
    people = [Person(http, "race") for _ in range(4)]
    for person in people:
        person.username = people[0].username
    asked = [ask(http, person.sign_up_command()) for person in people]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, c.Session) for answer in answers) == 1


async def test_keys_that_do_not_hold_together_make_no_account(http: ClientSession) -> None:
    bela, chen = Person(http, "bela"), Person(http, "chen")
    damaged = bytearray(bela.certificate.encode())
    damaged[-1] ^= 1
    _, other_key = new_key()
    later = bela.devices.with_device(bela.identity_seed, uuid4(), other_key, 1_000)
    for what, changes in {
        "another's certificate": {"certificate": chen.certificate.encode()},
        "a damaged certificate": {"certificate": bytes(damaged)},
        "another's list": {"device_list": chen.devices.encode()},
        "a list of two": {"device_list": later.encode()},
        "no list": {"device_list": b"x"},
        "a list of none": {"device_list": empty_device_list(bela)},
        "another key": {"device_key": other_key},
        "a key of small order": {"device_key": bytes(32)},
        "another user": {"user_id": uuid4()},
        "another device": {"device_id": uuid4()},
    }.items():
        refused = await refusal(bela.ask(bela.sign_up_command(**changes)))
        assert isinstance(refused, Malformed), what
    await bela.sign_up()


def empty_device_list(person: Person) -> bytes:
    """Signed as it should be."""
    up_to_count = 1 + 16 + 32 + 4 + 32
    content = person.devices.encode()[:up_to_count] + b"\0"
    return content + sign(person.identity_seed, "device-list", content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "A"),
        ("username", "Bela"),
        ("username", "-bela"),
        ("username", "b" * 33),
        ("password", "short"),
        ("password", "x" * 257),
    ],
)
async def test_names_and_passwords_have_a_form(http: ClientSession, field: str, value: str) -> None:
    command = Person(http, "bela").sign_up_command(**{field: value})
    assert isinstance(await refusal(ask(http, command)), Malformed)


async def test_of_a_password_nothing_but_its_argon2id_hash_is_kept(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela = await new_person("bela")
    row = database.execute(
        "SELECT password_hash FROM users WHERE id = %s", [bela.user_id]
    ).fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$")
    assert PASSWORD not in row[0]


# --- sessions


async def test_a_session_is_32_random_bytes_of_which_a_hash_is_kept(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela = await new_person("bela")
    session = await bela.ask(logging_in(bela))
    assert len(session.token) == 43
    row = database.execute(
        """SELECT user_id, expires_at - created_at > interval '89 days' FROM sessions
           WHERE token_hash = %s""",
        [hashlib.sha256(session.token.encode()).digest()],
    ).fetchone()
    assert row == (bela.user_id, True)
    assert (session.user_id, session.device_id) == (bela.user_id, bela.device_id)


async def test_logging_out_ends_this_session_at_once(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    other = (await bela.ask(logging_in(bela))).token
    await bela.ask(c.GetAccount())
    await bela.ask(c.LogOut())
    assert await refusal(bela.ask(c.GetAccount())) == Unauthenticated()
    bela.token = other
    await bela.ask(c.GetAccount())


async def test_without_a_session_nothing_is_answered(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    for token in (None, "", "x" * 43, "x" * 5_000):
        bela.token = token
        assert await refusal(bela.ask(c.GetAccount())) == Unauthenticated()


async def test_an_expired_session_is_none(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela = await new_person("bela")
    database.execute("UPDATE sessions SET expires_at = now() WHERE user_id = %s", [bela.user_id])
    assert await refusal(bela.ask(c.GetAccount())) == Unauthenticated()


# --- logging in


async def test_an_unknown_name_is_told_no_more_than_a_wrong_password(
    new_person: NewPerson,
) -> None:
    bela = await new_person("bela")
    wrong = await refusal(bela.ask(logging_in(bela, "wrong password")))
    unknown = await refusal(bela.ask(logging_in(bela, username="nobody-at-all")))
    assert wrong == unknown == WrongCredentials()
    await bela.ask(logging_in(bela))


async def test_an_unknown_name_costs_as_much_work(new_person: NewPerson) -> None:
    """The server runs in this process, so that its work can be counted whatever else runs."""
    bela = await new_person("bela")

    async def least_work(username: str) -> float:
        spent: list[float] = []
        for _ in range(4):
            begun = time.process_time()
            await refusal(bela.ask(logging_in(bela, "wrong password", username=username)))
            spent.append(time.process_time() - begun)
        return min(spent)

    known, unknown = await least_work(bela.username), await least_work("nobody-here")
    assert 0.5 * known < unknown < 2 * known


async def test_one_logs_in_with_a_device_of_ones_own(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    for device_id in (chen.device_id, uuid4()):
        command = logging_in(bela, device_id=device_id)
        assert await refusal(bela.ask(command)) == NotFound("device")


async def test_guessing_comes_to_an_end_and_the_right_password_is_not_counted(
    new_person: NewPerson,
) -> None:
    bela = await new_person("bela")
    most, _ = limits.LOGINS_PER_ACCOUNT
    for _ in range(most + 2):
        await bela.ask(logging_in(bela))
    for _ in range(most):
        await refusal(bela.ask(logging_in(bela, "wrong password")))
    refused = await refusal(bela.ask(logging_in(bela)))
    assert isinstance(refused, RateLimited)
    assert 0 < refused.retry_after <= 600


async def test_signing_up_again_is_no_way_around_the_count(new_person: NewPerson) -> None:
    """Certificates are known to whoever shares a group: only the password is not."""
    bela = await new_person("bela")
    guess = bela.sign_up_command(password="wrong password")
    most, _ = limits.LOGINS_PER_ACCOUNT
    for _ in range(most):
        assert await refusal(bela.ask(guess)) == UsernameTaken()
    assert isinstance(await refusal(bela.ask(guess)), RateLimited)


# --- who may sign up at all


@asynccontextmanager
async def another_server(
    database_url: str, data: Path, port: int = 0, **choices: Any
) -> AsyncGenerator[ClientSession]:
    config = Config(data=data, database=database_url, port=port, **choices)
    async with (
        running(config) as url,
        ClientSession(f"http://127.0.0.1:{port}" if port else url) as http,
    ):
        yield http


async def test_a_closed_server_takes_nobody(database_url: str, tmp_path: Path) -> None:
    closed = another_server(database_url, tmp_path, registration=Registration.CLOSED)
    async with closed as http:
        bela = Person(http, "bela")
        assert (await ask(http, c.GetServer())).registration == "closed"
        assert await refusal(bela.sign_up()) == RegistrationClosed()


async def test_by_invitation_it_takes_the_code(database_url: str, tmp_path: Path) -> None:
    by_code = another_server(database_url, tmp_path, registration=Registration.INVITE)
    async with by_code as http:
        bela = Person(http, "bela")
        file = tmp_path / "registration.code"
        code = file.read_text().strip()
        assert file.stat().st_mode & 0o777 == 0o600
        for wrong in (None, "", code[:-1], code + "0", "ö"):
            command = bela.sign_up_command(registration_code=wrong)
            assert await refusal(bela.ask(command)) == RegistrationClosed()
        await bela.ask(bela.sign_up_command(registration_code=code))

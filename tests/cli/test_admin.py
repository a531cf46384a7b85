"""What an operator does about accounts, on the machine of a server that runs."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from coterie.sdk import Client
from tests.cli.people import PASSWORD, Person, Served
from tests.support.server import Server

NEW_PASSWORD = "a brand new password"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Whose registration is by invitation."""
    data = tmp_path_factory.mktemp("admin") / "data"
    with Server(data, "--registration", "invite") as server:
        yield Served(server.url, data)


@pytest.fixture
def operator(tmp_path: Path) -> Person:
    return Person("operator", tmp_path / "operator")


def invited(operator: Person, served: Served, *options: object) -> str:
    return operator.does("admin", "invite", "--data", served.data, *options)["code"]


@pytest.fixture
def ana(operator: Person, served: Served, tmp_path: Path) -> Person:
    """Somebody new for each test."""
    ana = Person(f"ana-{tmp_path.name[-20:].strip('_-')}".lower()[:32], tmp_path / "ana")
    code = invited(operator, served)
    ana.does("signup", ana.name, "--server", served.url, COTERIE_REGISTRATION_CODE=code)
    return ana


def test_a_code_lets_in_as_many_as_it_says(
    operator: Person, served: Served, tmp_path: Path
) -> None:
    made = operator.does("admin", "invite", "--uses", "2", "--data", served.data)
    people = [Person(f"many-{n}", tmp_path / f"many-{n}") for n in range(3)]

    def sign_up(person: Person, code: str) -> int:
        words = ("signup", person.name, "--server", served.url)
        return person.run(*words, COTERIE_REGISTRATION_CODE=code).code

    assert sign_up(people[0], "wrong-code-0123") == 1
    assert sign_up(people[0], made["code"]) == 0
    assert sign_up(people[1], made["code"]) == 0
    assert sign_up(people[2], made["code"]) == 1
    listed = operator.does("admin", "invites", "--data", served.data)["invites"]
    mine = next(one for one in listed if one["id"] == made["id"])
    assert (mine["uses"], mine["max_uses"], mine["ended"]) == (2, 2, True)
    assert made["code"] not in str(listed), "only its hash is kept"
    codes = [invited(operator, served, "--expires", "1s"), invited(operator, served)]
    closed = operator.does("admin", "invites", "--data", served.data)["invites"]
    for one in closed:
        operator.does("admin", "revoke", one["id"], "--data", served.data)
    assert [sign_up(people[2], code) for code in codes] == [1, 1]
    assert operator.refused("admin", "revoke", made["id"], "--data", served.data) == "not_found"
    servers_own = (served.data / "registration.code").read_text().strip()
    assert sign_up(people[2], servers_own) == 0, "the server's own code goes on"


def test_of_many_at_once_a_code_lets_in_one(
    operator: Person, served: Served, tmp_path: Path
) -> None:
    code = invited(operator, served)

    async def sign_up(name: str) -> bool:
        try:
            client, _ = await Client.sign_up(
                tmp_path / name, served.url, name, PASSWORD, registration_code=code
            )
        except Exception:
            return False
        await client.close()
        return True

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(sign_up(f"race-{number}") for number in range(8)))

    assert sum(asyncio.run(all_at_once())) == 1


def test_who_is_locked_is_out_at_once_and_may_come_back(
    operator: Person, served: Served, ana: Person
) -> None:
    group = ana.does("group", "create", "Club")["group_id"]
    follow = ana.start("read", group, "--follow", "--json")
    try:
        ana.does("send", group, "hello")
        assert follow.stdout
        assert "hello" in follow.stdout.readline(), "a socket is open"
        operator.does("admin", "lock", f"@{ana.name}", "--data", served.data)
        assert follow.wait(20) == 1, "and is closed at once"
    finally:
        follow.kill()
        follow.communicate()
    assert ana.refused("send", group, "still here") == "unauthenticated"
    assert ana.refused("login") == "account_locked"
    accounts = operator.does("admin", "accounts", "--data", served.data)["accounts"]
    mine = next(one for one in accounts if one["username"] == ana.name)
    assert mine["locked_at"]
    assert mine["sessions"] == 0
    operator.does("admin", "unlock", ana.name, "--data", served.data)
    ana.does("login")
    ana.does("send", group, "back")


def test_a_new_password_opens_sessions_and_no_keys(
    operator: Person, served: Served, ana: Person
) -> None:
    words = ("admin", "reset-login", ana.name, "--data", served.data)
    done = operator.run(*words, COTERIE_PASSWORD=NEW_PASSWORD)
    assert done.code == 0
    assert "recovery code" in done.out
    assert NEW_PASSWORD not in done.out + done.err
    assert ana.refused("group", "create", "Club") == "unauthenticated"
    assert ana.refused("login") == "wrong_credentials"
    ana.does("login", COTERIE_PASSWORD=NEW_PASSWORD)
    drawn = operator.does(*words, "--generate")["password"]
    ana.does("login", COTERIE_PASSWORD=drawn)
    assert operator.refused(*words, COTERIE_PASSWORD="short") == "malformed"
    nobody = ("admin", "reset-login", "nobody", "--data", served.data)
    assert operator.refused(*nobody) == "not_found"


def test_accounts_are_listed_a_page_at_a_time(
    operator: Person, served: Served, ana: Person
) -> None:
    whole = operator.does("admin", "accounts", "--data", served.data)
    assert not whole["more"]
    names: list[str] = []
    more = True
    while more:
        after = ("--after", names[-1]) if names else ()
        page = operator.does("admin", "accounts", "--limit", "1", *after, "--data", served.data)
        names += [one["username"] for one in page["accounts"]]
        more = page["more"]
    assert names == [one["username"] for one in whole["accounts"]]
    assert ana.name in names
    assert operator.run("admin", "accounts", "--limit", "201", "--data", served.data).code == 2


def test_the_storage_report_adds_up(
    operator: Person, served: Served, ana: Person, tmp_path: Path
) -> None:
    before = operator.does("admin", "storage", "--data", served.data)
    group = ana.does("group", "create", "Club")["group_id"]
    (tmp_path / "map").write_bytes(bytes(100_000))
    ana.does("send", group, "a map", "--file", tmp_path / "map")
    after = operator.does("admin", "storage", "--data", served.data)
    assert after["files"] == before["files"] + 1
    assert after["file_bytes"] - before["file_bytes"] >= 100_000
    assert after["disk_bytes"] == after["file_bytes"]
    assert after["unattached_bytes"] == 0
    assert {"messages", "files"} <= {one["name"] for one in after["tables"]}
    shown = operator.run("admin", "storage", "--data", served.data).out
    assert "database" in shown


def test_a_server_that_does_not_run_is_administered_as_well(
    operator: Person, served: Served, tmp_path: Path
) -> None:
    operator.does("backup", "create", tmp_path / "b.tar", "--data", served.data)
    operator.does("backup", "restore", tmp_path / "b.tar", "--data", tmp_path / "stopped")
    operator.does("admin", "accounts", "--data", tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped")
    code = operator.refused("admin", "accounts", "--data", tmp_path / "stopped")
    assert code == "postgres_unavailable"


def test_a_database_of_another_version_is_left_alone(
    operator: Person, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO schema_version (version) VALUES (999)")
    words = ("admin", "accounts", "--data", tmp_path)
    assert operator.refused(*words, DATABASE_URL=database_url) == "other_version"

"""The checkers see what they are there to see: harm is planted after a life in peace."""

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.nemesis.checkers import check_all
from tests.nemesis.evidence import Evidence
from tests.nemesis.journal import Deed, Found
from tests.nemesis.run import Run, lived

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECONDS = 4.0

IN_SQL = {
    "a message gone": (
        "DELETE FROM messages WHERE seq = (SELECT min(seq) FROM messages)",
        "comes after entry",
    ),
    "the newest message gone": (
        "DELETE FROM messages WHERE seq = (SELECT max(seq) FROM messages)",
        "its log ends at",
    ),
    "a hash changed": (
        "UPDATE messages SET entry_hash = sha256(entry_hash) WHERE seq ="
        " (SELECT max(seq) - 1 FROM messages)",
        "the chain breaks",
    ),
    "the head changed": ("UPDATE conversations SET seq = seq + 1", "its log ends at"),
    "a chain forged": ("UPDATE messages SET chain = entry_hash", "the chain breaks"),
    "a position moved": ("UPDATE read_positions SET seq = 0", "unread, the database"),
    "a row of a file gone": ("DELETE FROM files", "belong to no row"),
    "a file longer": ("UPDATE files SET size_bytes = size_bytes + 1", "bytes"),
}
"""What is done, and what is said of it."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    async with lived(1, tmp_path_factory.mktemp("peace"), SECONDS, in_peace=True) as run:
        yield run


def look(run: Run) -> Evidence:
    with psycopg.connect(run.database_url) as connection:
        return run.evidence(connection)


def complains(evidence: Evidence, of: str) -> bool:
    return any(of in complaint for complaint in check_all(evidence))


async def test_of_a_life_in_peace_nobody_complains(run: Run) -> None:
    evidence = look(run)
    assert check_all(evidence) == []
    assert {deed.what for deed in evidence.deeds} == {"send", "edit", "react"}
    assert all(found.messages for found in evidence.found)
    assert evidence.stored, "files were sent"


@pytest.mark.parametrize("harm", IN_SQL)
async def test_what_is_wrong_in_the_database_is_seen(run: Run, harm: str) -> None:
    statement, complaint = IN_SQL[harm]
    with psycopg.connect(run.database_url) as connection:
        connection.execute(statement.encode())
        evidence = run.evidence(connection)
        connection.rollback()
    assert complains(evidence, complaint), check_all(evidence)


async def test_bytes_too_many_and_too_few_are_seen(run: Run) -> None:
    stray = run.blobs / ("0" * 32)
    stray.write_bytes(b"of nobody")
    assert complains(look(run), "belong to no row")
    stray.unlink()
    blob = next(run.blobs.iterdir())
    blob.rename(run.server.data / blob.name)
    assert complains(look(run), "of its")
    (run.server.data / blob.name).rename(blob)
    assert check_all(look(run)) == []


def without_the_first(found: Found) -> Found:
    return replace(found, messages=found.messages[1:])


def doubled(found: Found) -> Found:
    return replace(found, messages=[found.messages[0], *found.messages])


def swapped(found: Found) -> Found:
    first, second, *rest = found.messages
    return replace(found, messages=[second, first, *rest])


def other_words(found: Found) -> Found:
    first, *rest = found.messages
    return replace(found, messages=[replace(first, text=f"{first.text} and more"), *rest])


def unread_twice(found: Found) -> Found:
    return replace(found, unread=found.unread + 1)


def forked(found: Found) -> Found:
    return replace(found, chain=bytes(32))


def unreadable(found: Found) -> Found:
    first, *rest = found.messages
    return replace(found, messages=[replace(first, text=None), *rest])


def excused(found: Found) -> Found:
    first, *rest = found.messages
    return replace(found, messages=[replace(first, text=None, problem="no_key"), *rest])


def unmoved(found: Found) -> Found:
    return replace(found, messages=[replace(one, reactions=()) for one in found.messages])


AT_A_CLIENT: dict[Callable[[Found], Found], str] = {
    without_the_first: "which was acknowledged",
    doubled: "2 times",
    swapped: "another order",
    other_words: "in place of one of",
    unread_twice: "unread, the database",
    forked: "another chain",
    unreadable: "is not told why",
    excused: "cannot read",
    unmoved: "misses",
}


@pytest.mark.parametrize("harm", AT_A_CLIENT, ids=lambda harm: harm.__name__)
async def test_what_one_client_has_otherwise_is_seen(
    run: Run, harm: Callable[[Found], Found]
) -> None:
    evidence = look(run)
    first, second, *rest = evidence.found
    changed = replace(evidence, found=[first, harm(second), *rest])
    assert complains(changed, AT_A_CLIENT[harm]), check_all(changed)


async def test_what_no_client_has_is_missed(run: Run) -> None:
    evidence = look(run)
    lost = Deed(who="anna", what="send", text="anna 1", acknowledged=True, message_id=999_999)
    assert complains(replace(evidence, deeds=[*evidence.deeds, lost]), "'anna 1' 0 times")
    unheard = replace(lost, acknowledged=False)
    assert check_all(replace(evidence, deeds=[*evidence.deeds, unheard])) == []


async def test_an_edit_is_missed_by_who_was_there(run: Run) -> None:
    """A visitor may have been away when it was made."""
    evidence = look(run)
    message_id = evidence.found[0].messages[0].message_id
    edit = Deed(who="anna", what="edit", text="anna 2", acknowledged=True, message_id=message_id)
    complaints = check_all(replace(evidence, deeds=[*evidence.deeds, edit]))
    residents = [found.who for found in evidence.found if found.resident]
    assert [complaint.split()[0] for complaint in complaints] == residents

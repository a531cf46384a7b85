"""A story with four people, on a throw-away server: `make demo`.

Ana, Bela, Chen and Dora type real commands against a real server with a real PostgreSQL. Every step
is checked; at the end stands what people saw beside what the database holds. Exit code 0 means that
every step held.
"""

import base64
import hashlib
import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

COTERIE: Final = (sys.executable, "-m", "coterie")
SOURCES: Final = Path(__file__).parents[1] / "src"
READY: Final = "Coterie is ready at "
GROUP: Final = "Book club"
FILE_BYTES: Final = 5_000_000

QUESTION: Final = "Shall we read Middlemarch next?"
ANSWER: Final = "Yes! I have waited years for somebody to ask."
FIRST_WORDS: Final = "Could it be someting shorter?"
BETTER_WORDS: Final = "Could it be something with dragons?"
WITH_FILE: Final = "The reading plan is attached."
FILE_NAME: Final = "Reading plan, chapters 1 to 86.pdf"
SPAM: Final = "CHEAP WATCHES, write to me quickly!!"
AFTER_BAN: Final = "Now then: chapter one by Thursday."
SECRETS: Final = [
    QUESTION,
    ANSWER,
    FIRST_WORDS,
    BETTER_WORDS,
    WITH_FILE,
    FILE_NAME,
    SPAM,
    AFTER_BAN,
]
EMOJI: Final = ("❤", "🎉")
"""Looked for in rows only: among megabytes of random bytes, three or four occur by chance."""

screen = Console(highlight=False, width=min(110, Console().width) if sys.stdout.isatty() else 110)


class Broken(Exception):  # noqa: N818 - the story is
    """A step did not hold."""


class Person:
    """Somebody with a profile, who types commands."""

    def __init__(self, name: str, colour: str, folder: Path) -> None:
        self.name = name
        self.colour = colour
        self.folder = folder / name
        self.folder.mkdir()

    def does(self, *words: object, shown: bool = True) -> Any:
        """Run a command that must succeed; its JSON."""
        done = self._run(*words, "--json", shown=shown)
        if done.returncode:
            raise Broken(f"{self.name}: {shlex.join(map(str, words))}: {done.stderr}")
        return json.loads(done.stdout)

    def is_refused(self, *words: object) -> str:
        """Run a command that must be refused; the code of the refusal."""
        done = self._run(*words, "--json")
        if done.returncode != 1:
            raise Broken(f"{self.name} should have been refused: {shlex.join(map(str, words))}")
        refusal = json.loads(done.stderr.splitlines()[-1])
        screen.print(f"        ✗ {refusal['message']}", style="yellow", markup=False)
        return refusal["code"]

    def reads(self) -> str:
        """The group as this person sees it, in the form for people."""
        return self._run("read", GROUP, "--limit", "3").stdout

    def _run(self, *words: object, shown: bool = True) -> "subprocess.CompletedProcess[str]":
        if shown:
            show_command(self.name, self.colour, words)
        return subprocess.run(
            [*COTERIE, *map(str, words)],
            env=_environment(self.folder / "profile"),
            cwd=self.folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )


def show_command(name: str, style: str, words: Sequence[object]) -> None:
    """As typed, but for `--json`, and without the secret of a link."""
    line = shlex.join(str(word).partition("#")[0] for word in words if word != "--json")
    prompt = Text.assemble((f"{name:>6} ", style), ("$ coterie ", "dim"), line)
    screen.print(prompt, no_wrap=True, overflow="ellipsis")


def _environment(home: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if "COTERIE" not in key}
    password = secrets.token_urlsafe()
    paths = {
        "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")]),
        "COTERIE_HOME": str(home),
    }
    return {**inherited, **paths, "COTERIE_PASSWORD": password}


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="coterie-demo-") as folder:
        try:
            tell(Path(folder))
        except Broken as broken:
            screen.print(f"The story breaks here. {broken}", style="bold red", markup=False)
            return 1
    screen.print(f"\nEvery step held. {time.monotonic() - began:.0f} seconds.", style="bold green")
    return 0


def tell(folder: Path) -> None:
    """The whole story."""
    data = folder / "server"
    colours = {"ana": "magenta", "bela": "cyan", "chen": "green", "dora": "blue"}
    ana, bela, chen, dora = (Person(name, colour, folder) for name, colour in colours.items())
    host = Person("host", "bold", folder)
    chapter("A server of one's own")
    with served(data) as url:
        holds(True, f"it is ready at {url}, with a PostgreSQL inside")
        sign_up(url, ana, bela, chen, dora)
        found_group(ana, bela, chen, dora)
        question, answer = talk(ana, bela, chen)
        react(ana, bela, question, answer)
        send_file(ana, bela)
        chen_reads = ban(ana, bela, chen)
        chapter("What people saw, and what the database holds")
        database = database_of(host, data)
        compare(ana.does("read", GROUP, shown=False), database)
        chapter("What two of them see")
        beside(("ana", ana.reads()), ("chen, who was banned", chen_reads))
        chapter("Does the server know any of it?")
        search(database, data)


def sign_up(url: str, *people: Person) -> None:
    chapter("Four people make accounts")
    accounts = [person.does("signup", person.name, "--server", url) for person in people]
    holds(len({one["user_id"] for one in accounts}) == len(people), "four accounts")
    codes = [one["recovery_code"].split() for one in accounts]
    holds(all(len(code) == 24 for code in codes), "each with 24 words, the way back to its keys")


def found_group(ana: Person, bela: Person, chen: Person, dora: Person) -> None:
    chapter("A group, and a link for two")
    ana.does("group", "create", GROUP)
    link = ana.does("invite", "create", GROUP, "--expires", "7d", "--max-uses", "2")["link"]
    for person in (bela, chen):
        holds(person.does("join", link)["name"] == GROUP, f"{person.name} is in")
    holds(dora.is_refused("join", link) == "invite_spent", "the third is refused")
    members = {one["username"]: one["role"] for one in ana.does("members", GROUP)}
    expected = {"ana": "owner", "bela": "member", "chen": "member"}
    holds(members == expected, "the group is ana, bela and chen")


def talk(ana: Person, bela: Person, chen: Person) -> tuple[int, int]:
    chapter("They talk, reply, edit")
    question = ana.does("send", GROUP, QUESTION)["message_id"]
    answer = bela.does("send", GROUP, ANSWER, "--reply-to", question)["message_id"]
    typo = chen.does("send", GROUP, FIRST_WORDS)["message_id"]
    chen.does("edit", GROUP, typo, BETTER_WORDS)
    read = {one["message_id"]: one for one in ana.does("read", GROUP)}
    holds([one["text"] for one in read.values()] == [QUESTION, ANSWER, BETTER_WORDS], "all is read")
    holds(read[answer]["reply_to_id"] == question, "the reply points at its question")
    holds(read[typo]["edited_at"] is not None, "the edit shows as one")
    return question, answer


def react(ana: Person, bela: Person, question: int, answer: int) -> None:
    chapter("They react")
    ana.does("react", GROUP, answer, "❤️")
    bela.does("react", GROUP, question, "🎉")
    bela.does("react", GROUP, question, "🎉")
    read = {one["message_id"]: one["reactions"] for one in bela.does("read", GROUP)}
    holds(read[answer] == [{"emoji": "❤️", "users": ["ana"]}], "the heart arrives as sent")
    holds(read[question] == [{"emoji": "🎉", "users": ["bela"]}], "a reaction twice counts once")


def send_file(ana: Person, bela: Person) -> None:
    chapter("A file of 5 MB")
    original, copy = bela.folder / FILE_NAME, ana.folder / FILE_NAME
    original.write_bytes(secrets.token_bytes(FILE_BYTES))
    bela.does("send", GROUP, WITH_FILE, "--file", FILE_NAME)
    [file] = ana.does("read", GROUP)[-1]["files"]
    holds((file["name"], file["size_bytes"]) == (FILE_NAME, FILE_BYTES), "name and size arrive")
    ana.does("download", GROUP, file["file_id"])
    holds(_digest(original) == _digest(copy), "and so does every byte")


def ban(ana: Person, bela: Person, chen: Person) -> str:
    """Chen is banned; what he sees afterwards."""
    chapter("A moderator bans")
    chen.does("send", GROUP, SPAM)
    holds(chen.is_refused("ban", GROUP, "bela") == "forbidden", "a member bans nobody")
    ana.does("role", GROUP, "bela", "moderator")
    bela.does("ban", GROUP, "chen", "--reason", "spam")
    bela.does("send", GROUP, AFTER_BAN)
    holds(ana.does("read", GROUP)[-1]["text"] == AFTER_BAN, "the others talk on")
    sees = chen.reads()
    holds(AFTER_BAN not in sees, "the banned one reads nothing new")
    chen.is_refused("send", GROUP, "Am I out?")
    holds(True, "says nothing more")
    link = ana.does("invite", "create", GROUP)["link"]
    chen.is_refused("join", link)
    members = [one["username"] for one in ana.does("members", GROUP)]
    holds("chen" not in members, "and cannot come back, even with a new link")
    return sees or "(nothing)"


def compare(messages: list[dict[str, Any]], database: "psycopg.Connection[Any]") -> None:
    table = Table(box=box.SIMPLE_HEAD, show_lines=True, expand=True)
    table.add_column("What people saw", ratio=1)
    table.add_column("What the database holds", ratio=1, style="dim")
    for message in messages:
        table.add_row(_seen(message), Text("\n".join(_held(message, database))))
    screen.print(table)


def beside(*columns: tuple[str, str]) -> None:
    table = Table(box=box.SIMPLE_HEAD, expand=True)
    for heading, _ in columns:
        table.add_column(heading, ratio=1)
    table.add_row(*(Text(text) for _, text in columns))
    screen.print(table)


def _seen(message: dict[str, Any]) -> Text:
    seen = Text.assemble((message["sender"], "bold"), f"  {message['text']}")
    for file in message["files"]:
        seen.append(f"\n📎 {file['name']}, {file['size_bytes']:,} bytes")
    for reaction in message["reactions"]:
        seen.append(f"\n{reaction['emoji']}  {', '.join(reaction['users'])}")
    return seen


def _held(message: dict[str, Any], database: "psycopg.Connection[Any]") -> Iterator[str]:
    query = database.execute
    number = (message["message_id"],)
    for reply_to, content in query(
        "SELECT reply_to_id, content_ciphertext FROM messages WHERE id = %s", number
    ):
        answers = f", answers #{reply_to}" if reply_to else ""
        yield f"#{number[0]}{answers}: {content[114:126].hex()}…, {len(content)} bytes"
    for name, size in query("SELECT filename, size_bytes FROM files WHERE message_id = %s", number):
        yield f"file {name[:24]}…, {size:,} bytes"
    for (emoji,) in query("SELECT emoji FROM reactions WHERE message_id = %s", number):
        yield f"reaction {emoji}"


def search(database: "psycopg.Connection[Any]", data: Path) -> None:
    """Look for everything that was said, in every row and every byte on the disk."""
    listed = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = [name for (name,) in listed]
    rows = "\n".join(_rows(database, tables)).encode()
    disk = b"\n".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for place, content in ((f"{len(tables)} tables", rows), ("the data folder", disk)):
        hits = [secret for secret in SECRETS if _found(secret, content)]
        size = f"{len(content) / 1e6:,.1f} MB"
        holds(not hits, f"{place} ({size}): no text and no file name, in no encoding")
    holds(not any(emoji.encode() in rows for emoji in EMOJI), "nor any emoji")
    holds(GROUP.encode() in rows, "the group's name, which this version leaves readable, is found")


def _rows(database: "psycopg.Connection[Any]", tables: list[str]) -> Iterator[str]:
    for table in tables:
        statement = SQL("SELECT t::text FROM {} t")
        for (row,) in database.execute(statement.format(Identifier(table))):
            yield row


def _found(secret: str, content: bytes) -> bool:
    """As it is, in UTF-16, in hex, and in base64 at each of its three alignments."""
    raw = secret.encode()
    encoded = (base64.b64encode(bytes(shift) + raw)[4:-4] for shift in range(3))
    forms = (raw, secret.encode("utf-16-le"), raw.hex().encode(), *encoded)
    return any(form in content for form in forms)


def database_of(operator: Person, data: Path) -> "psycopg.Connection[Any]":
    return psycopg.connect(operator.does("database", "url", "--data", data)["url"])


@contextmanager
def served(data: Path) -> Generator[str]:
    """A server on a free port, stopped at the end."""
    words = ["serve", "--port", "0", "--data", str(data)]
    show_command("host", "bold", words)
    process = subprocess.Popen(
        [*COTERIE, *words], stdout=subprocess.PIPE, text=True, env=_environment(data / "none")
    )
    assert process.stdout  # noqa: S101 - a pipe was asked for
    try:
        ready = next((line for line in process.stdout if line.startswith(READY)), None)
        if ready is None:
            raise Broken("the server did not start")
        yield ready.removeprefix(READY).strip()
    finally:
        process.terminate()
        process.wait(30)


def chapter(title: str) -> None:
    screen.print(f"\n{title}", style="bold")


def holds(condition: bool, sentence: str) -> None:
    if not condition:
        raise Broken(f"It does not hold: {sentence}")
    screen.print(f"        ✓ {sentence}", style="green", markup=False)


def _digest(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes()).digest()


if __name__ == "__main__":
    sys.exit(main())

"""Every `coterie …` command of the page for operators: understood, and where it can be, run."""

import re
from pathlib import Path

import pytest

from tests.cli.people import Person
from tests.deploy.commands import commands_of, understand
from tests.support.server import Server

PAGE = (Path(__file__).parents[2] / "docs" / "self-hosting.md").read_text()
COMMANDS = commands_of(PAGE)
SAMPLES = {
    "HOST:PORT": "127.0.0.1:9440",
    "N": "9",
    "DIR": "/srv",
    "URL": "https://a.example",
    "ADDRESS": "::1",
}
RUNS_FOR_EVER = "serve"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_is_understood(words: list[str]) -> None:
    understand([word if word != "ID" else "0b5e2c1e-5b0f-4c8e-9a55-6a2c3e1d7f10" for word in words])


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 15
    assert {"serve", "doctor", "admin", "backup"} <= {words[0] for words in COMMANDS}


def test_every_option_of_the_table_exists() -> None:
    table = PAGE.partition("## Options")[2].partition("\n## ")[0]
    for name, value in re.findall(r"^\| `(--[a-z-]+) ?([^`]*)`", table, re.M):
        chosen = value.split("\\|")[0]
        understand(["serve", name, *filter(None, [SAMPLES.get(chosen, chosen)])])


def test_they_do_what_the_page_says(tmp_path: Path) -> None:
    """In its order, on a server of its own; only the names of folders are others."""
    operator = Person("operator", tmp_path / "operator")
    (tmp_path / "backup").mkdir()
    with Server(tmp_path / "coterie", "--registration", "invite") as server:
        for name in ("ana", "mallory"):
            code = operator.does("admin", "invite", "--data", server.data)["code"]
            person = Person(name, tmp_path / name)
            words = ("signup", name, "--server", server.url)
            assert person.run(*words, COTERIE_REGISTRATION_CODE=code).code == 0
        for words in COMMANDS:
            if words[0] != RUNS_FOR_EVER and "/data" not in words:
                run(operator, server, [_here(word, tmp_path) for word in words])
    with Server(tmp_path / "coterie-restored"):
        pass


def run(operator: Person, server: Server, words: list[str]) -> None:
    if "ID" in words:
        invites = operator.does("admin", "invites", "--data", server.data)["invites"]
        words[words.index("ID")] = invites[0]["id"]
    done = operator.run(*words)
    if words[0] == "doctor":  # chat.example.org is nobody's
        failed = [line.split()[1] for line in done.out.splitlines() if line.startswith("FAIL")]
        assert failed == ["address"]
    else:
        assert done.code == 0, f"{words}: {done.err}"


def _here(word: str, folder: Path) -> str:
    return word.replace("/srv/", f"{folder}/").replace("/backup/", f"{folder}/backup/")

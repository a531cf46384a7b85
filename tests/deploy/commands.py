"""Command lines that pages and files name, held against the program that should understand them."""

import re
import shlex

from coterie.cli.app import command

FENCE = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)


def commands_of(page: str) -> list[list[str]]:
    """Every `coterie …` line in the shell blocks of a page, in their order, without its comment."""
    lines = [line for block in FENCE.findall(page) for line in block.splitlines()]
    found = [line.partition("exec coterie coterie ")[2] for line in lines]
    plain = [line.removeprefix("coterie ") for line in lines if line.startswith("coterie ")]
    return [shlex.split(words, comments=True) for words in (*plain, *filter(None, found))]


def understand(words: list[str]) -> None:
    """Read a command line to its last word, and run nothing. Raises AssertionError, and
    typer.TyperException."""
    node, rest = command(), list(words)
    while hasattr(node, "commands"):
        assert "".join(rest[:1]) in node.commands, f"no such command: {words}"
        node = node.commands[rest.pop(0)]
    context = node.make_context(words[0], rest)
    leftover = [word for word in context.args if word.startswith("-")]
    assert not leftover, f"no such option: {leftover}"

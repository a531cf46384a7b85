"""How the words of a verb are read: texts may begin with a dash, options may stand anywhere."""

from inspect import cleandoc
from typing import Any

import typer
from typer.core import TyperCommand


def reflowed(text: str) -> str:
    """Paragraphs of one line each, broken where the terminal ends; examples stay as they are."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(one if "\b" in one else " ".join(one.split()) for one in paragraphs)


class Verb(TyperCommand):
    """A word that is no option of the verb is text, even if it looks like one.

    `--` ends the options, as everywhere; only a `--json` that would be one word too many after it
    is still understood.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = reflowed(self.help or "")
        self.ignore_unknown_options = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, list(args))
        except typer.TyperException:
            if "--" not in args or args[-1] != "--json":
                raise
        return super().parse_args(ctx, ["--json", *args[:-1]])

"""All that is fuzzed, by name."""

from importlib import import_module

from tests.fuzz.target import Target

NAMES = (
    "mls.messages",
    "mls.groups",
    "mls.insiders",
    "governance.objects",
    "governance.commits",
    "protocol.frames",
    "protocol.commands",
    "protocol.headers",
    "protocol.links",
    "sdk.contents",
    "sdk.files",
)


def target(name: str) -> Target:
    """Imports no more than it needs: atheris takes its time for each module."""
    module, _, make = name.partition(".")
    made: Target = getattr(import_module(f"tests.fuzz.{module}"), make)()
    return made

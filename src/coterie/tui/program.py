"""The running program, as its screens and widgets see it: with a type."""

from typing import Any

from textual import getters
from textual.app import App


def _program() -> type[App[Any]]:
    return App


program = getters.app(_program)

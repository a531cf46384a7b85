"""Where a password comes from: COTERIE_PASSWORD, else a prompt; never the command line."""

import os
import sys

import typer


def ask_password(*, twice: bool = False) -> str:
    """Raises typer.BadParameter when there is neither the variable nor a terminal."""
    password = os.environ.get("COTERIE_PASSWORD")
    if password:
        return password
    if not sys.stdin.isatty():
        raise typer.BadParameter("set COTERIE_PASSWORD, or run this on a terminal")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=twice, err=True))

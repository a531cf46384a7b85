"""Durations as people type them: 90s, 30m, 12h, 7d, 2w."""

import re
from datetime import timedelta

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


OFF = "off"


def parse_duration_or_off(text: str) -> timedelta:
    """`off` is none at all. Raises typer.BadParameter."""
    return timedelta() if text.strip().lower() == OFF else parse_duration(text)


def parse_duration(text: str) -> timedelta:
    """Raises typer.BadParameter."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhdw])", text.strip().lower())
    if not found:
        raise typer.BadParameter("a duration looks like 30m, 12h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})

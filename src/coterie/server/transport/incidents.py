"""Errors that nobody expected: logged under a number, which is all that is told."""

import secrets

import structlog

from coterie.protocol.errors import Internal
from coterie.server.logs import place_of

log = structlog.get_logger()


def incident_of(error: Exception) -> Internal:
    """The error's text may hold contents: only its kind and place are logged."""
    incident = secrets.token_hex(4)
    log.error(
        "command.failed", incident=incident, error=type(error).__name__, place=place_of(error)
    )
    return Internal(incident)

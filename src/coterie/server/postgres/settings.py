"""How the embedded PostgreSQL is set. Given on its command line, so no file can undo it."""

from collections.abc import Mapping
from pathlib import Path

DEFAULTS = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""A moderate machine; whoever starts it may choose otherwise."""

FIXED = {
    # An acknowledged message is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Nobody but the owner of the folder reaches it.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Errors are logged without the values that caused them.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "logging_collector": "off",
}
"""Promises: not for anybody to choose."""


def arguments(chosen: Mapping[str, str], sockets: Path, port: int) -> list[str]:
    """The options of `postgres`."""
    own = {"unix_socket_directories": str(sockets), "port": str(port)}
    settings = {**DEFAULTS, **chosen, **FIXED, **own}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

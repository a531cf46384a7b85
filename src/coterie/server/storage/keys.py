"""The secrets of a server: small files of its data folder that nobody else may read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

SEED_BYTES = 32
CODE_BYTES = 12
SHORTEST_CODE = 12
"""Of one that the operator has chosen."""


class KeyUnusable(Exception):  # noqa: N818 - named after the state it reports
    """A file of secrets is not what it should be. The message names it, never its content."""


def load_server_seed(data: Path) -> bytes:
    """The Ed25519 seed in `server.key`, made when there is none yet."""
    path = data / "server.key"
    text = _load(path, lambda: secrets.token_hex(SEED_BYTES))
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise KeyUnusable(f"{path} does not hold a key. Put the true one back from a backup.")
    return seed


def load_registration_code(data: Path) -> str:
    """The code in `registration.code`, made when there is none yet. Delete it for a new one."""
    path = data / "registration.code"
    code = _load(path, lambda: secrets.token_hex(CODE_BYTES))
    if len(code) < SHORTEST_CODE:
        raise KeyUnusable(f"The code in {path} is too short. Delete the file to get a new one.")
    return code


def _load(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        _write(path, make())
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} may be read by others. Make it private: chmod 600 {path}")
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    """Whole or not at all, durable, and private from its first moment."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

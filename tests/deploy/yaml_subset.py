"""As much of YAML as compose.yaml uses: maps, lists, flow lists in JSON, plain and quoted scalars.

Anything else is refused, so that nothing is read otherwise than Compose reads it.
"""

import json
import re
from typing import Any

_PAIR = re.compile(r"([\w./-]+):(?: (.+))?")
_PLAIN = re.compile(r"[^\s\[\]{}&*!|>'\"%@`#,?:-](?:[^#:]|:(?! )|(?<! )#)*")


def load(text: str) -> Any:
    """Raises ValueError."""
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    value, rest = _block(lines, 0)
    if rest:
        raise ValueError(f"does not belong here: {rest[0]!r}")
    return value


def _block(lines: list[str], indent: int) -> tuple[Any, list[str]]:
    if lines and lines[0].startswith(" " * indent + "- "):
        return _list(lines, indent)
    return _map(lines, indent)


def _list(lines: list[str], indent: int) -> tuple[list[Any], list[str]]:
    items: list[Any] = []
    while lines and lines[0].startswith(" " * indent + "- "):
        items.append(_scalar(lines.pop(0).strip()[2:]))
    return items, lines


def _map(lines: list[str], indent: int) -> tuple[dict[str, Any], list[str]]:
    found: dict[str, Any] = {}
    while lines and _depth(lines[0]) == indent:
        pair = _PAIR.fullmatch(lines.pop(0).strip())
        if pair is None or pair[1] in found:
            raise ValueError(f"no pair, or there twice: {pair}")
        if pair[2] is not None:
            found[pair[1]] = _scalar(pair[2])
        elif lines and _depth(lines[0]) > indent:
            found[pair[1]], lines = _block(lines, _depth(lines[0]))
        else:
            found[pair[1]] = None
    return found, lines


def _scalar(text: str) -> Any:
    if text[0] in '["':
        return json.loads(text)
    if text in ("true", "false"):
        return text == "true"
    if not _PLAIN.fullmatch(text) and not text.startswith(("./", "${")):
        raise ValueError(f"no plain scalar: {text!r}")
    return int(text) if text.isdecimal() else text


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

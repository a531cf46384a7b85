"""The reference for people: every command, event, refusal, permission and limit."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec import NODEFAULT
from msgspec import inspect as shapes

from contract.shapes import EVENTS, REFUSALS, RESULTS, all_limits, description, struct_type
from coterie.protocol.api import API, PREFIX, Endpoint
from coterie.protocol.errors import Refusal
from coterie.protocol.limits import DAY, GIB, HOUR, KIB, MIB, MINUTE
from coterie.protocol.roles import PERMISSIONS, Action, Role

HEAD = f"""\
# Reference

Written by `tools/generate.py` from `src/coterie/protocol`; do not edit. For tools:
[openapi.gen.json](openapi.gen.json).

Commands go to `{PREFIX}` as JSON: bytes are base64, ids are UUIDs, times are RFC 3339; or as
msgpack, where `Content-Type` says so: bytes and ids are raw. Answers are in JSON, or in msgpack
where `Accept` names `application/msgpack`. Fields
named in the path stand there; the rest is the body, or the query of GET and DELETE. A session's
token goes into `Authorization: Bearer …`; *public* commands need none. Besides the commands there
are `GET {PREFIX}/events` (the WebSocket) and `PUT` and `GET {PREFIX}/files/{{file_id}}/content`,
where [tus 1.0](https://tus.io/protocols/resumable-upload) is spoken too: `POST {PREFIX}/files`
creates an upload, with the fields of `ReserveFile` as metadata.
"""


def render() -> str:
    parts = [
        HEAD,
        "## Commands",
        *map(command, API),
        "## Results",
        *map(result, RESULTS),
        "## Frames",
        "Of the WebSocket: msgpack arrays that begin with an op. `Hello` and `Ask` are the"
        " client's,\nthe others the server's.",
        *map(event, EVENTS),
        "## Refusals",
        'An HTTP status and a body `{"code": …}` with the fields named here.\n',
        *table(("code", "status", "fields", "meaning"), map(refusal, REFUSALS)),
        "\n## Who may do what\n",
        *table(("action", *(role.value for role in Role)), map(permission, Action)),
        "\nOn whom, the ranks decide: nobody acts on somebody at or above their own rank.",
        "\n## Limits\n",
        *table(("limit", "value"), ((f"`{n}`", amount(n, v)) for n, v in all_limits().items())),
    ]
    return "\n".join(parts) + "\n"


def command(row: Endpoint) -> str:
    public = ", public" if row.public else ""
    call = f"`{row.method} {row.path}` → {row.result.__name__}{public}"
    return f"\n### {row.command.__name__}\n\n{call}\n" + entry(row.command)


def result(shape: type[Any]) -> str:
    return f"\n### {shape.__name__}\n" + entry(shape)


def event(shape: type[Any]) -> str:
    info = struct_type(shape)
    return f"\n### {shape.__name__} (op {info.tag})\n" + entry(shape)


def entry(shape: type[Any]) -> str:
    info = struct_type(shape)
    text = description(shape)
    lines = [f"* `{field.name}`: {type_of(field.type)}{default(field)}" for field in info.fields]
    return (f"\n{text}\n" if text else "") + ("\n" + "\n".join(lines) + "\n" if lines else "")


def default(field: shapes.Field) -> str:
    if field.required:
        return ""
    if field.default is NODEFAULT or field.default is None:
        return ", optional"
    return f", default {field.default}"


def type_of(shape: shapes.Type) -> str:
    match shape:
        case shapes.StructType(cls=cls):
            return cls.__name__
        case shapes.EnumType(cls=cls):
            return f"{cls.__name__} ({', '.join(str(member.value) for member in cls)})"
        case shapes.UnionType(types=options):
            return " or ".join(map(type_of, options))
        case shapes.ListType(item_type=item, max_length=most):
            return "list of " + type_of(item) + (f", at most {most}" if most else "")
        case shapes.IntType(ge=low, le=high):
            return "integer" + between(low, high)
        case shapes.StrType(min_length=low, max_length=high, pattern=pattern):
            return "text" + between(low, high, " characters") + (f" `{pattern}`" if pattern else "")
        case shapes.BytesType(min_length=low, max_length=high):
            return "bytes" + between(low, high)
        case _:
            return NAMES[type(shape)]


NAMES: dict[type[shapes.Type], str] = {
    shapes.BoolType: "true or false",
    shapes.UUIDType: "UUID",
    shapes.DateTimeType: "time",
    shapes.NoneType: "null",
    shapes.RawType: "as the command has it",
}


def between(low: int | None, high: int | None, unit: str = "") -> str:
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f", from {low}{unit}"
        case None, _:
            return f", to {high}{unit}"
        case _:
            return f", {low}{unit}" if low == high else f", {low} to {high}{unit}"


def refusal(shape: type[Refusal]) -> tuple[str, ...]:
    info = struct_type(shape)
    fields = ", ".join(f"`{field.name}`" for field in info.fields)
    return f"`{info.tag}`", str(shape.status), fields, description(shape) or shape.advice


def permission(action: Action) -> tuple[str, ...]:
    return f"`{action.value}`", *("✓" if action in PERMISSIONS[role] else "" for role in Role)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(re.sub(r"\s+", " ", cell) for cell in line) + " |" for line in lines]


def amount(name: str, value: object) -> str:
    """A limit in words: its name says its unit, a pair is a range or a rate."""
    match value:
        case (int(low), int(high)) if name.endswith("_LENGTH"):
            return f"{low} to {high} characters"
        case (int(low), int(high)) if name.endswith("_SECONDS"):
            return f"{duration(low)} to {duration(high)}"
        case (int(count), int(seconds)):
            return f"{count} in {duration(seconds)}"
        case int(seconds) if name.endswith("_SECONDS"):
            return duration(seconds)
        case int(size) if name.endswith("_BYTES"):
            return in_units(size, ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1, "bytes")))
        case int(count):
            return f"{count:,}"
        case _:
            return f"`{value}`"


def duration(seconds: int) -> str:
    return in_units(seconds, ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s")))


def in_units(value: int, units: tuple[tuple[int, str], ...]) -> str:
    size, name = next(unit for unit in units if value % unit[0] == 0 and value >= unit[0])
    return f"{value // size} {name}"

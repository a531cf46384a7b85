"""TypeScript types, as the web client's codecs yield them from JSON and from msgpack alike."""

import enum
import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import inspect as shapes

from contract.shapes import (
    COMMANDS,
    ENUMS,
    EVENTS,
    REFUSALS,
    RESULTS,
    all_limits,
    description,
    struct_type,
)
from coterie.protocol.api import API, PREFIX
from coterie.protocol.events import Event
from coterie.protocol.roles import PERMISSIONS, Role

HEAD = """\
// Written by tools/generate.py from src/coterie/protocol. Do not edit.

/** base64 in JSON, raw in msgpack. */
export type Bytes = Uint8Array;
/** Text in JSON, 16 bytes in msgpack. */
export type Uuid = string;
/** RFC 3339 in JSON, a timestamp in msgpack. */
export type Instant = Date;
"""


def render() -> str:
    parts = [
        HEAD,
        *map(enum_type, ENUMS),
        *map(declaration, [*RESULTS, *COMMANDS, *EVENTS, *REFUSALS]),
        union("AnyEvent", [e for e in EVENTS if issubclass(e, Event)]),
        union("AnyRefusal", REFUSALS),
        calls(),
        f'export const PREFIX = "{PREFIX}";\n',
        constant("ROUTES", {row.command.__name__: [row.method, row.path] for row in API}),
        constant("PERMISSIONS", permissions()),
        constant("LIMITS", all_limits()),
    ]
    return "\n".join(parts)


def enum_type(values: type[enum.Enum]) -> str:
    name = values.__name__
    return (
        comment(description(values))
        + constant(name, {member.name: member.value for member in values})
        + f"export type {name} = (typeof {name})[keyof typeof {name}];\n"
    )


def declaration(shape: type[Any]) -> str:
    info = struct_type(shape)
    body = tuple_body(info) if info.array_like else object_body(info)
    return comment(description(shape)) + f"export type {shape.__name__} = {body};\n"


def object_body(info: shapes.StructType) -> str:
    tag = [f'  readonly {info.tag_field}: "{info.tag}";'] if info.tag_field else []
    lines = tag + [
        f"  readonly {field.name}{'' if field.required else '?'}: {type_of(field.type)};"
        for field in info.fields
    ]
    return "{\n" + "\n".join(lines) + "\n}" if lines else "Record<string, never>"


def tuple_body(info: shapes.StructType) -> str:
    tag = [f"op: {info.tag}"] if info.tag is not None else []
    return f"readonly [{', '.join(tag + [f'{f.name}: {type_of(f.type)}' for f in info.fields])}]"


def type_of(shape: shapes.Type) -> str:
    match shape:
        case shapes.StructType(cls=cls) | shapes.EnumType(cls=cls):
            return cls.__name__
        case shapes.UnionType(types=options):
            return " | ".join(map(type_of, options))
        case shapes.ListType(item_type=item):
            return f"readonly {type_of(item)}[]"
        case shapes.IntType():
            return "number"
        case shapes.StrType():
            return "string"
        case shapes.BoolType():
            return "boolean"
        case shapes.BytesType():
            return "Bytes"
        case shapes.UUIDType():
            return "Uuid"
        case shapes.DateTimeType():
            return "Instant"
        case shapes.NoneType():
            return "null"
        case shapes.RawType():
            return "unknown"
        case _:
            raise TypeError(f"the contract has no {type(shape).__name__} yet")


def union(name: str, members: Iterable[type[Any]]) -> str:
    return f"export type {name} =\n  | " + "\n  | ".join(m.__name__ for m in members) + ";\n"


def calls() -> str:
    rows = ((row.command.__name__, row.result.__name__) for row in API)
    lines = "".join(f"  {command}: [{command}, {result}];\n" for command, result in rows)
    return comment("What is asked and what is answered.") + f"export type Calls = {{\n{lines}}};\n"


def permissions() -> dict[str, list[str]]:
    return {role.value: sorted(PERMISSIONS[role]) for role in Role}


def constant(name: str, value: Mapping[str, object]) -> str:
    lines = "".join(f"  {key}: {json.dumps(item)},\n" for key, item in value.items())
    return f"export const {name} = {{\n{lines}}} as const;\n"


def comment(text: str) -> str:
    if not text:
        return ""
    lines = text.splitlines()
    if len(lines) == 1:
        return f"/** {text} */\n"
    return "/**\n" + "\n".join(f" * {line}".rstrip() for line in lines) + "\n */\n"

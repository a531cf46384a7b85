"""One well-formed value of whatever the protocol declares."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

_TEXTS = ("anna", "A" * 20)


def example_of(declared: type[msgspec.Struct]) -> Any:
    """The only thing it cannot know is a new kind of type: then it raises AssertionError."""
    return msgspec.convert(_value_of(inspect.type_info(declared)), declared)


def _value_of(kind: inspect.Type) -> Any:
    match kind:
        case inspect.StructType(array_like=True):
            tag = [] if kind.tag is None else [kind.tag]
            return [*tag, *(_value_of(field.type) for field in kind.fields)]
        case inspect.StructType():
            return {field.encode_name: _value_of(field.type) for field in kind.fields}
        case inspect.UnionType():
            return _value_of(next(one for one in kind.types if one != inspect.NoneType()))
        case inspect.ListType() | inspect.VarTupleType():
            return [_value_of(kind.item_type)]
        case inspect.TupleType():
            return [_value_of(item) for item in kind.item_types]
        case inspect.BytesType():
            return bytes(kind.min_length or 1)
        case inspect.StrType():
            fitting = (text for text in _TEXTS if re.search(kind.pattern or "", text))
            return next(fitting).ljust(kind.min_length or 0, "a")
        case inspect.IntType():
            return kind.ge or 0
        case inspect.EnumType():
            return next(iter(kind.cls)).value
        case inspect.UUIDType():
            return UUID(int=1)
        case inspect.DateTimeType():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case inspect.BoolType():
            return True
        case _:
            raise AssertionError(kind)

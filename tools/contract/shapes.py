"""What stands in `coterie.protocol`, in the order it is written there."""

import enum
import inspect
import re
from types import ModuleType
from typing import Any, TypeVar

import msgspec
from msgspec.inspect import StructType, type_info

from coterie.protocol import api, commands, errors, events, limits
from coterie.protocol.header import EntryKind, ReactionOp
from coterie.protocol.roles import Action, History, Inviters, Role

Base = TypeVar("Base", bound=msgspec.Struct)


def defined(module: ModuleType, base: type[Base]) -> list[type[Base]]:
    """The structs below `base` that `module` itself, or a module of the package, defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value is not base
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
    ]


COMMANDS = [row.command for row in api.API]
RESULTS = [s for s in defined(commands, msgspec.Struct) if not issubclass(s, commands.Command)]
EVENTS = [events.Hello, events.Ask, *defined(events, events.Event)]
REFUSALS = defined(errors, errors.Refusal)
ENUMS: list[type[enum.Enum]] = [
    Role,
    Action,
    History,
    Inviters,
    EntryKind,
    ReactionOp,
    commands.Act,
]


def struct_type(shape: type[Any]) -> StructType:
    found = type_info(shape)
    if not isinstance(found, StructType):
        raise TypeError(f"{shape.__name__} is no struct")
    return found


def description(shape: type[Any]) -> str:
    """The docstring a type was given; inherited ones do not count."""
    return inspect.cleandoc(shape.__dict__.get("__doc__") or "")


def path_parameters(row: api.Endpoint) -> list[str]:
    return re.findall(r"{(\w+)}", row.path)


def all_limits() -> dict[str, object]:
    """By name; the units they are written in (KIB, DAY, …) left out."""
    units = {"KIB", "MIB", "GIB", "MINUTE", "HOUR", "DAY"}
    return {k: v for k, v in vars(limits).items() if k.isupper() and k not in units}

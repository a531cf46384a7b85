"""OpenAPI 3.1, for tools that speak HTTP."""

import json
from typing import Any, Final

import msgspec

from contract.shapes import COMMANDS, EVENTS, REFUSALS, RESULTS, description, path_parameters
from coterie.protocol.api import API, PREFIX, Endpoint

Json = dict[str, Any]

REF: Final = "#/components/schemas/{name}"
ENCODINGS: Final = ("application/json", "application/msgpack")
"""In msgpack bytes and ids are raw, and times are timestamps."""

REFUSED: Final[Json] = {"$ref": "#/components/responses/Refused"}

_FILE_ID: Final[Json] = {
    "name": "file_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_BYTES: Final[Json] = {"application/octet-stream": {}}


def _header(name: str) -> Json:
    return {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}


_TUS: Final[Json] = _header("Tus-Resumable")

STREAMS: Final[Json] = {
    "/events": {
        "get": {
            "operationId": "Events",
            "description": "The WebSocket: msgpack frames, first `Hello`, then `Ready` and events.",
            "responses": {"101": {"description": "Switching protocols"}},
            "security": [],
        }
    },
    "/files/{file_id}/content": {
        "parameters": [_FILE_ID],
        "put": {
            "operationId": "UploadFile",
            "description": "The ciphertext of a reserved file, exactly `size_bytes` of it.",
            "requestBody": {"content": _BYTES},
            "responses": {"200": {"description": "Done"}, "default": REFUSED},
        },
        "get": {
            "operationId": "DownloadFile",
            "description": "The ciphertext of a file, or a range of it.",
            "responses": {
                "200": {"description": "The ciphertext", "content": _BYTES},
                "206": {"description": "The range asked for", "content": _BYTES},
                "default": REFUSED,
            },
        },
        "head": {
            "operationId": "GetUploadOffset",
            "description": "tus 1.0: how much of one's own upload has arrived.",
            "parameters": [_TUS],
            "responses": {"200": {"description": "Upload-Offset, Upload-Length"}},
        },
        "patch": {
            "operationId": "ContinueUpload",
            "description": "tus 1.0: the next piece of the ciphertext. 423 beside another.",
            "parameters": [_TUS, _header("Upload-Offset")],
            "requestBody": {"content": {"application/offset+octet-stream": {}}},
            "responses": {"204": {"description": "Upload-Offset"}, "default": REFUSED},
        },
        "delete": {
            "operationId": "EndUpload",
            "description": "tus 1.0, termination: `DiscardFile`.",
            "parameters": [_TUS],
            "responses": {"204": {"description": "Done"}, "default": REFUSED},
        },
        "options": {
            "operationId": "GetUploadAbilities",
            "description": "tus 1.0: its version, extensions and largest file.",
            "responses": {"204": {"description": "Tus-Version, Tus-Extension, Tus-Max-Size"}},
            "security": [],
        },
    },
    "/files": {
        "post": {
            "operationId": "CreateUpload",
            "description": "tus 1.0, creation: `ReserveFile`; its other fields are the metadata.",
            "parameters": [_TUS, _header("Upload-Length"), _header("Upload-Metadata")],
            "responses": {"201": {"description": "Location"}, "default": REFUSED},
        },
    },
}


def render() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> Json:
    shapes = [*COMMANDS, *RESULTS, *EVENTS, *REFUSALS]
    _, schemas = msgspec.json.schema_components(shapes, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Coterie", "version": "1", "license": {"name": "Apache-2.0"}},
        "servers": [{"url": PREFIX}],
        "security": [{"session": []}],
        "paths": paths(schemas) | STREAMS,
        "components": {
            "schemas": schemas,
            "responses": {"Refused": refused()},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def paths(schemas: Json) -> Json:
    found: Json = {}
    for row in API:
        found.setdefault(row.path, {})[row.method.lower()] = operation(row, schemas)
    return found


def operation(row: Endpoint, schemas: Json) -> Json:
    written: Json = {
        "operationId": row.command.__name__,
        "description": description(row.command),
        "responses": {
            "200": {"description": row.result.__name__, "content": content(_ref(row.result))},
            "default": REFUSED,
        },
    }
    if parameters := parameters_of(row, schemas):
        written["parameters"] = parameters
    if body := body_of(row, schemas):
        written["requestBody"] = {"content": content(body)}
    if row.public:
        written["security"] = []
    return written


def parameters_of(row: Endpoint, schemas: Json) -> list[Json]:
    """In the path or, without a body, in the query: fields of the command either way."""
    schema, named = schemas[row.command.__name__], path_parameters(row)
    return [
        {
            "name": name,
            "in": "path" if name in named else "query",
            "required": name in schema.get("required", ()),
            "schema": shape,
        }
        for name, shape in schema["properties"].items()
        if name in named or not has_body(row)
    ]


def body_of(row: Endpoint, schemas: Json) -> Json | None:
    schema, named = schemas[row.command.__name__], path_parameters(row)
    fields = {name: shape for name, shape in schema["properties"].items() if name not in named}
    if not fields or not has_body(row):
        return None
    return {
        "type": "object",
        "properties": fields,
        "required": [name for name in schema.get("required", ()) if name in fields],
        "additionalProperties": False,
    }


def refused() -> Json:
    schema = {"oneOf": [_ref(refusal) for refusal in REFUSALS]}
    return {"description": "A refusal: `code` says which", "content": content(schema)}


def has_body(row: Endpoint) -> bool:
    return row.method not in ("GET", "DELETE")


def content(schema: Json) -> Json:
    return {encoding: {"schema": schema} for encoding in ENCODINGS}


def _ref(shape: type[Any]) -> Json:
    return {"$ref": REF.format(name=shape.__name__)}

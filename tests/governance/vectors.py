"""The form of the vectors in tests/vectors/accept.json, written by tools/make_accept_vectors.py.

`states` holds public states by name: the bytes of GroupContext, ratchet tree and confirmation tag.
`cases` are commits upon them, `genesis` epochs 0 with the server's key, `chains` anchors with
what is expected of them and the commits that follow. `rule` is the id of the rule that refuses,
or null; then `changes` (of a case) and `context_hash` (H of the GroupContext reached) are given.
Bytes are in base64.
"""

import base64
import gzip
import json
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from coterie.governance.accept import Verdict
from coterie.governance.anchors import anchor_hash
from coterie.governance.changes import Change
from coterie.mls import GroupContext, PublicGroup, RatchetTree
from coterie.protocol.errors import CommitRefused, Refused

FOLDER = Path(__file__).parents[1] / "vectors"
ACCEPT = FOLDER / "accept.json"
LARGE = FOLDER / "accept-large.json.gz"

Json = dict[str, Any]


def read(path: Path) -> Json:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def write(path: Path, vectors: Json) -> None:
    text = (json.dumps(vectors, indent=1, ensure_ascii=False) + "\n").encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def bytes_of(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def state_to_json(public: PublicGroup) -> Json:
    return {
        "context": text_of(public.context.encoded),
        "tree": text_of(public.tree.encode()),
        "tag": text_of(public.confirmation_tag),
    }


def state_from_json(state: Json) -> PublicGroup:
    context = GroupContext.decode(bytes_of(state["context"]))
    tree = RatchetTree.decode(bytes_of(state["tree"]))
    return PublicGroup.of(context, tree, bytes_of(state["tag"]))


def commit_to_json(commit: bytes) -> str | Json:
    """A long run of zeros is told, not shown."""
    return text_of(commit) if any(commit) else {"zeros": len(commit)}


def commit_from_json(commit: str | Json) -> bytes:
    return bytes_of(commit) if isinstance(commit, str) else bytes(commit["zeros"])


def verdict_to_json(verdict: Verdict) -> Json:
    return {
        "changes": [change_to_json(change) for change in verdict.changes],
        "context_hash": text_of(anchor_hash(verdict.after.context)),
    }


def refusal_to_json(no: Refused) -> Json:
    assert isinstance(no.refusal, CommitRefused)
    return {"rule": no.refusal.rule}


def change_to_json(change: Change) -> Json:
    fields = {name: _plain(value) for name, value in msgspec.structs.asdict(change).items()}
    return {"change": type(change).__name__, **fields}


def _plain(value: object) -> object:
    match value:
        case bytes():
            return text_of(value)
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case _:
            return value


CHANGES = [kind.__name__ for kind in Change.__subclasses__()]
"""The names of all changes a verdict may list."""

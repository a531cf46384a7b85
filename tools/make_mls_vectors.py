"""Writes tests/mls/vectors/*.json: vectors of our own, so that a plain clone tests itself and other
implementations of the protocol can be held against this one.

* passive.json: a member joins by Welcome and follows, in the format of the official
  passive-client vectors, with one exported secret per epoch beside.
* public.json: an anchor and a chain of commits, with the public state after each.
* refused.json: commits that public state must refuse, with the check that refuses them
  (docs/mls-validation.md).

All randomness comes from a counter, so the content is the same at every run; `--check` writes
nothing and fails when the files differ from it.

Run: PYTHONPATH=src:. python -m tools.make_mls_vectors [--check]
"""

import hashlib
import json
import secrets
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from coterie.mls import (
    Add,
    Capabilities,
    ExternalInit,
    ExternalPSK,
    Group,
    GroupContextExtensions,
    KeyPackageSecrets,
    PendingCommit,
    PublicGroup,
    ReInit,
    Remove,
    Suite,
    hpke,
    new_key_package,
    suite,
)
from coterie.mls.codec import opaque, uint16
from tests.mls.forger import (
    PathEdit,
    altered,
    commit_in,
    commit_of,
    frame,
    on_leaf,
    on_node,
    on_secrets,
    resigned,
)

TARGET = Path(__file__).resolve().parents[1] / "tests" / "mls" / "vectors"
Vector = dict[str, Any]

STATE, SEAT = 0xF0C0, 0xF0C1
LIFETIME = (0, 2**62)
NOW = 1
PARTY = ExternalPSK(b"party", bytes(range(32)))
PSKS = {PARTY.psk_id: b"the secret of the party"}
EXPORT = ("coterie/1 content", b"conversation", 32)
GROUP_ID = bytes(range(16))


class Counter:
    """Stands in for the system's randomness while vectors are made."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def token_bytes(self, length: int | None = 32) -> bytes:
        self._count += 1
        seed = f"{self._name} {self._count}".encode()
        return hashlib.shake_256(seed).digest(length or 32)

    def key_pair(self) -> tuple[bytes, bytes]:
        return hpke.derive_key_pair(self.token_bytes())

    @contextmanager
    def installed(self) -> Generator[None]:
        def encrypt_with_label(
            used: Suite, public: bytes, label: bytes, context: bytes, plaintext: bytes
        ) -> tuple[bytes, bytes]:
            info = opaque(b"MLS 1.0 " + label) + opaque(context)
            return seal(used, self.key_pair(), public, info, plaintext)

        with (
            mock.patch.object(secrets, "token_bytes", self.token_bytes),
            mock.patch.object(hpke, "generate_key_pair", self.key_pair),
            mock.patch.object(Suite, "encrypt_with_label", encrypt_with_label),
        ):
            yield


def seal(
    used: Suite, ephemeral: tuple[bytes, bytes], public: bytes, info: bytes, plaintext: bytes
) -> tuple[bytes, bytes]:
    """HPKE base mode with a given ephemeral key (RFC 9180 §4.1, §5.1, §5.2)."""
    private, kem_output = ephemeral
    key = X25519PrivateKey.from_private_bytes(private)
    agreed = key.exchange(X25519PublicKey.from_public_bytes(public))
    kem = b"KEM" + uint16(0x20)
    shared = labeled_expand(
        kem, labeled_extract(kem, b"", b"eae_prk", agreed), b"shared_secret", kem_output + public
    )
    whole = b"HPKE" + uint16(0x20) + uint16(1) + uint16(used.id)
    context = (
        b"\x00"
        + labeled_extract(whole, b"", b"psk_id_hash", b"")
        + labeled_extract(whole, b"", b"info_hash", info)
    )
    secret = labeled_extract(whole, shared, b"secret", b"")
    aead_key = labeled_expand(whole, secret, b"key", context, used.key_length)
    nonce = labeled_expand(whole, secret, b"base_nonce", context, 12)
    return kem_output, used.encrypt(aead_key, nonce, plaintext, b"")


def labeled_extract(suite_id: bytes, salt: bytes, label: bytes, key_material: bytes) -> bytes:
    return hpke.extract(salt, b"HPKE-v1" + suite_id + label + key_material)


def labeled_expand(
    suite_id: bytes, secret: bytes, label: bytes, info: bytes, length: int = 32
) -> bytes:
    return hpke.expand(secret, uint16(length) + b"HPKE-v1" + suite_id + label + info, length)


def capabilities(used: Suite) -> Capabilities:
    return Capabilities(cipher_suites=(used.id,), extensions=(STATE, SEAT))


def client(used: Suite, name: str) -> KeyPackageSecrets:
    return new_key_package(
        used,
        name.encode(),
        secrets.token_bytes(32),
        capabilities=capabilities(used),
        leaf_extensions=[(SEAT, secrets.token_bytes(16))],
        lifetime=LIFETIME,
    )


class Story:
    """A group's life, told to a passive member and to the public."""

    def __init__(self, used: Suite) -> None:
        self.used, self.epochs = used, list[Vector]()
        self.chain = list[Vector]()
        ann, self.passive = client(used, "ann"), client(used, "passive")
        group = Group.create(used, GROUP_ID, ann, [(STATE, b"state 0")])
        self.joined = group.commit(adds=[self.passive.package], now=NOW)
        tree = self.joined.group.public.tree.encode()
        member = Group.join(used, self.welcome(self.joined), self.passive, tree)
        self.members = {"ann": self.joined.group, "passive": member}
        self.start = member.public

    @staticmethod
    def welcome(pending: PendingCommit) -> bytes:
        if pending.welcome is None:
            raise ValueError("the commit adds nobody")
        return pending.welcome

    def order(
        self, author: str, pending: PendingCommit, gone: Sequence[str] = (), by_value: bool = True
    ) -> None:
        before = self.members["passive"].public
        staying = [name for name in self.members if name not in (author, *gone)]
        following = {name: self.members[name].process(pending.commit) for name in staying}
        self.members = {author: pending.group, **following}
        self.epochs.append(
            {"proposals": [], "commit": pending.commit.hex(), **self.epoch_secrets()}
        )
        if by_value:
            self.chain.append(self.link(before, pending.commit))

    def epoch_secrets(self) -> Vector:
        member = self.members["passive"]
        return {
            "epoch_authenticator": member.epoch_authenticator.hex(),
            "exported": member.export(*EXPORT).hex(),
        }

    @staticmethod
    def link(before: PublicGroup, commit: bytes) -> Vector:
        staged = before.stage(commit)
        return {
            "commit": commit.hex(),
            "sender": staged.sender,
            "committer": staged.committer,
            "added": staged.added,
            "removes": staged.removes,
            "context": staged.after.context.encoded.hex(),
            "interim_transcript_hash": staged.after.interim_transcript_hash.hex(),
        }

    def add(self, author: str, *names: str, remove: str | None = None, path: bool = True) -> None:
        own = {name: client(self.used, name) for name in names}
        removes = [] if remove is None else [self.members[remove].own_leaf]
        pending = self.members[author].commit(
            adds=[one.package for one in own.values()], removes=removes, force_path=path, now=NOW
        )
        self.order(author, pending, [] if remove is None else [remove])
        tree = pending.group.public.tree.encode()
        for name, one in own.items():
            self.members[name] = Group.join(self.used, self.welcome(pending), one, tree)

    def commit(self, author: str, **parts: Any) -> None:
        self.order(author, self.members[author].commit(now=NOW, **parts))

    def enter(self, name: str, signer: bytes, replacing: str | None = None) -> None:
        removes = [] if replacing is None else [self.members[replacing].own_leaf]
        pending = Group.join_externally(
            self.members["ann"].group_info(),
            name.encode(),
            signer,
            capabilities=capabilities(self.used),
            leaf_extensions=[(SEAT, secrets.token_bytes(16))],
            authenticated_data=b"entry",
            removes=removes,
        )
        self.order(name, pending, [] if replacing is None else [replacing])

    def use_psk(self, author: str) -> None:
        self.members = {
            name: member.with_external_psks(PSKS) for name, member in self.members.items()
        }
        self.commit(author, psks=[PARTY])

    def commit_by_reference(self, author: str, proposer: str) -> None:
        package = client(self.used, "late").package
        proposal = frame(self.members[proposer], Add(package))
        heard = {name: member.process_message(proposal) for name, member in self.members.items()}
        self.members = {name: received.group for name, received in heard.items()}
        references = [heard[author].reference]
        pending = self.members[author].commit(references=references, now=NOW)
        self.order(author, pending, by_value=False)
        self.epochs[-1]["proposals"] = [proposal.hex()]


def told(used: Suite) -> Story:
    story = Story(used)
    story.add("ann", "bela", "chen")
    story.commit("chen", force_path=True)
    story.add("bela", "dana", path=False)
    story.commit("ann", group_context_extensions=[(STATE, b"state 1")])
    story.add("chen", "erin", "faye", remove="dana")
    signer = secrets.token_bytes(32)
    story.enter("gail", signer)
    story.commit("erin", authenticated_data=b"reason", force_path=True)
    story.enter("gail again", signer, replacing="gail")
    story.use_psk("faye")
    story.commit_by_reference("bela", "erin")
    return story


def passive(story: Story) -> Vector:
    own = story.passive
    member = Group.join(story.used, story.welcome(story.joined), own, story.start.tree.encode())
    return {
        "cipher_suite": story.used.id,
        "external_psks": [{"psk_id": name.hex(), "psk": key.hex()} for name, key in PSKS.items()],
        "key_package": (b"\x00\x01\x00\x05" + own.package.encoded).hex(),
        "signature_priv": own.signature_private.hex(),
        "encryption_priv": own.encryption_private.hex(),
        "init_priv": own.init_private.hex(),
        "welcome": story.welcome(story.joined).hex(),
        "ratchet_tree": story.start.tree.encode().hex(),
        "initial_epoch_authenticator": member.epoch_authenticator.hex(),
        "exporter": {"label": EXPORT[0], "context": EXPORT[1].hex(), "length": EXPORT[2]},
        "epochs": story.epochs,
    }


def anchor(public: PublicGroup) -> Vector:
    return {
        "cipher_suite": public.suite.id,
        "context": public.context.encoded.hex(),
        "ratchet_tree": public.tree.encode().hex(),
        "confirmation_tag": public.confirmation_tag.hex(),
    }


def public(story: Story) -> Vector:
    return {**anchor(story.start), "commits": story.chain}


def refused(used: Suite) -> Vector:
    """A group of four, and what its first member forges."""
    packages = [client(used, name) for name in ("bela", "chen", "dana")]
    group = Group.create(used, GROUP_ID, client(used, "ann"), [(STATE, b"")])
    group = group.commit(adds=[one.package for one in packages], now=NOW).group
    group = group.commit(force_path=True).group
    return {
        **anchor(group.public),
        "refused": [
            {"name": name, "check": check, "commit": commit.hex()}
            for name, check, commit in (*bad_lists(group), *bad_paths(group), *bad_frames(group))
        ],
    }


Forgery = tuple[str, str, bytes]


def bad_lists(group: Group) -> Iterator[Forgery]:
    used = group.suite
    stranger = new_key_package(
        used,
        b"stranger",
        secrets.token_bytes(32),
        capabilities=Capabilities(cipher_suites=(used.id,)),
        lifetime=LIFETIME,
    ).package
    twin, other = client(used, "erin").package, client(suite(4 - used.id), "erin").package
    unsigned = type(twin).decode(twin.encoded[:-1] + bytes((twin.encoded[-1] ^ 1,)))
    re_init = ReInit(b"next", 1, used.id, ())
    lists: list[tuple[str, str, list[Any]]] = [
        ("removes itself", "list.own-remove", [Remove(0)]),
        ("removes one twice", "list.leaf-once", [Remove(1), Remove(1)]),
        ("removes nobody", "remove.member", [Remove(9)]),
        ("needs a path", "commit.path", [Remove(1)]),
        ("empty without path", "commit.path", []),
        ("external init of a member", "list.external-init", [ExternalInit(bytes(range(32)))]),
        ("two extension lists", "list.one-extensions", [GroupContextExtensions(())] * 2),
        ("reinit beside a remove", "list.reinit-alone", [re_init, Remove(1)]),
        ("adds one twice", "tree.signature-keys", [Add(twin), Add(twin)]),
        ("adds who lacks support", "support.extensions", [Add(stranger)]),
        ("adds an unsigned package", "key-package.signature", [Add(unsigned)]),
        ("adds a package of another suite", "key-package.suite", [Add(other)]),
    ]
    for name, check, proposals in lists:
        yield name, check, commit_of(group, *proposals)


def bad_paths(group: Group) -> Iterator[Forgery]:
    pending = group.commit(force_path=True)
    own = group.public.tree.encryption_key(2 * group.own_leaf)
    other = group.public.tree.encryption_key(6)
    elsewhere = client(group.suite, "erin").package.leaf_node
    edits: list[tuple[str, str, PathEdit]] = [
        ("leaf of a key package", "path.source", on_leaf(lambda _: elsewhere)),
        (
            "leaf signed for another place",
            "leaf.signature",
            on_leaf(lambda leaf: resigned(group, leaf, leaf_index=1)),
        ),
        (
            "leaf keeps its key",
            "leaf.key-kept",
            on_leaf(lambda leaf: resigned(group, leaf, encryption_key=own)),
        ),
        (
            "leaf takes a member's key",
            "tree.encryption-keys",
            on_leaf(lambda leaf: resigned(group, leaf, encryption_key=other)),
        ),
        (
            "wrong parent hash",
            "path.parent-hash",
            on_leaf(lambda leaf: resigned(group, leaf, parent_hash=bytes(32))),
        ),
        (
            "leaf forgets the group's extension",
            "support.extensions",
            on_leaf(
                lambda leaf: resigned(
                    group, leaf, capabilities=replace(leaf.capabilities, extensions=(SEAT,))
                )
            ),
        ),
        ("one node short", "path.length", lambda path: replace(path, nodes=path.nodes[:-1])),
        (
            "key of small order",
            "key.hpke",
            on_node(0, lambda node: replace(node, encryption_key=bytes(32))),
        ),
        ("no secret for anybody", "path.recipients", on_secrets(0, lambda _: ())),
        (
            "secret of a wrong length",
            "path.ciphertext",
            on_secrets(0, lambda sealed: (replace(sealed[0], ciphertext=bytes(47)),)),
        ),
    ]
    for name, check, edit in edits:
        yield name, check, altered(group, pending, edit)


def bad_frames(group: Group) -> Iterator[Forgery]:
    pending = group.commit(force_path=True)
    commit = commit_in(pending)
    yield "another group", "framing.group", frame(group, commit, group_id=b"another")
    yield "another epoch", "framing.epoch", pending.group.commit(force_path=True).commit
    yield (
        "signed by somebody else",
        "framing.signature",
        frame(group, commit, signer=secrets.token_bytes(32)),
    )
    yield "a proposal", "commit.content", frame(group, Remove(1))
    yield "cut off", "codec.truncated", pending.commit[:-1]
    yield "a byte too many", "codec.trailing", pending.commit + b"\x00"


def files() -> dict[str, list[Vector]]:
    made: dict[str, list[Vector]] = {"passive": [], "public": [], "refused": []}
    for used in (suite(1), suite(3)):
        with Counter(f"suite {used.id}").installed():
            story = told(used)
            made["passive"].append(passive(story))
            made["public"].append(public(story))
            made["refused"].append(refused(used))
    return made


def main() -> None:
    for name, vectors in files().items():
        path, text = TARGET / f"{name}.json", json.dumps(vectors, indent=1) + "\n"
        if "--check" not in sys.argv:
            TARGET.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{path.name} is not what tools/make_mls_vectors.py makes")


if __name__ == "__main__":
    main()

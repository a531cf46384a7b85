"""Clients of mls-rs, by what its wheel offers: suite 1, no entering from the outside."""

from collections.abc import Sequence
from typing import Final

import mls_rs_uniffi.mls_rs_uniffi as mls_rs  # pyright: ignore[reportMissingTypeStubs]

from coterie.mls import LeafNode, RatchetTree, suite
from coterie.mls.framing import PublicMessage
from coterie.mls.messages import decode_message
from coterie.mls.private_message import PrivateMessage
from tests.interop.client import CONTEXT, LABEL, LENGTH, Committed, View

SUITE_ID: Final = 1


class Storage(mls_rs.GroupStateStorage):
    """What it saves, kept in memory."""

    def __init__(self) -> None:
        self._state: bytes | None = None
        self._epochs: dict[int, bytes] = {}

    def state(self, group_id: bytes) -> bytes | None:
        return self._state

    def epoch(self, group_id: bytes, epoch_id: int) -> bytes | None:
        return self._epochs.get(epoch_id)

    def write(
        self,
        group_id: bytes,
        group_state: bytes,
        epoch_inserts: list[mls_rs.EpochRecord],
        epoch_updates: list[mls_rs.EpochRecord],
    ) -> None:
        self._state = group_state
        self._epochs |= {one.id: one.data for one in (*epoch_inserts, *epoch_updates)}

    def max_epoch_id(self, group_id: bytes) -> int | None:
        return max(self._epochs, default=None)


class MlsRsClient:
    _group: mls_rs.Group

    def __init__(self, name: str) -> None:
        self.name = name
        self._client = mls_rs.Client(
            name.encode(),
            mls_rs.generate_signature_keypair(mls_rs.CipherSuite.CURVE25519_AES128),
            mls_rs.ClientConfig(group_state_storage=Storage(), use_ratchet_tree_extension=True),
        )
        self._committers: dict[bytes, mls_rs.SigningIdentity] = {}
        """By signature key. It removes members by these, and tells them of committers only."""

    def key_package(self) -> bytes:
        return self._client.generate_key_package_message().to_bytes()

    def create(self, group_id: bytes) -> None:
        self._group = self._client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self._group = self._client.join_group(None, mls_rs.Message.from_bytes(welcome)).group

    def can_commit(self, adds: int, removes: Sequence[int]) -> bool:
        known = all(self._leaf(leaf).signature_key in self._committers for leaf in removes)
        return known and not (adds and removes)

    def commit(self, adds: Sequence[bytes], removes: Sequence[int]) -> Committed:
        assert self.can_commit(len(adds), removes)
        made = self._commit(adds, removes)
        self._group.process_incoming_message(made.commit_message)
        welcome = made.welcome_message and made.welcome_message.to_bytes()
        return Committed(made.commit_message.to_bytes(), welcome)

    def _commit(self, adds: Sequence[bytes], removes: Sequence[int]) -> mls_rs.CommitOutput:
        if adds:
            return self._group.add_members([mls_rs.Message.from_bytes(one) for one in adds])
        if removes:
            keys = [self._leaf(leaf).signature_key for leaf in removes]
            return self._group.remove_members([self._committers[key] for key in keys])
        return self._group.commit()

    def process(self, commit: bytes) -> bool:
        key = self._committer_key(commit)
        done = self._group.process_incoming_message(mls_rs.Message.from_bytes(commit))
        assert isinstance(done, mls_rs.ReceivedMessage.COMMIT)
        if key is not None:
            self._committers[key] = done.committer
        return not done.effect.is_removed()

    def _committer_key(self, commit: bytes) -> bytes | None:
        """None for who commits from the outside."""
        message = decode_message(commit)
        assert isinstance(message, PublicMessage)
        sender = message.authenticated.framed.sender.leaf_index
        return None if sender is None else self._leaf(sender).signature_key

    def protect(self, data: bytes) -> bytes:
        return self._group.encrypt_application_message(data).to_bytes()

    def open(self, message: bytes) -> bytes:
        done = self._group.process_incoming_message(mls_rs.Message.from_bytes(message))
        assert isinstance(done, mls_rs.ReceivedMessage.APPLICATION_MESSAGE)
        return done.data

    def restore(self) -> None:
        message = decode_message(self.protect(b""))
        assert isinstance(message, PrivateMessage)
        self._group.write_to_storage()
        self._group = self._client.load_group(message.group_id)

    def view(self) -> View:
        """It does not tell its epoch, but says it in what it sends."""
        message = decode_message(self.protect(b""))
        assert isinstance(message, PrivateMessage)
        exported = self._group.export_secret(LABEL.encode(), CONTEXT, LENGTH)
        return View(message.epoch, exported, self._tree().tree_hash(suite(SUITE_ID)))

    def _tree(self) -> RatchetTree:
        return RatchetTree.decode(self._group.export_tree().bytes)

    def _leaf(self, index: int) -> LeafNode:
        leaf = self._tree().leaf(index)
        assert leaf is not None
        return leaf
